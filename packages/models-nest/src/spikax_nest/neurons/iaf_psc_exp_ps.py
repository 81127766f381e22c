"""NEST's `iaf_psc_exp_ps`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.units import ms, pA
from spikax_nest.neurons._precise_neuron import (
    Event,
    PreciseNeuron,
    PreciseNeuronState,
    Progress,
)


class IafPscExpPsState(PreciseNeuronState):
    """Variables of `iaf_psc_exp_ps`."""

    I_syn_ex: Array = cell(pA, init="I_syn_ex", doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, init="I_syn_in", doc="synaptic current of negative weights")


class IafPscExpPs(PreciseNeuron):
    """`iaf_psc_exp` with spikes at any time, not on the grid alone (NEST's `iaf_psc_exp_ps`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        dI_syn_ex/dt = -I_syn_ex / tau_syn_ex;  a spike of weight w >= 0 adds w
        dI_syn_in/dt = -I_syn_in / tau_syn_in;  a spike of weight w < 0 adds w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact from event to event. The threshold is tested there and at the points of the grid: what
    goes above it and back in between is no spike. Currents change on the grid.

    Source: Morrison et al. 2007, Neural Comput. 19; Hanuschkin et al. 2010, Front. Neuroinform.
    4:113; behaviour as of NEST 3.10.
    """

    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of I_syn_in")
    I_syn_ex: Array = param(0 * pA, doc="I_syn_ex at the start")
    I_syn_in: Array = param(0 * pA, doc="I_syn_in at the start")
    recordables = ("V_m",)
    State = IafPscExpPsState

    def flow(self, s: Any, time: Array) -> Any:
        nothing = jnp.zeros_like(time)
        I_ex, by_ex = self.exp_current(s.I_syn_ex, nothing, self.tau_syn_ex, time)
        I_in, by_in = self.exp_current(s.I_syn_in, nothing, self.tau_syn_in, time)
        V = self.bounded(self.moved(s, by_ex + by_in, time))
        return s.replace(V_m=V, I_syn_ex=I_ex, I_syn_in=I_in)

    def slope(self, s: Any) -> Array:
        current = s.I_syn_ex + s.I_syn_in + self.I_e + s.I_0
        return (self.E_L - s.V_m) / self.tau_m + current / self.C_m

    def meet(self, p: Progress, e: Event, dt: float) -> Progress:
        I_ex = p.s.I_syn_ex + jnp.maximum(e.weight, 0.0)
        I_in = p.s.I_syn_in + jnp.minimum(e.weight, 0.0)
        return p._replace(s=p.s.replace(I_syn_ex=I_ex, I_syn_in=I_in))
