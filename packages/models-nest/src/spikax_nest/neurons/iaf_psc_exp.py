"""NEST's `iaf_psc_exp`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.noise import NoisyState
from spikax.units import Hz, ms, mV, pA
from spikax_nest.neurons._escape import drawn_probability, drawn_threshold
from spikax_nest.neurons._linear import LinearNeuron, LinearState

SHARP = 1e-10
"""Width of the threshold (mV) up to which NEST takes it for sharp."""


class IafPscExpState(NoisyState, LinearState):
    """Variables of `iaf_psc_exp`."""

    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")
    I_1: Array = cell(pA, doc="current that arrived at receptor 1 in the last step")


class IafPscExp(LinearNeuron):
    """Leaky integrate-and-fire neuron with exponential synaptic currents (NEST's `iaf_psc_exp`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        dI_syn_ex/dt = -(I_syn_ex - I_1) / tau_syn_ex;  a spike of weight w >= 0 adds w
        dI_syn_in/dt = -I_syn_in / tau_syn_in;          a spike of weight w < 0 adds w
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact between the points of the grid, tau_m = tau_syn included. A current that arrives in one
    step, I or, at receptor 1, I_1, acts in the next; what I_1 adds to I_syn_ex in that step moves V
    in those after it. As in NEST, the V_m of the start does not follow E_L. With delta > 0 spikes
    are random, of rate rho exp((V - V_th) / delta), instead.

    Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3; Schuecker, Diesmann & Helias 2015 for
    receptor 1; behaviour as of NEST 3.10.
    """

    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of I_syn_in")
    delta: Array = param(0 * mV, at_least=0, doc="width of the threshold, sharp at 0")
    rho: Array = param(0.01 * Hz, at_least=0, doc="rate of random spikes at V_th")
    ports = {
        "syn": Port(pA, channels=("ex", "in"), route=by_sign),
        "current": Port(pA),
        "current_1": Port(pA),
    }
    recordables = ("I_syn_ex", "I_syn_in", "V_m")
    State = IafPscExpState

    @property
    def current_ports(self) -> Mapping[int, str]:
        return {0: "current", 1: "current_1"}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafPscExpState:
        s, (w_ex, w_in) = state, inputs["syn"]
        I_ex, by_ex = self.exp_current(s.I_syn_ex, w_ex, self.tau_syn_ex, dt)
        I_in, by_in = self.exp_current(s.I_syn_in, w_in, self.tau_syn_in, dt)
        I_ex = I_ex - jnp.expm1(-dt / self.tau_syn_ex) * s.I_1
        V = self.propagate(s, by_ex + by_in, dt)
        V, spikes, r = self.fire(V, s.r, dt, self.firing(s, V, t, dt))
        now = {"I_0": inputs["current"], "I_1": inputs["current_1"], "spike": spikes, "r": r}
        return s.replace(V_m=V, I_syn_ex=I_ex, I_syn_in=I_in, **now)

    def firing(self, s: Any, V: Array, t: Array, dt: float) -> Array:
        """Who fires at V: at a threshold that is drawn where delta is not 0."""
        noisy = self.delta > SHARP

        def by_chance() -> Array:
            width = jnp.where(noisy, self.delta, 1.0)
            probability = drawn_probability(s.stream, t, s.V_m)
            drawn = drawn_threshold(self.V_th, width, self.rho * dt, probability)
            return self.crossed(V, s.r, jnp.where(noisy, drawn, self.V_th))

        # Numbers are drawn only where there is a neuron that needs one.
        return jax.lax.cond(jnp.any(noisy), by_chance, lambda: self.crossed(V, s.r, self.V_th))
