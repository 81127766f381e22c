"""NEST's `hh_cond_exp_traub`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.integrate import phi1
from spikax.units import ms, mV, nS, pA, pF
from spikax_nest.neurons._conductance import ExpConductances, ExpState
from spikax_nest.neurons._neuron import left_after
from spikax_nest.neurons._runge_kutta import RungeKuttaNeuron, Y

PEAK = 30.0 * mV
"""How far above V_T a spike is at least."""


class HhCondExpTraubState(ExpState):
    """Variables of `hh_cond_exp_traub`."""

    Act_m: Array = cell(init="Act_m", doc="activation of sodium")
    Inact_h: Array = cell(init="Inact_h", doc="inactivation of sodium")
    Act_n: Array = cell(init="Act_n", doc="activation of potassium")


class HhCondExpTraub(ExpConductances, RungeKuttaNeuron):
    """Hodgkin-Huxley neuron after Traub, with conductances (NEST's `hh_cond_exp_traub`).

        C_m dV/dt = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L)
                    - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I
        dx/dt = alpha_x (1 - x) - beta_x x  for the gates m, h and n (v = V - V_T in mV, per ms)
        alpha_m = 0.32 (13 - v) / (exp((13 - v) / 4) - 1)
        beta_m = 0.28 (v - 40) / (exp((v - 40) / 5) - 1)
        alpha_h = 0.128 exp((17 - v) / 18),  beta_h = 4 / (1 + exp((40 - v) / 5))
        alpha_n = 0.032 (15 - v) / (exp((15 - v) / 5) - 1),  beta_n = 0.5 exp((10 - v) / 40)
        dg/dt = -g / tau_syn;  a spike of weight w adds |w|, to g_in where w < 0

    A spike is where V stops rising at V_T + 30 mV or above, t_ref or more after the last; V is not
    reset.

    Source: Traub & Miles 1991, Neuronal Networks of the Hippocampus; Brette et al. 2007, J. Comput.
    Neurosci. 23, benchmark 3; behaviour as of NEST 3.10.
    """

    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    g_Na: Array = param(20000 * nS, at_least=0, doc="largest conductance of sodium")
    g_K: Array = param(6000 * nS, at_least=0, doc="largest conductance of potassium")
    g_L: Array = param(10 * nS, at_least=0, doc="leak conductance")
    E_Na: Array = param(50 * mV, doc="reversal potential of sodium")
    E_K: Array = param(-90 * mV, doc="reversal potential of potassium")
    E_L: Array = param(-60 * mV, doc="reversal potential of the leak")
    V_T: Array = param(-63 * mV, doc="what the potential of the gates is counted from")
    E_in: Array = param(-80 * mV, doc="reversal potential of g_in")
    tau_syn_ex: Array = param(5 * ms, above=0, doc="time constant of g_ex")
    tau_syn_in: Array = param(10 * ms, above=0, doc="time constant of g_in")
    t_ref: Array = param(2 * ms, at_least=0, doc="time without spikes, rounded up to whole steps")
    V_m: Array = param(-60 * mV, doc="membrane potential at the start")
    Act_m: Array = param(9.895563096746586e-09, at_least=0, at_most=1, doc="m at the start")
    Inact_h: Array = param(0.999999999106396, at_least=0, at_most=1, doc="h at the start")
    Act_n: Array = param(2.551577051602551e-07, at_least=0, at_most=1, doc="n at the start")
    width: Array = param(10 * mV, above=0, doc="scale of the surrogate gradient")
    hidden = (*RungeKuttaNeuron.hidden, "g_ex", "g_in")
    recordables = ("Act_m", "Act_n", "Inact_h", "V_m", "g_ex", "g_in")
    variables = ("V_m", "Act_m", "Inact_h", "Act_n", "g_ex", "g_in")
    State = HhCondExpTraubState

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": self.syn, "current": Port(pA)}

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V, m, h, n = (y[name] for name in self.variables[:4])
        sodium = self.g_Na * m**3 * h * (V - self.E_Na)
        potassium, leak = self.g_K * n**4 * (V - self.E_K), self.g_L * (V - self.E_L)
        flow = self.I_e + args["I"] + self.synaptic_current(y, V) - sodium - potassium - leak
        # V / mV: a number.
        v = V - self.V_T
        up_m, down_m = 1.28 / phi1((13 - v) / 4), 1.4 / phi1((v - 40) / 5)
        up_h, down_h = 0.128 * jnp.exp((17 - v) / 18), 4 / (1 + jnp.exp((40 - v) / 5))
        up_n, down_n = 0.16 / phi1((15 - v) / 5), 0.5 * jnp.exp((10 - v) / 40)
        return {
            "V_m": flow / self.C_m,
            "Act_m": up_m * (1 - m) - down_m * m,
            "Inact_h": up_h * (1 - h) - down_h * h,
            "Act_n": up_n * (1 - n) - down_n * n,
            **self.synaptic_rates(y),
        }

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> HhCondExpTraubState:
        s, start = state, {n: getattr(state, n) for n in self.variables}
        y, _, solver = self.integrate(s, start, {"I": s.I_0}, dt)
        y = self.arrive(y, inputs)
        past_peak = (s.V_m > y["V_m"]) & (s.r == 0)
        spikes = self.spikes(y["V_m"] - self.V_T - PEAK.mantissa) * past_peak.astype(s.V_m.dtype)
        r = left_after(s.r, spikes, self.t_ref, dt)
        return s.replace(**y, **solver, spike=spikes, r=r, I_0=inputs["current"])
