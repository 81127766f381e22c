"""Short-term plasticity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.releases._count import first_and_more
from spikax.units import ms


class STDState(State):
    """Variables of short-term depression."""

    x: Array = cell(init=1.0, doc="resources at hand")
    release: Array = cell(doc="released by the last step's spikes")


class STD(Dynamics):
    """Short-term depression (Tsodyks & Markram 1997; Abbott et al. 1997).

    between spikes   dx/dt = (1 - x) / tau_d
    at a spike       release = U x,  x <- x - U x
    """

    U: Array = param(0.5, above=0, at_most=1, doc="share of the resources that a spike uses")
    tau_d: Array = param(200 * ms, above=0, doc="recovery time constant")
    ports: Mapping[str, Port] = {"spike": Port()}
    State = STDState

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        del t
        return self.spend(state, inputs["spike"], (self.U, self.U), dt)

    def spend(self, s: Any, spikes: Array, shares: tuple[Array, Array], dt: float) -> Any:
        """The state after recovery and spikes; `shares` are those of the first and of the others.

        A second spike of one step finds what the first one left, so x never falls below zero.
        """
        first, more = first_and_more(spikes)
        x = 1 + (s.x - 1) * jnp.exp(-dt / self.tau_d)
        left = x * (1 - shares[0] * first) * (1 - shares[1]) ** more
        return s.replace(x=left, release=x - left)


class STPState(STDState):
    """Variables of short-term plasticity."""

    u: Array = cell(doc="share of the resources that a spike uses")


class STP(STD):
    """Short-term facilitation and depression (Tsodyks, Pawelzik & Markram 1998, eqs. 2.1-2.4).

        between spikes   du/dt = -u / tau_f,  dx/dt = (1 - x) / tau_d
        at a spike       u <- u + U (1 - u),  release = u x,  x <- x - u x

    tau_f = 0 leaves depression alone, as `STD` has it.
    """

    U: Array = param(0.5, above=0, at_most=1, doc="rise of u by one spike")
    tau_f: Array = param(0 * ms, at_least=0, doc="facilitation time constant")
    State = STPState

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        del t
        facilitates = self.tau_f > 0
        kept = jnp.where(facilitates, jnp.exp(-dt / jnp.where(facilitates, self.tau_f, 1.0)), 0.0)
        spikes = inputs["spike"]
        first, more = first_and_more(spikes)
        before = state.u * kept
        # A whole spike's share whatever `first` is: release is linear in it.
        share = before + self.U * (1 - before)
        one = before + (share - before) * first
        last = one + (1 - one) * (1 - (1 - self.U) ** more)
        return self.spend(state.replace(u=last), spikes, (share, last), dt)
