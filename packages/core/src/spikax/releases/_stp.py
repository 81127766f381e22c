"""Short-term plasticity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.units import ms


class STPState(State):
    """Variables of short-term plasticity."""

    u: Array = cell(doc="share of the resources that a spike uses")
    x: Array = cell(init=1.0, doc="resources at hand")
    release: Array = cell(doc="released by the last step's spikes")


class STP(Dynamics):
    """Short-term facilitation and depression (Tsodyks, Pawelzik & Markram 1998, eqs. 2.1-2.4).

        between spikes   du/dt = -u / tau_f,  dx/dt = (1 - x) / tau_d
        at a spike       u <- u + U (1 - u),  release = u x,  x <- x - u x

    tau_f = 0 leaves depression alone (u = U at every spike).
    """

    U: Array = param(0.5, above=0, at_most=1, doc="rise of u by one spike")
    tau_d: Array = param(200 * ms, above=0, doc="recovery time constant")
    tau_f: Array = param(0 * ms, at_least=0, doc="facilitation time constant")
    ports: Mapping[str, Port] = {"spike": Port()}
    State = STPState

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> STPState:
        del t
        facilitates = self.tau_f > 0
        kept = jnp.where(facilitates, jnp.exp(-dt / jnp.where(facilitates, self.tau_f, 1.0)), 0.0)
        u = state.u * kept
        x = 1 + (state.x - 1) * jnp.exp(-dt / self.tau_d)
        spikes = inputs["spike"]
        # Linear about 0 and 1, where a surrogate or a sigmoid takes its slope.
        more = jnp.where(spikes > 1.5, spikes - 1, 0.0)
        u = u + self.U * (1 - u) * (spikes - more)
        first = u * x * (spikes - more)
        # A second spike in one step finds what the first one left; so x never falls below zero.
        u = 1 - (1 - u) * (1 - self.U) ** more
        further = (x - first) * (1 - (1 - u) ** more)
        return STPState(u=u, x=x - first - further, release=first + further)
