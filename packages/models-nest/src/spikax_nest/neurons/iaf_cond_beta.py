"""NEST's `iaf_cond_beta`."""

from __future__ import annotations

from spikax_nest.neurons._conductance import BetaConductances
from spikax_nest.neurons._iaf_cond import TimedIafCond


class IafCondBeta(BetaConductances, TimedIafCond):
    """Leaky integrate-and-fire neuron with beta-shaped conductances (NEST's `iaf_cond_beta`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I
        g: a spike of weight w at time 0 adds |w| (exp(-t / tau_decay) - exp(-t / tau_rise)) over
           the largest value of that difference; at equal times the alpha function of that time
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Source: Meffin et al. 2004, J. Comput. Neurosci. 16; Roth & van Rossum 2010 for the shape;
    behaviour as of NEST 3.10.
    """
