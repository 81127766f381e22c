"""NEST's `iaf_psc_exp`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, State, by_sign, cell, clock, param, spike
from spikax.integrate import exp_current_propagator, membrane_propagators
from spikax.units import ms, mV, pA, pF
from spikax_nest.neurons._neuron import NestNeuron


class IafPscExpState(State):
    """Variables of `iaf_psc_exp`."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")
    I_0: Array = cell(pA, doc="current that arrived in the last step")
    spike: Array = spike()
    r: Array = clock("steps left of the refractory period")


class IafPscExp(NestNeuron):
    """Leaky integrate-and-fire neuron with exponential synaptic currents (NEST's `iaf_psc_exp`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        dI_syn_ex/dt = -I_syn_ex / tau_syn_ex;  a spike of weight w >= 0 adds w
        dI_syn_in/dt = -I_syn_in / tau_syn_in;  a spike of weight w < 0 adds w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact between the points of the grid, tau_m = tau_syn included. A current I that arrives in one
    step acts in the next. As in NEST, the V_m of the start does not follow E_L.

    Left out: the escape noise of NEST's `delta` and `rho` (here the threshold is sharp, as it is by
    default there), and the receptor type 1 of currents, which the filter of I_syn_ex smooths.

    Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3; behaviour as of NEST 3.10.
    """

    C_m: Array = param(250 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant")
    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of I_syn_in")
    E_L: Array = param(-70 * mV, doc="resting potential")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    State = IafPscExpState

    @property
    def fires_once(self) -> bool:
        return True

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafPscExpState:
        s, (w_ex, w_in) = state, inputs["syn"]
        P_V, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        P_ex = exp_current_propagator(self.tau_m, self.tau_syn_ex, self.C_m, dt)
        P_in = exp_current_propagator(self.tau_m, self.tau_syn_in, self.C_m, dt)
        driven = P_ex * s.I_syn_ex + P_in * s.I_syn_in + P_I * (self.I_e + s.I_0)
        V = jnp.where(s.r == 0, self.E_L + P_V * (s.V_m - self.E_L) + driven, s.V_m)
        I_ex = jnp.exp(-dt / self.tau_syn_ex) * s.I_syn_ex + w_ex
        I_in = jnp.exp(-dt / self.tau_syn_in) * s.I_syn_in + w_in
        V, spikes, r = self.fire(V, s.r, dt)
        return IafPscExpState(
            V_m=V, I_syn_ex=I_ex, I_syn_in=I_in, I_0=inputs["current"], spike=spikes, r=r
        )
