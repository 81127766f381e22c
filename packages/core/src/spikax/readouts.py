"""What reads a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.units import ms

__all__ = ["LeakyReadout"]


class LeakyReadoutState(State):
    """The output."""

    y: Array = cell(doc="output")


class LeakyReadout(Dynamics):
    """A leaky sum of spikes: y(t + dt) = exp(-dt / tau) y(t) + x (Bellec et al. 2020, eq. 11).

    Weights into its port `input` are plain numbers.
    """

    tau: Array = param(20 * ms, above=0, doc="time constant")
    ports: Mapping[str, Port] = {"input": Port()}
    State = LeakyReadoutState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> LeakyReadoutState:
        del t
        return LeakyReadoutState(y=jnp.exp(-dt / self.tau) * state.y + inputs["input"])
