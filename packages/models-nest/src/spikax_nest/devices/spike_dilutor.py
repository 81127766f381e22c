"""NEST's `spike_dilutor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, param
from spikax_nest.devices._counts import binomial
from spikax_nest.devices._poisson import RandomTrainState
from spikax_nest.devices._stimulator import SliceStimulator


class SpikeDilutor(SliceStimulator):
    """Sends on what arrives, each spike with a probability (NEST's `spike_dilutor`).

    A spike, whatever its weight, passes in the step of its arrival on each connection with
    probability p_copy. Slices that begin in (start, stop] are active; what arrives before is lost,
    where in NEST it appears once more, later. No gradient flows.

    Source: behaviour as of NEST 3.10.
    """

    p_copy: Array = param(1.0, at_least=0, at_most=1, doc="probability that a spike is copied")
    ports = {"syn": Port()}
    relays = True
    feeds_plastic = True
    per_target = True
    State = RandomTrainState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> RandomTrainState:
        on = self.lets_pass(self.slice_start(t, state.spike.dtype, dt), dt)
        arrived = jnp.where(on, inputs["syn"], 0.0)
        return state.replace(spike=binomial(state.stream, t, arrived, self.p_copy))
