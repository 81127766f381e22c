"""NEST's `hh_psc_alpha_gap`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.integrate import StepControl, phi1
from spikax.units import mV, nS, pF
from spikax_nest.neurons._gap import GapCoupled, GapState
from spikax_nest.neurons._hodgkin_huxley import AlphaCurrents, AlphaCurrentsState
from spikax_nest.neurons._runge_kutta import Y

GATES = ("Act_m", "Inact_h", "Act_n", "Inact_p")


class HhPscAlphaGapState(AlphaCurrentsState, GapState):
    """Variables of `hh_psc_alpha_gap`."""

    Act_m: Array = cell(init="Act_m", doc="activation of sodium")
    Inact_h: Array = cell(init="Inact_h", doc="inactivation of sodium")
    Act_n: Array = cell(init="Act_n", doc="activation of potassium, Kv1")
    Inact_p: Array = cell(init="Inact_p", doc="activation of potassium, Kv3")


class FastSpiking(AlphaCurrents):
    """Membrane and gates of a fast-spiking interneuron."""

    C_m: Array = param(40 * pF, above=0, doc="membrane capacitance")
    E_L: Array = param(-70 * mV, doc="leak reversal potential")
    E_Na: Array = param(74 * mV, doc="sodium reversal potential")
    E_K: Array = param(-90 * mV, doc="potassium reversal potential")
    g_L: Array = param(10 * nS, at_least=0, doc="leak conductance")
    g_Na: Array = param(4500 * nS, at_least=0, doc="sodium peak conductance")
    g_Kv1: Array = param(9 * nS, at_least=0, doc="potassium peak conductance, Kv1")
    g_Kv3: Array = param(9000 * nS, at_least=0, doc="potassium peak conductance, Kv3")
    V_m: Array = param(-69.60401191631222 * mV, doc="membrane potential at the start")
    Act_m: Array = param(0.019198766985083732, at_least=0, doc="m at the start")
    Inact_h: Array = param(0.868462041294399, at_least=0, doc="h at the start")
    Act_n: Array = param(0.0005741576228359767, at_least=0, doc="n at the start")
    Inact_p: Array = param(0.0002511318227150632, at_least=0, doc="p at the start")
    recordables = ("Act_m", "Act_n", "I_syn_ex", "I_syn_in", "Inact_h", "Inact_p", "V_m")
    variables = ("V_m", *GATES, *AlphaCurrents.synaptic)

    @property
    def control(self) -> StepControl:
        return StepControl(1e-6, 0.0)

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V, m, h, n, p = (y[name] for name in ("V_m", *GATES))
        sodium = self.g_Na * m**3 * h * (V - self.E_Na)
        potassium = (self.g_Kv1 * n**4 + self.g_Kv3 * p**2) * (V - self.E_K)
        leak = self.g_L * (V - self.E_L)
        flow = self.I_e + args["I"] + y["I_syn_ex"] + y["I_syn_in"] - sodium - potassium - leak
        # V / mV: a number; x / (1 - exp(-x / s)) is s / phi1(-x / s).
        up = {
            "Act_m": 540.0 / phi1(-(V - 75.5) / 13.5),
            "Inact_h": 0.0035 * jnp.exp(-V / 24.186),
            "Act_n": 0.0322 / phi1(-(V + 44) / 2.3),
            "Inact_p": 11.8 / phi1(-(V - 95) / 11.8),
        }
        down = {
            "Act_m": 1.2262 * jnp.exp(-V / 42.248),
            "Inact_h": 0.0884 / phi1(-(V + 51.25) / 5.2),
            "Act_n": 0.0043 * jnp.exp(-(V + 44) / 34),
            "Inact_p": 0.025 * jnp.exp(-V / 22.222),
        }
        gates = {x: up[x] * (1 - y[x]) - down[x] * y[x] for x in GATES}
        return {"V_m": flow / self.C_m, **gates, **self.synaptic_rates(y)}


class HhPscAlphaGap(  # pyright: ignore[reportIncompatibleVariableOverride]
    GapCoupled, FastSpiking
):
    """Fast-spiking neuron with alpha-shaped currents and gap junctions (NEST's `hh_psc_alpha_gap`).

        C_m dV/dt = -g_Na m^3 h (V - E_Na) - (g_Kv1 n^4 + g_Kv3 p^2) (V - E_K) - g_L (V - E_L)
                    + I_syn + sum_j g_j (V_j - V) + I_e + I
        dx/dt = alpha_x(V) (1 - x) - beta_x(V) x  for m, h, n and p (V in mV, rates in 1/ms)
        alpha_m = 40 (V - 75.5) / (1 - exp(-(V - 75.5) / 13.5)),  beta_m = 1.2262 exp(-V / 42.248)
        alpha_h = 0.0035 exp(-V / 24.186),
        beta_h = 0.017 (V + 51.25) / (1 - exp(-(V + 51.25) / 5.2))
        alpha_n = 0.014 (V + 44) / (1 - exp(-(V + 44) / 2.3)),  beta_n = 0.0043 exp(-(V + 44) / 34)
        alpha_p = (V - 95) / (1 - exp(-(V - 95) / 11.8)),  beta_p = 0.025 exp(-V / 22.222)

    The sum is over its gap junctions. A spike is where V stops rising at 0 mV or above, t_ref or
    more after the last; V is not reset.

    Source: Mancilla et al. 2007, J. Neurosci. 27; Hahne et al. 2015, Front. Neuroinform. 9:22;
    behaviour as of NEST 3.10.
    """

    State = HhPscAlphaGapState
