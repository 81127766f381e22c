"""The Wang-Buzsaki neuron."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell, param, part
from spikax._neuron import CrossingState
from spikax._system import Array
from spikax.neurons._gates import ExpRate, GateRate, LinoidRate, SigmoidRate, SodiumPotassium
from spikax.units import ms, mV, nS, pA, pF


class WangBuzsakiState(CrossingState):
    """Variables of a Wang-Buzsaki neuron."""

    h: Array = cell(doc="inactivation of sodium")
    n: Array = cell(doc="activation of potassium")


class WangBuzsaki(SodiumPotassium):
    """Fast-spiking hippocampal interneuron (Wang & Buzsaki 1996).

        C_m dV/dt = g_Na m^3 h (E_Na - V) + g_K n^4 (E_K - V) + g_L (E_L - V) + I_syn(V) + I_e
        dx/dt = phi (alpha_x(V) (1 - x) - beta_x(V) x)        for x = h, n, which start at rest
        m = alpha_m / (alpha_m + beta_m)

    A spike is an upward crossing of V_th. The paper's densities (35, 9 and 0.1 mS/cm^2 at 1
    uF/cm^2) are taken for a membrane of 100 pF: its 1 uA/cm^2 is 100 pA. The three variables are
    integrated together by the exponential Euler method (order 2), which needs dt <= 0.05 ms here:
    the upstroke of so much sodium outgrows larger steps.
    """

    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    g_Na: Array = param(3500 * nS, at_least=0, doc="sodium conductance")
    g_K: Array = param(900 * nS, at_least=0, doc="potassium conductance")
    g_L: Array = param(10 * nS, at_least=0, doc="leak conductance")
    E_Na: Array = param(55 * mV, doc="sodium reversal potential")
    E_K: Array = param(-90 * mV, doc="potassium reversal potential")
    E_L: Array = param(-65 * mV, doc="leak reversal potential")
    phi: Array = param(5.0, above=0, doc="speed of the gates")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(-64 * mV, doc="potential at the start")
    alpha_m: GateRate = part(LinoidRate(1 / ms, -35 * mV, 10 * mV), doc="opening of m")
    beta_m: GateRate = part(ExpRate(4 / ms, -60 * mV, -18 * mV), doc="closing of m")
    alpha_h: GateRate = part(ExpRate(0.07 / ms, -58 * mV, -20 * mV), doc="opening of h")
    beta_h: GateRate = part(SigmoidRate(1 / ms, -28 * mV, 10 * mV), doc="closing of h")
    alpha_n: GateRate = part(LinoidRate(0.1 / ms, -34 * mV, 10 * mV), doc="opening of n")
    beta_n: GateRate = part(ExpRate(0.125 / ms, -44 * mV, -80 * mV), doc="closing of n")
    State = WangBuzsakiState
    evolving = ("V_m", "h", "n")
    largest_dt = 0.05

    def init_state(self, size: int, *, key: Any, dt: float) -> WangBuzsakiState:
        s: WangBuzsakiState = super().init_state(size, key=key, dt=dt)
        _, h, n = (gate.steady(s.V_m) for gate in self._gates())
        return s.replace(h=h, n=n)

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, h, n = y
        sodium, *slow = self._gates()
        total = self._channels(V, sodium.steady(V), h, n) + current + self.I_e
        moving = zip(slow, (h, n), strict=True)
        return total / self.C_m, *(self.phi * gate.slope(V, x) for gate, x in moving)
