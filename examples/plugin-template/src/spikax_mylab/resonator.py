"""The resonate-and-fire neuron."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from spikax import Dynamics, Port, State, SuperSpike, cell, param, spike, static
from spikax.units import ms, mV


class ResonatorState(State):
    """Variables of a resonate-and-fire neuron."""

    I: Array = cell(mV, doc="current-like variable")
    V_m: Array = cell(mV, doc="membrane potential")
    spike: Array = spike()


class Resonator(Dynamics):
    """Resonate-and-fire neuron (Izhikevich 2001): it fires at inputs in time with it.

        d(I + iV)/dt = (b + i omega) (I + iV), and I jumps by what arrives
        V rises through V_th:  spike, I <- 0, V <- V_reset

    Between spikes the solution is exact: the plane (I, V) shrinks and turns.

    Source: Izhikevich 2001, Resonate-and-fire neurons, Neural Networks 14.
    """

    b: Array = param(-0.1 / ms, below=0, doc="rate of attraction to rest")
    omega: Array = param(1 / ms, above=0, doc="angular frequency of the oscillation")
    V_th: Array = param(1 * mV, doc="potential whose upward crossing is a spike")
    V_reset: Array = param(1 * mV, doc="potential after a spike")
    width: Array = param(1 * mV, above=0, doc="scale of the surrogate gradient")
    surrogate: SuperSpike = static(SuperSpike(), doc="derivative of the spike")
    ports = {"kick": Port(mV)}
    State = ResonatorState

    def update(self, state, inputs, *, t, dt):
        shrink, angle = jnp.exp(self.b * dt), self.omega * dt
        cos, sin = shrink * jnp.cos(angle), shrink * jnp.sin(angle)
        I = cos * state.I - sin * state.V_m + inputs["kick"]
        V = sin * state.I + cos * state.V_m
        rises = (state.V_m < self.V_th).astype(V.dtype)
        fired = rises * self.surrogate((V - self.V_th) / self.width)
        reset = (1 - fired) * V + fired * self.V_reset
        return ResonatorState(I=(1 - fired) * I, V_m=reset, spike=fired)
