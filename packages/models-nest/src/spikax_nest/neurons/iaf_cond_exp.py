"""NEST's `iaf_cond_exp`."""

from __future__ import annotations

from spikax_nest.neurons._conductance import ExpConductances, ExpState
from spikax_nest.neurons._iaf_cond import IafCond


class IafCondExp(ExpConductances, IafCond):
    """Leaky integrate-and-fire neuron with exponential conductances (NEST's `iaf_cond_exp`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I
        dg_ex/dt = -g_ex / tau_syn_ex;  a spike of weight w >= 0 adds w
        dg_in/dt = -g_in / tau_syn_in;  a spike of weight w < 0 adds -w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Source: Meffin et al. 2004, J. Comput. Neurosci. 16; behaviour as of NEST 3.10.
    """

    recordables = ("V_m", "g_ex", "g_in")
    State = ExpState
