"""NEST's `hh_psc_alpha`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.integrate import phi1
from spikax.units import mV, nS, pF
from spikax_nest.neurons._hodgkin_huxley import AlphaCurrents, AlphaCurrentsState
from spikax_nest.neurons._runge_kutta import Y

GATES = ("Act_m", "Inact_h", "Act_n")


class HhPscAlphaState(AlphaCurrentsState):
    """Variables of `hh_psc_alpha`."""

    Act_m: Array = cell(init="Act_m", doc="activation of sodium")
    Inact_h: Array = cell(init="Inact_h", doc="inactivation of sodium")
    Act_n: Array = cell(init="Act_n", doc="activation of potassium")


class HhPscAlpha(AlphaCurrents):
    """Hodgkin-Huxley neuron with alpha-shaped synaptic currents (NEST's `hh_psc_alpha`).

        C_m dV/dt = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L) + I_syn + I_e + I
        dx/dt = alpha_x(V) (1 - x) - beta_x(V) x  for the gates m, h and n (V in mV, rates in 1/ms)
        alpha_m = 0.1 (V + 40) / (1 - exp(-(V + 40) / 10)),  beta_m = 4 exp(-(V + 65) / 18)
        alpha_h = 0.07 exp(-(V + 65) / 20),  beta_h = 1 / (1 + exp(-(V + 35) / 10))
        alpha_n = 0.01 (V + 55) / (1 - exp(-(V + 55) / 10)),  beta_n = 0.125 exp(-(V + 65) / 80)

    A spike is where V stops rising at 0 mV or above, t_ref or more after the last; V is not reset.

    Source: Hodgkin & Huxley 1952, J. Physiol. 117; behaviour as of NEST 3.10.
    """

    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    E_L: Array = param(-54.402 * mV, doc="leak reversal potential")
    E_Na: Array = param(50 * mV, doc="sodium reversal potential")
    E_K: Array = param(-77 * mV, doc="potassium reversal potential")
    g_L: Array = param(30 * nS, at_least=0, doc="leak conductance")
    g_Na: Array = param(12000 * nS, at_least=0, doc="sodium peak conductance")
    g_K: Array = param(3600 * nS, at_least=0, doc="potassium peak conductance")
    V_m: Array = param(-65 * mV, doc="membrane potential at the start")
    Act_m: Array = param(0.05293248525724958, at_least=0, at_most=1, doc="m at the start")
    Inact_h: Array = param(0.5961207535084603, at_least=0, at_most=1, doc="h at the start")
    Act_n: Array = param(0.3176769140606974, at_least=0, at_most=1, doc="n at the start")
    recordables = ("Act_m", "Act_n", "I_syn_ex", "I_syn_in", "Inact_h", "V_m")
    variables = ("V_m", *GATES, *AlphaCurrents.synaptic)
    State = HhPscAlphaState

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V, m, h, n = (y[name] for name in ("V_m", *GATES))
        sodium = self.g_Na * m**3 * h * (V - self.E_Na)
        potassium, leak = self.g_K * n**4 * (V - self.E_K), self.g_L * (V - self.E_L)
        flow = self.I_e + args["I"] + y["I_syn_ex"] + y["I_syn_in"] - sodium - potassium - leak
        # V / mV: a number.
        up_m, down_m = 1.0 / phi1(-(V + 40) / 10), 4 * jnp.exp(-(V + 65) / 18)
        up_h, down_h = 0.07 * jnp.exp(-(V + 65) / 20), 1 / (1 + jnp.exp(-(V + 35) / 10))
        up_n, down_n = 0.1 / phi1(-(V + 55) / 10), 0.125 * jnp.exp(-(V + 65) / 80)
        return {
            "V_m": flow / self.C_m,
            "Act_m": up_m * (1 - m) - down_m * m,
            "Inact_h": up_h * (1 - h) - down_h * h,
            "Act_n": up_n * (1 - n) - down_n * n,
            **self.synaptic_rates(y),
        }
