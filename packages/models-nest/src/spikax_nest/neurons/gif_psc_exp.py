"""NEST's `gif_psc_exp`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.integrate import membrane_propagators
from spikax.noise import NoisyState
from spikax.units import Hz, ms, mV, nS, pA, pF
from spikax_nest.neurons._escape import drawn_exponential, drawn_threshold
from spikax_nest.neurons._linear import Currents, LinearState
from spikax_nest.neurons._neuron import left_after, width_between
from spikax_nest.neurons._stacked import Stacked, apart, rows, stacked


class GifPscExpState(NoisyState, LinearState):
    """Variables of `gif_psc_exp`."""

    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")
    stc: Mapping[str, Array] = cell(pA, doc="currents that spikes trigger")
    sfa: Mapping[str, Array] = cell(mV, doc="rises of the threshold that spikes trigger")
    I_stc: Array = cell(pA, doc="sum of the triggered currents in the last step")
    E_sfa: Array = cell(mV, doc="threshold in the last step")


class GifPscExp(Stacked, Currents):
    """Generalised integrate-and-fire neuron with escape noise (NEST's `gif_psc_exp`).

        C_m dV/dt = -g_L (V - E_L) - I_stc + I_syn_ex + I_syn_in + I_e + I
        rate of spikes: lambda_0 exp((V - E_sfa) / Delta_V)
        I_stc = sum_k stc_k;  dstc_k/dt = -stc_k / tau_stc_k;  a spike adds q_stc_k
        E_sfa = V_T_star + sum_k sfa_k;  dsfa_k/dt = -sfa_k / tau_sfa_k;  a spike adds q_sfa_k
        dI_syn/dt = -I_syn / tau_syn;  a spike of weight w adds w, to I_syn_in where w < 0

    V is V_reset from the step after a spike on, for t_ref. As in NEST, a spike that arrives moves
    V in the step at whose end it arrives, and what a spike adds to I_stc and E_sfa counts from the
    next step on, undecayed in that one.

    Source: Mensi et al. 2012, J. Neurophysiol. 107; Pozzorini et al. 2015, PLoS Comput. Biol. 11;
    behaviour as of NEST 3.10.
    """

    C_m: Array = param(80 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(4 * nS, above=0, doc="leak conductance")
    E_L: Array = param(-70 * mV, doc="resting potential")
    V_reset: Array = param(-55 * mV, doc="potential after a spike")
    t_ref: Array = param(4 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    V_T_star: Array = param(-35 * mV, doc="threshold at rest")
    Delta_V: Array = param(0.5 * mV, above=0, doc="potential that makes spikes e times as frequent")
    lambda_0: Array = param(1 * Hz, at_least=0, doc="rate of spikes at the threshold")
    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of I_syn_in")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")
    tau_sfa: Array = param([] * ms, above=0, free=True, doc="decay times of the threshold")
    q_sfa: Array = param([] * mV, free=True, doc="rises of the threshold by a spike")
    tau_stc: Array = param([] * ms, above=0, free=True, doc="decay times of triggered currents")
    q_stc: Array = param([] * pA, free=True, doc="triggered currents that a spike adds")
    width: Array = width_between("V_T_star", "V_reset")
    stacks = {"stc": "tau_stc", "sfa": "tau_sfa"}
    pads = {"tau_sfa": 1.0, "q_sfa": 0.0, "tau_stc": 1.0, "q_stc": 0.0}
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    recordables = ("E_sfa", "I_stc", "I_syn_ex", "I_syn_in", "V_m")
    computed = {"E_sfa": lambda _: 0.0, "I_stc": lambda _: 0.0}
    State = GifPscExpState

    def validate(self) -> None:
        self.refuse_unequal("tau_sfa", "q_sfa")
        self.refuse_unequal("tau_stc", "q_stc")

    @property
    def tau_m(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.C_m / self.g_L

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> GifPscExpState:
        s, (w_ex, w_in) = state, inputs["syn"]
        stc, sfa = stacked(s.stc, s.V_m), stacked(s.sfa, s.V_m)
        I_stc, E_sfa = stc.sum(0), self.V_T_star + sfa.sum(0)
        I_ex = jnp.exp(-dt / self.tau_syn_ex) * s.I_syn_ex + w_ex
        I_in = jnp.exp(-dt / self.tau_syn_in) * s.I_syn_in + w_in
        _, by_ex = self.exp_current(I_ex, w_ex, self.tau_syn_ex, dt)
        _, by_in = self.exp_current(I_in, w_in, self.tau_syn_in, dt)
        P_V, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        driven = P_I * (self.I_e + s.I_0 - I_stc) + by_ex + by_in
        active = s.r == 0
        held = (1 - s.spike) * s.V_m + s.spike * self.V_reset
        V = jnp.where(active, self.E_L + P_V * (s.V_m - self.E_L) + driven, held)
        drawn = drawn_exponential(s.stream, t, V)
        threshold = drawn_threshold(E_sfa, self.Delta_V, self.lambda_0 * dt, drawn)
        spikes = self.spikes(V - threshold) * active.astype(V.dtype)
        return s.replace(
            V_m=V,
            I_syn_ex=I_ex,
            I_syn_in=I_in,
            stc=apart(jnp.exp(-dt / rows(self.tau_stc)) * stc + rows(self.q_stc) * spikes[None]),
            sfa=apart(jnp.exp(-dt / rows(self.tau_sfa)) * sfa + rows(self.q_sfa) * spikes[None]),
            I_stc=I_stc,
            E_sfa=jnp.broadcast_to(E_sfa, V.shape),
            I_0=inputs["current"],
            spike=spikes,
            r=left_after(s.r, spikes, self.t_ref, dt),
        )
