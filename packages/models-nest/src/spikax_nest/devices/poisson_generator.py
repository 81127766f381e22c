"""NEST's `poisson_generator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param, spike
from spikax.noise import NoisyState
from spikax.units import Hz
from spikax_nest.devices._counts import counts
from spikax_nest.devices._stimulator import Stimulator


class PoissonGeneratorState(NoisyState):
    """The stream of random numbers and the spikes of the last step."""

    spike: Array = spike()


class PoissonGenerator(Stimulator):
    """Poisson spike trains, one for each connection (NEST's `poisson_generator`).

    The number of spikes in a step of width h is Poisson with mean rate h. A step later than other
    devices: start + h < stamp <= stop + h. The numbers carry no gradient.

    Source: behaviour as of NEST 3.10.
    """

    rate: Array = param(0 * Hz, at_least=0, doc="mean rate")
    per_target = True
    State = PoissonGeneratorState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> PoissonGeneratorState:
        del inputs
        on = self.lets_pass(t.astype(state.spike.dtype), dt)
        mean = jnp.broadcast_to(jnp.where(on, self.rate * dt, 0.0), state.spike.shape)
        return state.replace(spike=counts(state.stream, t, mean))
