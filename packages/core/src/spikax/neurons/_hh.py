"""The Hodgkin-Huxley neuron."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell, param, part, spike
from spikax._state import State
from spikax._system import Array
from spikax.neurons._gates import ExpRate, GateRate, LinoidRate, SigmoidRate, SodiumPotassium
from spikax.units import ms, mV, nS, pA, pF


class HHState(State):
    """Variables of a Hodgkin-Huxley neuron."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    m: Array = cell(doc="activation of sodium")
    h: Array = cell(doc="inactivation of sodium")
    n: Array = cell(doc="activation of potassium")
    spike: Array = spike()


class HH(SodiumPotassium):
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
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(-65 * mV, doc="potential at the start")
    alpha_m: GateRate = part(LinoidRate(1 / ms, -40 * mV, 10 * mV), doc="opening of m")
    beta_m: GateRate = part(ExpRate(4 / ms, -65 * mV, -18 * mV), doc="closing of m")
    alpha_h: GateRate = part(ExpRate(0.07 / ms, -65 * mV, -20 * mV), doc="opening of h")
    beta_h: GateRate = part(SigmoidRate(1 / ms, -35 * mV, 10 * mV), doc="closing of h")
    alpha_n: GateRate = part(LinoidRate(0.1 / ms, -55 * mV, 10 * mV), doc="opening of n")
    beta_n: GateRate = part(ExpRate(0.125 / ms, -65 * mV, -80 * mV), doc="closing of n")
    State = HHState
    evolving = ("V_m", "m", "h", "n")

    def init_state(self, size: int, *, key: Any, dt: float) -> HHState:
        s: HHState = super().init_state(size, key=key, dt=dt)
        m, h, n = (gate.steady(s.V_m) for gate in self._gates())
        return s.replace(m=m, h=h, n=n)

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, *gates = y
        total = self._channels(V, *gates) + current + self.I_e
        moving = zip(self._gates(), gates, strict=True)
        return total / self.C_m, *(gate.slope(V, x) for gate, x in moving)
