"""NEST's `aeif_cond_exp`."""

from __future__ import annotations

from spikax_nest.neurons._aeif import Aeif, AeifState
from spikax_nest.neurons._conductance import ExpConductances, ExpState


class AeifCondExpState(AeifState, ExpState):
    """Variables of `aeif_cond_exp`."""


class AeifCondExp(ExpConductances, Aeif):
    """Adaptive exponential neuron with exponential conductances (NEST's `aeif_cond_exp`).

        C_m dV/dt = -g_L (V - E_L) + g_L Delta_T exp((V - V_th) / Delta_T)
                    - g_ex (V - E_ex) - g_in (V - E_in) - w + I_e + I
        tau_w dw/dt = a (V - E_L) - w
        dg/dt = -g / tau_syn;  a spike of weight w adds |w|, to g_ex or by its sign to g_in
        V >= V_peak:  spike, V <- V_reset, w <- w + b, V held for t_ref

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    recordables = ("V_m", "g_ex", "g_in", "w")
    State = AeifCondExpState
