"""Coloured noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._random import normal
from spikax._system import Array, Dynamics, full
from spikax.inputs._noise import NoisyState
from spikax.units import ms, pA


class OrnsteinUhlenbeckState(NoisyState):
    """The stream of random numbers and the current of the last step."""

    current: Array = cell(pA, init="mean", doc="current")


class OrnsteinUhlenbeck(Dynamics):
    """A current of coloured noise (Uhlenbeck & Ornstein 1930), each neuron its own.

        tau dI/dt = mean - I + sigma sqrt(2 tau) xi
        I(t + dt) = mean + (I(t) - mean) e^(-dt/tau) + sigma sqrt(1 - e^(-2 dt/tau)) z

    with white noise xi and a standard normal z: exact at the grid for any dt (Gillespie 1996). It
    begins in its stationary law, of standard deviation sigma and autocorrelation e^(-lag/tau). Its
    signal `current` reaches a neuron's port `current` through a projection without delay and of
    weight 1; a step gets the value at its end.
    """

    mean: Array = param(0 * pA, doc="mean current")
    sigma: Array = param(100 * pA, at_least=0, doc="standard deviation of the current")
    tau: Array = param(5 * ms, above=0, doc="correlation time")
    State = OrnsteinUhlenbeckState

    def init_state(self, size: int, *, key: Any, dt: float) -> OrnsteinUhlenbeckState:
        state = super().init_state(size, key=key, dt=dt)
        sigma = full(self.sigma, size, "OrnsteinUhlenbeck.sigma")
        z = normal(state.stream, -1, dtype=sigma.dtype)  # step 0 is the first that update draws
        return state.replace(current=state.current + sigma * z)

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> OrnsteinUhlenbeckState:
        del inputs
        z = normal(state.stream, t, dtype=state.current.dtype)
        kept = self.mean + (state.current - self.mean) * jnp.exp(-dt / self.tau)
        fresh = self.sigma * jnp.sqrt(-jnp.expm1(-2 * dt / self.tau))
        return state.replace(current=kept + fresh * z)
