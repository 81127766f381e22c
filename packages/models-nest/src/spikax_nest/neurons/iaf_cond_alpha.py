"""NEST's `iaf_cond_alpha`."""

from __future__ import annotations

from spikax_nest.neurons._conductance import AlphaConductances
from spikax_nest.neurons._iaf_cond import TimedIafCond


class IafCondAlpha(AlphaConductances, TimedIafCond):
    """Leaky integrate-and-fire neuron with alpha-shaped conductances (NEST's `iaf_cond_alpha`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I
        g: a spike of weight w at time 0 adds |w| e t / tau_syn exp(-t / tau_syn), whose peak is |w|
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Source: Meffin et al. 2004, J. Comput. Neurosci. 16; behaviour as of NEST 3.10.
    """
