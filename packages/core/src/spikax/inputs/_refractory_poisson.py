"""Poisson spike trains with a dead time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikax._fields import clock, param
from spikax._neuron import refractory_after
from spikax._random import uniform
from spikax._system import Array, Dynamics, full
from spikax.errors import ConfigError
from spikax.inputs._poisson import PoissonState
from spikax.units import Hz, ms


class RefractoryPoissonState(PoissonState):
    """The stream of random numbers, the spikes of the last step, and the dead time left."""

    refractory: Array = clock("steps left of the dead time")


class RefractoryPoisson(Dynamics):
    """Independent Poisson trains with dead time, of given mean rate (Deger et al. 2012).

        hazard = rate / (1 - rate t_ref),  CV of the intervals = 1 - rate t_ref

    The intervals are t_ref and an exponential time of mean 1 / hazard, here a geometric number of
    steps of that mean, so the mean rate is exact for any dt. The trains begin in equilibrium. The
    spikes carry no gradient.
    """

    rate: Array = param(10 * Hz, at_least=0, doc="mean number of spikes per second")
    t_ref: Array = param(2 * ms, at_least=0, steps=True, doc="dead time after a spike")
    State = RefractoryPoissonState

    def check(self, dt: float) -> None:
        super().check(dt)
        filled = np.max(self.rate * (self.t_ref + dt))
        if filled > 1:
            raise ConfigError(
                f"RefractoryPoisson: rate * (t_ref + dt) is {filled:g}, at most 1 leaves time to "
                "fire at this mean rate; use a lower rate or a shorter t_ref."
            )

    def init_state(self, size: int, *, key: Any, dt: float) -> RefractoryPoissonState:
        state = super().init_state(size, key=key, dt=dt)
        # In equilibrium a neuron fired in each earlier step with equal probability, rate * dt; the
        # share is never 0, so a rate of 0 means infinitely long ago.
        share = 1 - uniform(state.stream, -1, dtype=state.spike.dtype)
        since = jnp.floor(share / (full(self.rate, size, "RefractoryPoisson.rate") * dt))
        dead = jnp.round(full(self.t_ref, size, "RefractoryPoisson.t_ref") / dt)
        return state.replace(refractory=jnp.maximum(dead - since, 0.0).astype(jnp.int32))

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> RefractoryPoissonState:
        del inputs
        probability = self.rate * dt / (1 - self.rate * self.t_ref)
        drawn = uniform(state.stream, t, dtype=state.spike.dtype) < probability
        spikes = (drawn & (state.refractory == 0)).astype(state.spike.dtype)
        left = refractory_after(state.refractory, spikes, self.t_ref, dt)
        return state.replace(spike=spikes, refractory=left)
