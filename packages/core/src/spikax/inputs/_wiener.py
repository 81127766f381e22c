"""A random walk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import param
from spikax._random import normal
from spikax._system import Array, Dynamics
from spikax.inputs._noise import NoisyState
from spikax.inputs._waveform import CurrentState
from spikax.units import ms, pA


class WienerState(CurrentState, NoisyState):
    """The stream of random numbers and the current of the last step."""


class Wiener(Dynamics):
    """A current that walks at random from zero (Wiener 1923), each neuron its own.

        I(t + dt) = I(t) + sigma sqrt(dt / tau) z

    with a standard normal z: the standard deviation is sigma sqrt(t / tau), exact for any dt. Its
    signal `current` reaches a neuron's port `current` through a projection without delay and of
    weight 1; a step gets the value at its end.
    """

    sigma: Array = param(10 * pA, at_least=0, doc="standard deviation after tau")
    tau: Array = param(1 * ms, above=0, doc="the time that sigma refers to")
    State = WienerState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> WienerState:
        del inputs
        z = normal(state.stream, t, dtype=state.current.dtype)
        return state.replace(current=state.current + self.sigma * jnp.sqrt(dt / self.tau) * z)
