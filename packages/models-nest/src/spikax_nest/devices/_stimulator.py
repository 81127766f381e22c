"""What NEST's stimulating devices share: when they are active, and what a current device sends."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import State, cell, param
from spikax.errors import ConfigError
from spikax.units import Unit, ms, pA
from spikax_nest._node import NestNode

TIC = 1e-3
"""NEST's grain of time in ms: times are rounded to it before they are counted in steps."""
NEVER = 1e30
"""Time in ms at the end of vectors that are shorter than others."""


class Stimulator(NestNode):
    """A device that is active from `start` to `stop`, both counted from `origin`."""

    element_type = "stimulator"
    archives = False
    forced = False
    feeds_plastic = False
    on_grid: ClassVar[tuple[str, ...]] = ("origin", "start", "stop")
    """Times that are multiples of the step."""

    origin: Array = param(0 * ms, at_least=0, doc="what start and stop are counted from")
    start: Array = param(0 * ms, at_least=0, doc="when it becomes active")
    stop: Array = param(sys.float_info.max * ms, at_least=0, doc="when it becomes inactive")

    def validate(self) -> None:
        known = isinstance(self.start, np.ndarray) and isinstance(self.stop, np.ndarray)
        if known and np.any(self.stop < self.start):
            raise ConfigError(
                f"{type(self).__name__}.stop is {np.min(self.stop):g} ms and start is "
                f"{np.max(self.start):g} ms; stop must not be before start."
            )

    def check(self, dt: float) -> None:
        super().check(dt)
        for name in self.on_grid:
            check_grid(getattr(self, name), dt, f"{type(self).__name__}.{name}")

    def since_start(self, steps: Array, dt: float) -> Array:
        """Steps from origin + start to the end of step number `steps`."""
        return steps - jnp.round(self.origin / dt) - jnp.round(self.start / dt)

    def until_stop(self, steps: Array, dt: float) -> Array:
        """Steps from the end of step number `steps` to origin + stop."""
        # First what is small: a stop that is the largest number of all becomes infinite here.
        return jnp.round(self.stop / dt) + (jnp.round(self.origin / dt) - steps)

    def lets_pass(self, steps: Array, dt: float) -> Array:
        """Whether spikes with this stamp are sent: start < stamp <= stop."""
        return (self.since_start(steps, dt) > 0) & (self.until_stop(steps, dt) >= 0)

    def active(self, steps: Array, dt: float) -> Array:
        """Whether it is active at the end of step number `steps`: start <= time < stop."""
        return (self.since_start(steps, dt) >= 0) & (self.until_stop(steps, dt) > 0)


class SliceStimulator(Stimulator):
    """A device of which NEST asks once in a slice whether it is active.

    A slice is as long as the shortest delay of a network.
    """

    min_delay: Array = param(0 * ms, at_least=0, doc="length of a slice; 0 is a step")
    hidden = (*Stimulator.hidden, "min_delay")

    def slice_start(self, t: Array, dtype: Any, dt: float) -> Array:
        """The number of steps at which the slice of step t begins."""
        length = self.slice_steps(dt)
        return jnp.floor(t.astype(dtype) / length) * length

    def slice_steps(self, dt: float) -> Array:
        """The steps of a slice."""
        return jnp.maximum(jnp.round(self.min_delay / dt), 1.0)


def check_grid(times: Any, dt: float, where: str) -> None:
    """Raise unless all times (ms) are multiples of the step, to half a microsecond."""
    if not isinstance(times, np.ndarray):
        return
    due = times[times < NEVER / 10]
    off = np.abs(due - np.round(due / dt) * dt) > TIC / 2 + 1e-9 * due
    if off.any():
        raise ConfigError(
            f"{where} is {due[off].flat[0]:g} ms, which is not representable as a multiple of dt = "
            f"{dt:g} ms; choose a dt that divides it, or round the value."
        )


class CurrentState(State):
    """The current at the end of the step."""

    current: Array = cell(pA, doc="current that is sent")


class CurrentDevice(Stimulator):
    """A device whose current I acts on V in (start + d, stop + d], d the delay of the connection.

    What it sends at time t stands in the state at t: nothing at the very start of a run.
    """

    recordables = ("I",)
    sends = "current"
    State = CurrentState

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "I": pA}

    def read(self, state: Any, name: str) -> Array:
        return super().read(state, "current" if name == "I" else name)

    @abstractmethod
    def current_at(self, steps: Array, dt: float) -> Array:
        """The current (pA) at the end of step number `steps`, as if it were always active."""

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> CurrentState:
        del inputs
        steps = t.astype(state.current.dtype) + 1
        I = jnp.where(self.active(steps, dt), self.current_at(steps, dt), 0.0)
        return CurrentState(current=jnp.broadcast_to(I, state.current.shape))
