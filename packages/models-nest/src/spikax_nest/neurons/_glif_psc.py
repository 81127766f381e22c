"""Generalised leaky integrate-and-fire neurons whose synapses are alpha-shaped currents."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
from jax import Array

from spikax import cell, param
from spikax.integrate import membrane_propagators
from spikax.units import ms, nS, pA
from spikax_nest.neurons._glif import Glif, GlifState
from spikax_nest.neurons._linear import Currents, LinearState
from spikax_nest.neurons._stacked import apart, stacked


class AlphaGlifState(GlifState, LinearState):
    """Variables of these neurons."""

    psc: Mapping[str, Array] = cell(pA, doc="alpha-shaped currents")
    dpsc: Mapping[str, Array] = cell(pA / ms, doc="what each rises by")
    I_syn: Array = cell(pA, doc="their sum at the start of the last step that was not held")


class AlphaGlif(Glif, Currents):  # pyright: ignore[reportIncompatibleVariableOverride]
    """The membrane is linear, and exact between the points of the grid."""

    g: Array = param(9.43 * nS, above=0, doc="membrane conductance")
    stacks = {**Glif.stacks, "psc": "taus", "dpsc": "taus"}
    recordables = (*Glif.recordables, "I_syn")
    State = AlphaGlifState

    @property
    def leak(self) -> Array:
        return self.g

    @property
    def tau_m(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.C_m / self.g

    @property
    @abstractmethod
    def taus(self) -> Array:
        """The time constant of each current."""

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> AlphaGlifState:
        s, alpha = state, jax.vmap(partial(self.alpha_current, dt=dt))
        now = stacked(s.psc, s.V_m)
        arrived = self.arrived(inputs, s.V_m)
        dpsc, psc, driven = alpha(stacked(s.dpsc, s.V_m), now, arrived, self.taus)
        currents = self.triggered(s, dt)
        P_V, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        V = self.E_L + P_V * (s.V_m - self.E_L) + P_I * (s.I_0 + currents[0]) + driven.sum(0)
        after = self.after(s, V, currents, dt, I_syn=now.sum(0))
        return s.replace(**after, psc=apart(psc), dpsc=apart(dpsc), I_0=inputs["current"])
