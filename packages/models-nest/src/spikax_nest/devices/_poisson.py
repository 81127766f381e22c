"""What NEST's generators of Poisson trains share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import spike
from spikax.noise import NoisyState
from spikax_nest.devices._counts import counts
from spikax_nest.devices._stimulator import Stimulator


class RandomTrainState(NoisyState):
    """The stream of random numbers and the spikes of the last step."""

    spike: Array = spike()


class PoissonTrains(Stimulator):
    """Poisson trains: the number of spikes in a step of width h is Poisson with mean rate h."""

    per_target = True
    State = RandomTrainState

    @abstractmethod
    def rate_at(self, steps: Array, dt: float) -> Array:
        """The rate in the step that ends at number `steps`, as if it were always active."""

    def is_on(self, t: Array, dtype: Any, dt: float) -> Array:
        """Whether step t may have spikes: a step later than other devices, as all that draw."""
        return self.lets_pass(t.astype(dtype), dt)

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        del inputs
        dtype = state.spike.dtype
        rate = jnp.maximum(self.rate_at(t.astype(dtype) + 1, dt), 0.0)
        mean = jnp.where(self.is_on(t, dtype, dt), rate * dt, 0.0)
        return state.replace(
            spike=counts(state.stream, t, jnp.broadcast_to(mean, state.spike.shape))
        )
