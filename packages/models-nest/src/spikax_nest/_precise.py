"""Spikes with times within the step: what their sources share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array

from spikax import Dynamics, State, cell, spike, static
from spikax.units import Unit, ms

EVENTS = 8
"""Events of a step that are kept apart where nothing says how many there will be."""


class PreciseState(State):
    """Spikes of the last step, one by one: the earliest first, what is none at the end."""

    spike: Array = spike()
    events: Array = cell(doc="(events, neurons), how many spikes each stands for")
    offset: Array = cell(ms, doc="(events, neurons), how long before the end of the step each is")
    overflow: Array = cell(kind="fault", doc="events of one step for which there is no place")


class Timed(Dynamics):
    """A source of several spikes per step with times of their own."""

    most_events: int = static(0, doc="events of a step that are kept apart, 0 on the grid")
    each: ClassVar[Mapping[str, str]] = {"spike": "events"}
    """Signals by step, and the cells that have the same one by one."""

    @property
    def timed(self) -> Mapping[str, str]:
        return self.each if self.most_events else {}

    @property
    def signals(self) -> Mapping[str, Unit]:
        one_by_one = {*self.each.values(), "offset"}
        known = super().signals
        return {n: u for n, u in known.items() if self.most_events or n not in one_by_one}

    def init_state(self, size: int, *, key: Any, dt: float) -> Any:
        state = super().init_state(size, key=key, dt=dt)
        none = {n: jnp.zeros((self.most_events, size)) for n in (*self.each.values(), "offset")}
        return state.replace(**none)
