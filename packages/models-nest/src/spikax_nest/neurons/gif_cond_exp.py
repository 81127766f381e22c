"""NEST's `gif_cond_exp`."""

from __future__ import annotations

from jax import Array

from spikax import Port, param
from spikax.units import ms, pA
from spikax_nest.neurons._conductance import ExpConductances, ExpState
from spikax_nest.neurons._gif import GifState
from spikax_nest.neurons._gif_cond import GifCond


class GifCondExpState(GifState, ExpState):
    """Variables of `gif_cond_exp`."""


class GifCondExp(ExpConductances, GifCond):
    """`gif_psc_exp` with exponential conductances (NEST's `gif_cond_exp`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) - I_stc + I_e + I
        rate of spikes: lambda_0 exp((V - E_sfa) / Delta_V)
        dg/dt = -g / tau_syn;  a spike of weight w adds |w|, to g_ex or by its sign to g_in

    I_stc and E_sfa as of `gif_psc_exp`.

    Source: Mensi et al. 2012, J. Neurophysiol. 107; Pozzorini et al. 2015, PLoS Comput. Biol. 11;
    behaviour as of NEST 3.10.
    """

    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of g_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of g_in")
    recordables = ("E_sfa", "I_stc", "V_m", "g_ex", "g_in")
    State = GifCondExpState

    @property
    def ports(self) -> dict[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": self.syn, "current": Port(pA)}
