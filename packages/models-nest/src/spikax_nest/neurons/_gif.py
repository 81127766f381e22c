"""Generalised integrate-and-fire neurons: what a spike triggers, and spikes by chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import State, cell, param
from spikax.noise import NoisyState
from spikax.units import Hz, ms, mV, nS, pA, pF
from spikax_nest.neurons._escape import drawn_exponential, drawn_threshold
from spikax_nest.neurons._neuron import SpikingNode, left_after, width_between
from spikax_nest.neurons._stacked import Stacked, apart, rows, stacked


class GifState(NoisyState, State):
    """With what spikes trigger."""

    stc: Mapping[str, Array] = cell(pA, doc="currents that spikes trigger")
    sfa: Mapping[str, Array] = cell(mV, doc="rises of the threshold that spikes trigger")
    I_stc: Array = cell(pA, doc="sum of the triggered currents in the last step")
    E_sfa: Array = cell(mV, doc="threshold in the last step")


class Gif(Stacked, SpikingNode):
    """Generalised integrate-and-fire neuron with escape noise.

    C_m dV/dt = -g_L (V - E_L) - I_stc + I_syn + I_e + I
    rate of spikes: lambda_0 exp((V - E_sfa) / Delta_V)
    I_stc = sum_k stc_k;  dstc_k/dt = -stc_k / tau_stc_k;  a spike adds q_stc_k
    E_sfa = V_T_star + sum_k sfa_k;  dsfa_k/dt = -sfa_k / tau_sfa_k;  a spike adds q_sfa_k

    What a spike adds to I_stc and E_sfa counts from the next step on, undecayed in that one, as in
    NEST; both are constant within a step.
    """

    C_m: Array = param(80 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(4 * nS, above=0, doc="leak conductance")
    E_L: Array = param(-70 * mV, doc="resting potential")
    V_reset: Array = param(-55 * mV, doc="potential after a spike")
    t_ref: Array = param(4 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    V_T_star: Array = param(-35 * mV, doc="threshold at rest")
    Delta_V: Array = param(0.5 * mV, above=0, doc="potential that makes spikes e times as frequent")
    lambda_0: Array = param(1 * Hz, at_least=0, doc="rate of spikes at the threshold")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")
    tau_sfa: Array = param([] * ms, above=0, free=True, doc="decay times of the threshold")
    q_sfa: Array = param([] * mV, free=True, doc="rises of the threshold by a spike")
    tau_stc: Array = param([] * ms, above=0, free=True, doc="decay times of triggered currents")
    q_stc: Array = param([] * pA, free=True, doc="triggered currents that a spike adds")
    width: Array = width_between("V_T_star", "V_reset")
    stacks = {"stc": "tau_stc", "sfa": "tau_sfa"}
    pads = {"tau_sfa": 1.0, "q_sfa": 0.0, "tau_stc": 1.0, "q_stc": 0.0}
    computed = {"E_sfa": lambda _: 0.0, "I_stc": lambda _: 0.0}

    def validate(self) -> None:
        self.refuse_unequal("tau_sfa", "q_sfa")
        self.refuse_unequal("tau_stc", "q_stc")

    def triggered_current(self, s: Any) -> Array:
        """I_stc in this step."""
        return stacked(s.stc, s.V_m).sum(0)

    def held(self, s: Any) -> Array:
        """The potential in the refractory period: V_reset from the step after a spike on."""
        return (1 - s.spike) * s.V_m + s.spike * self.V_reset

    def escape(self, s: Any, V: Array, t: Array, dt: float) -> dict[str, Any]:
        """V at the end of a step, its spike by chance, and what that triggers."""
        stc, sfa = stacked(s.stc, s.V_m), stacked(s.sfa, s.V_m)
        E_sfa = self.V_T_star + sfa.sum(0)
        drawn = drawn_exponential(s.stream, t, V)
        threshold = drawn_threshold(E_sfa, self.Delta_V, self.lambda_0 * dt, drawn)
        spikes = self.crossed(V, s.r, threshold)
        return {
            "V_m": V,
            "stc": apart(jnp.exp(-dt / rows(self.tau_stc)) * stc + rows(self.q_stc) * spikes[None]),
            "sfa": apart(jnp.exp(-dt / rows(self.tau_sfa)) * sfa + rows(self.q_sfa) * spikes[None]),
            "I_stc": stc.sum(0),
            "E_sfa": jnp.broadcast_to(E_sfa, V.shape),
            "spike": spikes,
            "r": left_after(s.r, spikes, self.t_ref, dt),
        }
