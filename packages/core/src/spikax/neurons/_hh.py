"""The Hodgkin-Huxley neuron and the rate functions of its gates."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import jax.numpy as jnp

from spikax._component import Component
from spikax._fields import cell, param, part, spike, static
from spikax._integrate import exp_euler_joint, phi1
from spikax._neuron import Current, Neuron
from spikax._state import State
from spikax._surrogate import SuperSpike, Surrogate
from spikax._system import Array
from spikax.units import UNITLESS, ms, mV, nS, pA, pF


class GateRate(Component):
    """A rate of opening or closing, a function of the potential with x = (V - V_half) / slope."""

    rate: Array = param(unit=UNITLESS / ms, above=0, doc="scale of the rate")
    V_half: Array = param(unit=mV, doc="potential where x is zero")
    slope: Array = param(unit=mV, doc="potential for one unit of x")

    def __call__(self, V: Array) -> Array:
        """The rate (1/ms) at potential V (mV)."""
        return self.rate * self.shape((V - self.V_half) / self.slope)

    @abstractmethod
    def shape(self, x: Array) -> Array:
        """The rate in units of `rate`."""


class ExpRate(GateRate):
    """rate exp(x)."""

    def shape(self, x: Array) -> Array:
        return jnp.exp(x)


class SigmoidRate(GateRate):
    """rate / (1 + exp(-x))."""

    def shape(self, x: Array) -> Array:
        return 1 / (1 + jnp.exp(-x))


class LinoidRate(GateRate):
    """rate x / (1 - exp(-x)), which is rate at x = 0."""

    def shape(self, x: Array) -> Array:
        return 1 / phi1(-x)


class HHState(State):
    """Variables of a Hodgkin-Huxley neuron."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    m: Array = cell(doc="activation of sodium")
    h: Array = cell(doc="inactivation of sodium")
    n: Array = cell(doc="activation of potassium")
    spike: Array = spike()


class HH(Neuron):
    """Hodgkin-Huxley neuron (Hodgkin & Huxley 1952, eqs. 7, 15, 16, 20, 21, 23-26, rest at -65 mV).

        C_m dV/dt = g_Na m^3 h (E_Na - V) + g_K n^4 (E_K - V) + g_L (E_L - V) + I_syn(V) + I_e
        dx/dt = alpha_x(V) (1 - x) - beta_x(V) x        for the gates x = m, h, n, which start at
        rest

    A spike is an upward crossing of V_th. Conductances are those of the squid axon (120, 36 and 0.3
    mS/cm^2 at 1 uF/cm^2) for a membrane of 100 pF. The four variables are integrated together by
    the exponential Euler method (order 2).
    """

    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    g_Na: Array = param(12000 * nS, at_least=0, doc="sodium conductance")
    g_K: Array = param(3600 * nS, at_least=0, doc="potassium conductance")
    g_L: Array = param(30 * nS, at_least=0, doc="leak conductance")
    E_Na: Array = param(50 * mV, doc="sodium reversal potential")
    E_K: Array = param(-77 * mV, doc="potassium reversal potential")
    E_L: Array = param(-54.387 * mV, doc="leak reversal potential")
    V_th: Array = param(0 * mV, doc="potential whose upward crossing is a spike")
    width: Array = param(10 * mV, above=0, doc="scale of the surrogate gradient")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(-65 * mV, doc="potential at the start")
    alpha_m: GateRate = part(LinoidRate(1 / ms, -40 * mV, 10 * mV), doc="opening of m")
    beta_m: GateRate = part(ExpRate(4 / ms, -65 * mV, -18 * mV), doc="closing of m")
    alpha_h: GateRate = part(ExpRate(0.07 / ms, -65 * mV, -20 * mV), doc="opening of h")
    beta_h: GateRate = part(SigmoidRate(1 / ms, -35 * mV, 10 * mV), doc="closing of h")
    alpha_n: GateRate = part(LinoidRate(0.1 / ms, -55 * mV, 10 * mV), doc="opening of n")
    beta_n: GateRate = part(ExpRate(0.125 / ms, -65 * mV, -80 * mV), doc="closing of n")
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the spike")
    State = HHState

    def init_state(self, size: int, *, key: Any, dt: float) -> HHState:
        s: HHState = super().init_state(size, key=key, dt=dt)
        m, h, n = (alpha(s.V_m) / (alpha(s.V_m) + beta(s.V_m)) for alpha, beta in self._gates())
        return s.replace(m=m, h=h, n=n)

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> HHState:
        def slopes(y: tuple[Array, ...]) -> tuple[Array, ...]:
            V, *gates = y
            total = self._channels(V, *gates) + current(V, dt / 2) + self.I_e
            rates = zip(self._gates(), gates, strict=True)
            return total / self.C_m, *(
                alpha(V) * (1 - x) - beta(V) * x for (alpha, beta), x in rates
            )

        V, m, h, n = exp_euler_joint(slopes, (s.V_m, s.m, s.h, s.n), dt)
        V = V + jump
        below = (s.V_m < self.V_th).astype(V.dtype)
        spikes = self.surrogate((V - self.V_th) / self.width) * below
        return HHState(V_m=V, m=m, h=h, n=n, spike=spikes)

    def _gates(self) -> tuple[tuple[GateRate, GateRate], ...]:
        return (self.alpha_m, self.beta_m), (self.alpha_h, self.beta_h), (self.alpha_n, self.beta_n)

    def _channels(self, V: Array, m: Array, h: Array, n: Array) -> Array:
        sodium = self.g_Na * m**3 * h * (self.E_Na - V)
        return sodium + self.g_K * n**4 * (self.E_K - V) + self.g_L * (self.E_L - V)
