"""The generalised integrate-and-fire neuron of Mihalas and Niebur."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._neuron import Current, FiringState, Membrane, rest
from spikax._system import Array
from spikax.units import ms, mV, pA


class GIFState(FiringState):
    """Variables of a generalised integrate-and-fire neuron."""

    theta: Array = cell(mV, init="V_th", doc="threshold")
    I_1: Array = cell(pA, doc="first current that spikes induce")
    I_2: Array = cell(pA, doc="second current that spikes induce")


class GIF(Membrane):
    """Generalised linear integrate-and-fire neuron (Mihalas & Niebur 2009).

        dV/dt = (E_L - V) / tau_m + (I_syn(V) + I_e + I_1 + I_2) / C_m
        dtheta/dt = a (V - E_L) - b (theta - V_th)
        dI_j/dt = -k_j I_j
        V >= theta:  spike, V <- V_reset, theta <- max(theta, theta_reset), I_j <- R_j I_j + A_j

    The paper's theta_inf is V_th. Its A_j / C and I_e / C in V/s are mV/ms here: 1.5 is an I_e of
    1.5 mV/ms C_m, 300 pA. V and theta are integrated together by the exponential Euler method, I_j
    exactly and taken at mid-step, as synapses are: order 2.
    """

    V_th: Array = param(-50 * mV, doc="threshold at rest, theta_inf")
    V_reset: Array = param(-70 * mV, doc="potential after a spike")
    E_L: Array = param(-70 * mV, doc="resting potential")
    t_ref: Array = param(0 * ms, at_least=0, steps=True, doc="refractory period, none in the paper")
    theta_reset: Array = param(-60 * mV, doc="least threshold after a spike")
    a: Array = param(0.0 / ms, doc="rise of the threshold with V")
    b: Array = param(0.01 / ms, at_least=0, doc="rate at which the threshold recovers")
    k_1: Array = param(0.2 / ms, at_least=0, doc="rate at which I_1 decays")
    k_2: Array = param(0.02 / ms, at_least=0, doc="rate at which I_2 decays")
    R_1: Array = param(0.0, doc="part of I_1 that a spike leaves")
    R_2: Array = param(1.0, doc="part of I_2 that a spike leaves")
    A_1: Array = param(0 * pA, doc="rise of I_1 by a spike")
    A_2: Array = param(0 * pA, doc="rise of I_2 by a spike")
    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = GIFState
    evolving = ("V_m", "theta")

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, theta = y
        return self.leak(V, current), self.a * (V - self.E_L) - self.b * (theta - self.V_th)

    def threshold(self, s: Any) -> Array:
        return s.theta

    def after_spike(self, s: Any, spikes: Array) -> GIFState:
        return s.replace(
            theta=s.theta + spikes * jnp.maximum(self.theta_reset - s.theta, 0.0),
            I_1=s.I_1 + spikes * ((self.R_1 - 1) * s.I_1 + self.A_1),
            I_2=s.I_2 + spikes * ((self.R_2 - 1) * s.I_2 + self.A_2),
        )

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> GIFState:
        def induced(tau: float) -> tuple[Array, Array]:
            return s.I_1 * jnp.exp(-self.k_1 * tau), s.I_2 * jnp.exp(-self.k_2 * tau)

        def total(V: Array, tau: float) -> Array:
            return current(V, tau) + sum(induced(tau))

        I_1, I_2 = induced(dt)
        return super().step(s.replace(I_1=I_1, I_2=I_2), total, jump, dt=dt)
