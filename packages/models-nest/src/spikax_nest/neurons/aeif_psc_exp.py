"""NEST's `aeif_psc_exp`."""

from __future__ import annotations

from spikax_nest.neurons._aeif_psc import AeifPsc, AeifPscState
from spikax_nest.neurons._conductance import ExpShape


class AeifPscExp(  # pyright: ignore[reportIncompatibleVariableOverride]
    ExpShape, AeifPsc
):
    """Adaptive exponential neuron with exponential currents (NEST's `aeif_psc_exp`).

        C_m dV/dt = -g_L (V - E_L) + g_L Delta_T exp((V - V_th) / Delta_T)
                    + I_syn_ex - I_syn_in - w + I_e + I
        tau_w dw/dt = a (V - E_L) - w
        dI_syn/dt = -I_syn / tau_syn;  a spike of weight w adds |w|, to I_syn_ex or I_syn_in by sign
        V >= V_peak:  spike, V <- V_reset, w <- w + b, V held for t_ref

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    synaptic = ("I_syn_ex", "I_syn_in")
    State = AeifPscState
