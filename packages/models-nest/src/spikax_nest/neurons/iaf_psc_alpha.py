"""NEST's `iaf_psc_alpha`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.units import ms, pA
from spikax_nest.neurons._linear import BoundedNeuron, LinearState


class IafPscAlphaState(LinearState):
    """Variables of `iaf_psc_alpha`."""

    dI_syn_ex: Array = cell(pA / ms, doc="what I_syn_ex rises by")
    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    dI_syn_in: Array = cell(pA / ms, doc="what I_syn_in rises by")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")


class IafPscAlpha(BoundedNeuron):
    """Leaky integrate-and-fire neuron with alpha-shaped synaptic currents (NEST's `iaf_psc_alpha`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        I_syn: a spike of weight w at time 0 adds w e t / tau_syn exp(-t / tau_syn), whose peak is w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Positive weights go into I_syn_ex, of tau_syn_ex, negative ones into I_syn_in. Exact between the
    points of the grid, tau_m = tau_syn included. V is never below V_min, but for the reset.

    Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3; behaviour as of NEST 3.10.
    """

    tau_syn_ex: Array = param(2 * ms, above=0, doc="time to the peak of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="time to the peak of I_syn_in")
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    recordables = ("I_syn_ex", "I_syn_in", "V_m")
    State = IafPscAlphaState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafPscAlphaState:
        s, (w_ex, w_in) = state, inputs["syn"]
        dI_ex, I_ex, by_ex = self.alpha_current(s.dI_syn_ex, s.I_syn_ex, w_ex, self.tau_syn_ex, dt)
        dI_in, I_in, by_in = self.alpha_current(s.dI_syn_in, s.I_syn_in, w_in, self.tau_syn_in, dt)
        V, spikes, r = self.fire(self.propagate(s, by_ex + by_in, dt), s.r, dt)
        return IafPscAlphaState(
            V_m=V,
            dI_syn_ex=dI_ex,
            I_syn_ex=I_ex,
            dI_syn_in=dI_in,
            I_syn_in=I_in,
            I_0=inputs["current"],
            spike=spikes,
            r=r,
        )
