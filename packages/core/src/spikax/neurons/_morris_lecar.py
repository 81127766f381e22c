"""The Morris-Lecar neuron."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._neuron import Crossing, CrossingState
from spikax._system import Array
from spikax.units import ms, mV, nS, pA, pF


class MorrisLecarState(CrossingState):
    """Variables of a Morris-Lecar neuron."""

    w: Array = cell(doc="activation of potassium")


class MorrisLecar(Crossing):
    """Morris-Lecar neuron (Morris & Lecar 1981; constants of Rinzel & Ermentrout 1989).

        C_m dV/dt = g_Ca m(V) (E_Ca - V) + g_K w (E_K - V) + g_L (E_L - V) + I_syn(V) + I_e
        dw/dt = phi cosh((V - V_3) / (2 V_4)) (w_inf(V) - w)        w starts at rest for V_init
        m(V) = (1 + tanh((V - V_1) / V_2)) / 2,  w_inf(V) = (1 + tanh((V - V_3) / V_4)) / 2

    A spike is an upward crossing of V_th. By default of class II (firing starts at a finite rate);
    of class I with g_Ca = 4 nS, phi = 0.067 / ms, V_3 = 12 mV, V_4 = 17.4 mV. The constants are for
    1e-6 cm^2, so uA/cm^2 reads pA. V and w are integrated together by the exponential Euler method
    (order 2).
    """

    C_m: Array = param(20 * pF, above=0, doc="membrane capacitance")
    g_Ca: Array = param(4.4 * nS, at_least=0, doc="calcium conductance")
    g_K: Array = param(8 * nS, at_least=0, doc="potassium conductance")
    g_L: Array = param(2 * nS, at_least=0, doc="leak conductance")
    E_Ca: Array = param(120 * mV, doc="calcium reversal potential")
    E_K: Array = param(-84 * mV, doc="potassium reversal potential")
    E_L: Array = param(-60 * mV, doc="leak reversal potential")
    V_1: Array = param(-1.2 * mV, doc="potential where calcium is half open")
    V_2: Array = param(18 * mV, doc="slope of the calcium activation")
    V_3: Array = param(2 * mV, doc="potential where potassium is half open")
    V_4: Array = param(30 * mV, doc="slope of the potassium activation")
    phi: Array = param(0.04 / ms, above=0, doc="rate of potassium at V_3")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(-60 * mV, doc="potential at the start")
    State = MorrisLecarState
    evolving = ("V_m", "w")

    def init_state(self, size: int, *, key: Any, dt: float) -> MorrisLecarState:
        s: MorrisLecarState = super().init_state(size, key=key, dt=dt)
        return s.replace(w=self.w_inf(s.V_m))

    def w_inf(self, V: Array) -> Array:
        """Activation of potassium in the steady state."""
        return (1 + jnp.tanh((V - self.V_3) / self.V_4)) / 2

    def channels(self, V: Array, w: Array) -> Array:
        """The current (pA) through the membrane's own channels."""
        m = (1 + jnp.tanh((V - self.V_1) / self.V_2)) / 2
        calcium = self.g_Ca * m * (self.E_Ca - V)
        return calcium + self.g_K * w * (self.E_K - V) + self.g_L * (self.E_L - V)

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, w = y
        rate = self.phi * jnp.cosh((V - self.V_3) / (2 * self.V_4))
        return (self.channels(V, w) + current + self.I_e) / self.C_m, rate * (self.w_inf(V) - w)
