"""The simple spiking neuron of Izhikevich."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell, param
from spikax._neuron import FiringState, IntegrateAndFire
from spikax._system import Array
from spikax.units import ms, mV, pA, pF


class IzhikevichState(FiringState):
    """Variables of an Izhikevich neuron."""

    u: Array = cell(mV / ms, init="u_init", doc="recovery")


class Izhikevich(IntegrateAndFire):
    """Simple spiking neuron (Izhikevich 2003, eqs. 1-3), by default regular spiking.

        dV/dt = square V^2 + linear V + constant - u + (I_syn(V) + I_e) / C_m
        du/dt = a (b V - u)
        V >= V_th:  spike, V <- V_reset, u <- u + d

    The paper's 0.04 V^2 + 5 V + 140 are `square`, `linear` and `constant`, its c is V_reset, its I
    the current over C_m in mV/ms: I = 10 is 1000 pA. With (a, b, V_reset, d) it is regular spiking
    (0.02, 0.2, -65, 8), intrinsically bursting (0.02, 0.2, -55, 4), chattering (0.02, 0.2, -50, 2),
    fast spiking (0.1, 0.2, -65, 2), low-threshold spiking (0.02, 0.25, -65, 2). V and u are
    integrated together by the exponential Euler method (order 2 between spikes), not by the paper's
    half steps.
    """

    V_th: Array = param(30 * mV, doc="peak of the spike")
    V_reset: Array = param(-65 * mV, doc="potential after a spike, c")
    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    square: Array = param(0.04 / (mV * ms), doc="coefficient of V^2")
    linear: Array = param(5 / ms, doc="coefficient of V")
    constant: Array = param(140 * mV / ms, doc="slope at V = 0")
    a: Array = param(0.02 / ms, above=0, doc="rate of the recovery")
    b: Array = param(0.2 / ms, doc="sensitivity of the recovery to V")
    d: Array = param(8 * mV / ms, doc="rise of the recovery by one spike")
    t_ref: Array = param(0 * ms, at_least=0, steps=True, doc="refractory period, none in the paper")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(-65 * mV, doc="potential at the start")
    u_init: Array = param(lambda v: v["b"] * v["V_init"], unit=mV / ms, doc="recovery at the start")
    State = IzhikevichState
    evolving = ("V_m", "u")

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, u = y
        inside = self.square * V * V + self.linear * V + self.constant - u
        return inside + (current + self.I_e) / self.C_m, self.a * (self.b * V - u)

    def after_spike(self, s: Any, spikes: Array) -> IzhikevichState:
        return s.replace(u=s.u + self.d * spikes)
