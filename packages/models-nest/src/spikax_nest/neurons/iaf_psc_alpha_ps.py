"""NEST's `iaf_psc_alpha_ps`."""

from __future__ import annotations

import math
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


class IafPscAlphaPsState(PreciseNeuronState):
    """Variables of `iaf_psc_alpha_ps`."""

    dI_syn_ex: Array = cell(pA / ms, doc="what I_syn_ex rises by")
    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    dI_syn_in: Array = cell(pA / ms, doc="what I_syn_in rises by")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")


class IafPscAlphaPs(PreciseNeuron):
    """`iaf_psc_alpha` with spikes at any time, not on the grid alone (NEST's `iaf_psc_alpha_ps`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        I_syn: a spike of weight w at time 0 adds w e t / tau_syn exp(-t / tau_syn), whose peak is w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Positive weights go into I_syn_ex, of tau_syn_ex, negative ones into I_syn_in. Exact from event
    to event. The threshold is tested there and at the points of the grid: what goes above it and
    back in between is no spike. Currents change on the grid.

    Source: Morrison et al. 2007, Neural Comput. 19; behaviour as of NEST 3.10.
    """

    tau_syn_ex: Array = param(2 * ms, above=0, doc="time to the peak of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="time to the peak of I_syn_in")
    computed = {
        **PreciseNeuron.computed,
        **dict.fromkeys(("I_syn_ex", "I_syn_in", "dI_syn_ex", "dI_syn_in"), lambda values: 0.0),
    }
    recordables = ("I_syn_ex", "I_syn_in", "V_m")
    State = IafPscAlphaPsState

    def flow(self, s: Any, time: Array) -> Any:
        nothing = jnp.zeros_like(time)
        ex, in_ = self.tau_syn_ex, self.tau_syn_in
        dI_ex, I_ex, by_ex = self.alpha_current(s.dI_syn_ex, s.I_syn_ex, nothing, ex, time)
        dI_in, I_in, by_in = self.alpha_current(s.dI_syn_in, s.I_syn_in, nothing, in_, time)
        V = self.bounded(self.moved(s, by_ex + by_in, time))
        return s.replace(V_m=V, dI_syn_ex=dI_ex, I_syn_ex=I_ex, dI_syn_in=dI_in, I_syn_in=I_in)

    def slope(self, s: Any) -> Array:
        current = s.I_syn_ex + s.I_syn_in + self.I_e + s.I_0
        return (self.E_L - s.V_m) / self.tau_m + current / self.C_m

    def meet(self, p: Progress, e: Event, dt: float) -> Progress:
        ex = p.s.dI_syn_ex + math.e / self.tau_syn_ex * jnp.maximum(e.weight, 0.0)
        in_ = p.s.dI_syn_in + math.e / self.tau_syn_in * jnp.minimum(e.weight, 0.0)
        return p._replace(s=p.s.replace(dI_syn_ex=ex, dI_syn_in=in_))
