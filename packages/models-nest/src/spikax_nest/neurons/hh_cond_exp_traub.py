"""NEST's `hh_cond_exp_traub`."""

from __future__ import annotations

from jax import Array

from spikax import cell, param
from spikax.units import ms
from spikax_nest.neurons._conductance import ExpConductances, ExpState
from spikax_nest.neurons._hodgkin_huxley import Traub


class HhCondExpTraubState(ExpState):
    """Variables of `hh_cond_exp_traub`."""

    Act_m: Array = cell(init="Act_m", doc="activation of sodium")
    Inact_h: Array = cell(init="Inact_h", doc="inactivation of sodium")
    Act_n: Array = cell(init="Act_n", doc="activation of potassium")


class HhCondExpTraub(Traub, ExpConductances):
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

    tau_syn_ex: Array = param(5 * ms, above=0, doc="time constant of g_ex")
    tau_syn_in: Array = param(10 * ms, above=0, doc="time constant of g_in")
    variables = ("V_m", "Act_m", "Inact_h", "Act_n", "g_ex", "g_in")
    State = HhCondExpTraubState
