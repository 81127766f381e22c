"""Spikes handed in from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikax._fields import spike
from spikax._state import State
from spikax._system import Array, Dynamics, Port


class RelayState(State):
    """The spikes of the last step."""

    spike: Array = spike()


class Relay(Dynamics):
    """Passes on at once what arrives at its port `spike`: the entrance for given spikes."""

    ports: Mapping[str, Port] = {"spike": Port()}
    State = RelayState

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> RelayState:
        del state, t, dt
        return RelayState(spike=inputs["spike"])
