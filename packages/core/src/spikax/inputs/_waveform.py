"""Currents that are given functions of time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell
from spikax._state import State
from spikax._system import Array, Dynamics, full
from spikax.units import pA


class CurrentState(State):
    """The current of the last step."""

    current: Array = cell(pA, doc="current")


class Waveform(Dynamics):
    """A current that is a function of time, the signal `current`.

    The step from t to t + dt gets the value at t + dt/2: exact where the current is constant or
    linear within a step, of order 2 elsewhere, and never on the edge of an interval of whole steps.
    """

    State = CurrentState

    @abstractmethod
    def at(self, time: Array) -> Array:
        """The current (pA) at a time (ms)."""

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> CurrentState:
        del inputs
        value = self.at(middle(t, state.current, dt))
        return CurrentState(current=full(value, state.current.size, type(self).__name__))


def middle(t: Array, like: Array, dt: float) -> Array:
    """The middle of a step (ms), in the precision of `like`."""
    return (t.astype(like.dtype) + 0.5) * dt


def between(start: Array, stop: Array, time: Array, value: Array) -> Array:
    """The value from `start` to `stop`, zero before and after."""
    return jnp.where((start <= time) & (time < stop), value, 0.0)
