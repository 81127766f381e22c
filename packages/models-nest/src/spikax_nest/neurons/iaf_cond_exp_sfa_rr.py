"""NEST's `iaf_cond_exp_sfa_rr`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax import cell, param
from spikax.units import ms, mV, nS, pF
from spikax_nest.neurons._conductance import ExpConductances, ExpState
from spikax_nest.neurons._iaf_cond import IafCond
from spikax_nest.neurons._runge_kutta import Y


class IafCondExpSfaRrState(ExpState):
    """Variables of `iaf_cond_exp_sfa_rr`."""

    g_sfa: Array = cell(nS, init="g_sfa", doc="conductance of the adaptation")
    g_rr: Array = cell(nS, init="g_rr", doc="conductance of the relative refractoriness")


class IafCondExpSfaRr(  # pyright: ignore[reportIncompatibleVariableOverride]
    ExpConductances, IafCond
):
    """`iaf_cond_exp` with adaptation and relative refractoriness (NEST's `iaf_cond_exp_sfa_rr`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in)
                    - g_sfa (V - E_sfa) - g_rr (V - E_rr) + I_e + I
        dg/dt = -g / tau for each g;  a spike of weight w adds |w| to g_ex or g_in
        V >= V_th:  spike, V <- V_reset, held for t_ref;  g_sfa rises by q_sfa, g_rr by q_rr

    Source: Dayan & Abbott 2001, Theoretical Neuroscience, sec. 5.4; behaviour as of NEST 3.10.
    """

    V_th: Array = param(-57 * mV, doc="spike threshold")
    V_reset: Array = param(-70 * mV, doc="potential after a spike, below the threshold")
    C_m: Array = param(289.5 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(28.95 * nS, doc="leak conductance")
    E_in: Array = param(-75 * mV, doc="reversal potential of g_in")
    t_ref: Array = param(0.5 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    tau_syn_ex: Array = param(1.5 * ms, above=0, doc="time constant of g_ex")
    tau_syn_in: Array = param(10 * ms, above=0, doc="time constant of g_in")
    E_sfa: Array = param(-70 * mV, doc="reversal potential of g_sfa")
    q_sfa: Array = param(14.48 * nS, doc="rise of g_sfa by a spike")
    tau_sfa: Array = param(110 * ms, above=0, doc="time constant of g_sfa")
    g_sfa: Array = param(0 * nS, doc="g_sfa at the start")
    E_rr: Array = param(-70 * mV, doc="reversal potential of g_rr")
    q_rr: Array = param(3214 * nS, doc="rise of g_rr by a spike")
    tau_rr: Array = param(1.97 * ms, above=0, doc="time constant of g_rr")
    g_rr: Array = param(0 * nS, doc="g_rr at the start")
    synaptic = ("g_ex", "g_in", "g_sfa", "g_rr")
    recordables = ("V_m", "g_ex", "g_in", "g_rr", "g_sfa")
    State = IafCondExpSfaRrState

    def synaptic_rates(self, y: Y) -> Y:
        more = {"g_sfa": -y["g_sfa"] / self.tau_sfa, "g_rr": -y["g_rr"] / self.tau_rr}
        return super().synaptic_rates(y) | more

    def synaptic_current(self, y: Y, V: Array) -> Array:
        after_spikes = y["g_sfa"] * (V - self.E_sfa) + y["g_rr"] * (V - self.E_rr)
        return super().synaptic_current(y, V) - after_spikes

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s = super().update(state, inputs, t=t, dt=dt)
        g_sfa, g_rr = s.g_sfa + self.q_sfa * s.spike, s.g_rr + self.q_rr * s.spike
        return s.replace(g_sfa=g_sfa, g_rr=g_rr)
