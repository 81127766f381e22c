"""NEST's `iaf_psc_alpha_multisynapse`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
from jax import Array

from spikax import cell
from spikax.units import ms, pA
from spikax_nest.neurons._linear import BoundedNeuron
from spikax_nest.neurons._multisynapse import MultisynapseNeuron, MultisynapseState
from spikax_nest.neurons._stacked import apart, stacked


class IafPscAlphaMultisynapseState(MultisynapseState):
    """Variables of `iaf_psc_alpha_multisynapse`."""

    dI: Mapping[str, Array] = cell(pA / ms, doc="what the current of each receptor rises by")


class IafPscAlphaMultisynapse(  # pyright: ignore[reportIncompatibleVariableOverride]
    MultisynapseNeuron, BoundedNeuron
):
    """`iaf_psc_alpha` with any number of receptors (NEST's `iaf_psc_alpha_multisynapse`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + sum_k I_syn_k + I_e + I
        I_syn_k: a spike of weight w adds w e t / tau_syn_k exp(-t / tau_syn_k), whose peak is w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact between the points of the grid, tau_m = tau_syn included. V is never below V_min, but for
    the reset.

    Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3; behaviour as of NEST 3.10.
    """

    stacks = {"I": "tau_syn", "dI": "tau_syn"}
    State = IafPscAlphaMultisynapseState

    def update(
        self, state: Any, inputs: Any, *, t: Array, dt: float
    ) -> IafPscAlphaMultisynapseState:
        s, currents = state, jax.vmap(partial(self.alpha_current, dt=dt))
        dI, I, driven = currents(
            stacked(s.dI, s.V_m), stacked(s.I, s.V_m), self.arrived(inputs, s.V_m), self.tau_syn
        )
        V, spikes, r = self.fire(self.propagate(s, driven.sum(0), dt), s.r, dt)
        return s.replace(V_m=V, dI=apart(dI), I=apart(I), I_0=inputs["current"], spike=spikes, r=r)
