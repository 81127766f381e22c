"""NEST's `gif_psc_exp`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.units import ms, pA
from spikax_nest.neurons._gif import GifState
from spikax_nest.neurons._gif_psc import GifPsc
from spikax_nest.neurons._linear import LinearState


class GifPscExpState(GifState, LinearState):
    """Variables of `gif_psc_exp`."""

    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")


class GifPscExp(GifPsc):
    """Generalised integrate-and-fire neuron with escape noise (NEST's `gif_psc_exp`).

        C_m dV/dt = -g_L (V - E_L) - I_stc + I_syn_ex + I_syn_in + I_e + I
        rate of spikes: lambda_0 exp((V - E_sfa) / Delta_V)
        I_stc = sum_k stc_k;  dstc_k/dt = -stc_k / tau_stc_k;  a spike adds q_stc_k
        E_sfa = V_T_star + sum_k sfa_k;  dsfa_k/dt = -sfa_k / tau_sfa_k;  a spike adds q_sfa_k
        dI_syn/dt = -I_syn / tau_syn;  a spike of weight w adds w, to I_syn_in where w < 0

    V is V_reset from the step after a spike on, for t_ref. As in NEST, a spike that arrives moves
    V in the step at whose end it arrives, and what a spike adds to I_stc and E_sfa counts from the
    next step on, undecayed in that one.

    Source: Mensi et al. 2012, J. Neurophysiol. 107; Pozzorini et al. 2015, PLoS Comput. Biol. 11;
    behaviour as of NEST 3.10.
    """

    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of I_syn_in")
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    recordables = ("E_sfa", "I_stc", "I_syn_ex", "I_syn_in", "V_m")
    State = GifPscExpState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> GifPscExpState:
        s, (w_ex, w_in) = state, inputs["syn"]
        I_ex = jnp.exp(-dt / self.tau_syn_ex) * s.I_syn_ex + w_ex
        I_in = jnp.exp(-dt / self.tau_syn_in) * s.I_syn_in + w_in
        _, by_ex = self.exp_current(I_ex, w_ex, self.tau_syn_ex, dt)
        _, by_in = self.exp_current(I_in, w_in, self.tau_syn_in, dt)
        escaped = self.escape(s, self.moved(s, by_ex + by_in, dt), t, dt)
        return s.replace(**escaped, I_syn_ex=I_ex, I_syn_in=I_in, I_0=inputs["current"])
