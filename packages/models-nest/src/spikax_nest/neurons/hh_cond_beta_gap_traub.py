"""NEST's `hh_cond_beta_gap_traub`."""

from __future__ import annotations

from jax import Array

from spikax import cell, param
from spikax.units import ms, mV
from spikax_nest.neurons._conductance import BetaConductances, RisingState
from spikax_nest.neurons._gap import GapCoupled, GapState
from spikax_nest.neurons._hodgkin_huxley import Traub


class HhCondBetaGapTraubState(RisingState, GapState):
    """Variables of `hh_cond_beta_gap_traub`."""

    Act_m: Array = cell(init="Act_m", doc="activation of sodium")
    Inact_h: Array = cell(init="Inact_h", doc="inactivation of sodium")
    Act_n: Array = cell(init="Act_n", doc="activation of potassium")


class HhCondBetaGapTraub(GapCoupled, Traub, BetaConductances):
    """Traub's neuron with beta-shaped conductances and gap junctions.

    NEST's `hh_cond_beta_gap_traub`.

        C_m dV/dt = -g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K) - g_L (V - E_L)
                    - g_ex (V - E_ex) - g_in (V - E_in) + sum_j g_j (V_j - V) + I_e + I
        dx/dt = alpha_x (1 - x) - beta_x x  for the gates m, h and n (v = V - V_T in mV, per ms)
        alpha_m = 0.32 (13 - v) / (exp((13 - v) / 4) - 1)
        beta_m = 0.28 (v - 40) / (exp((v - 40) / 5) - 1)
        alpha_h = 0.128 exp((17 - v) / 18),  beta_h = 4 / (1 + exp((40 - v) / 5))
        alpha_n = 0.032 (15 - v) / (exp((15 - v) / 5) - 1),  beta_n = 0.5 exp((10 - v) / 40)
        g: a spike of weight w at time 0 adds |w| (exp(-t / tau_decay) - exp(-t / tau_rise)) over
           the largest value of that difference; at equal times the alpha function of that time

    The sum is over its gap junctions. A spike is where V stops rising at V_T + 30 mV or above,
    t_ref or more after the last; V is not reset.

    Source: Traub & Miles 1991, Neuronal Networks of the Hippocampus; Hahne et al. 2015, Front.
    Neuroinform. 9:22; behaviour as of NEST 3.10.
    """

    V_T: Array = param(-50 * mV, doc="what the potential of the gates is counted from")
    tau_rise_ex: Array = param(0.5 * ms, above=0, doc="rise time of g_ex")
    tau_decay_ex: Array = param(5 * ms, above=0, doc="decay time of g_ex")
    tau_rise_in: Array = param(0.5 * ms, above=0, doc="rise time of g_in")
    tau_decay_in: Array = param(10 * ms, above=0, doc="decay time of g_in")
    hidden = (*Traub.hidden, "dg_ex", "dg_in")
    variables = ("V_m", "Act_m", "Inact_h", "Act_n", "g_ex", "dg_ex", "g_in", "dg_in")
    State = HhCondBetaGapTraubState
