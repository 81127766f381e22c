"""NEST's `iaf_psc_exp_multisynapse`."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
from jax import Array

from spikax_nest.neurons._multisynapse import MultisynapseNeuron, MultisynapseState
from spikax_nest.neurons._stacked import apart, stacked


class IafPscExpMultisynapse(MultisynapseNeuron):
    """`iaf_psc_exp` with any number of receptors (NEST's `iaf_psc_exp_multisynapse`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + sum_k I_syn_k + I_e + I
        dI_syn_k/dt = -I_syn_k / tau_syn_k;  a spike of weight w at receptor k adds w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact between the points of the grid. NEST refuses a tau_syn that equals tau_m, and so does this
    model.

    Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3; behaviour as of NEST 3.10.
    """

    State = MultisynapseState

    def validate(self) -> None:
        super().validate()
        self.refuse_equal("tau_m", "tau_syn")

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> MultisynapseState:
        s, currents = state, jax.vmap(partial(self.exp_current, dt=dt))
        I, driven = currents(stacked(s.I, s.V_m), self.arrived(inputs, s.V_m), self.tau_syn)
        V, spikes, r = self.fire(self.propagate(s, driven.sum(0), dt), s.r, dt)
        return MultisynapseState(V_m=V, I=apart(I), I_0=inputs["current"], spike=spikes, r=r)
