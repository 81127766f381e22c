"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, clock, param, spike
from spikax._neuron import IntegrateAndFire, rest
from spikax._state import State
from spikax._system import Array
from spikax.neurons._upstroke import check_upstroke
from spikax.units import ms, mV, nS, pA, pF


class AdExIFState(State):
    """Variables of an adaptive exponential integrate-and-fire neuron."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    w: Array = cell(pA, doc="adaptation current")
    spike: Array = spike()
    refractory: Array = clock("steps left of the refractory period")


class AdExIF(IntegrateAndFire):
    """Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005, eqs. 1-2).

        C_m dV/dt = g_L (E_L - V) + g_L Delta_T exp((V - V_th) / Delta_T) - w + I_syn(V) + I_e
        tau_w dw/dt = a (V - E_L) - w
        V >= V_peak:  spike, V <- V_reset, w <- w + b, V held for t_ref while w goes on

    V and w are integrated together by the exponential Euler method (order 2 between spikes). The
    upstroke diverges in finite time; V_peak ends it, by default five slope factors above the
    threshold.
    """

    V_th: Array = param(-50.4 * mV, doc="threshold of the exponential, V_T")
    V_reset: Array = param(-70.6 * mV, doc="potential after a spike")
    C_m: Array = param(281 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(30 * nS, above=0, doc="leak conductance")
    E_L: Array = param(-70.6 * mV, doc="resting potential")
    Delta_T: Array = param(2 * mV, above=0, doc="slope factor of the upstroke")
    V_peak: Array = param(
        lambda v: v["V_th"] + 5 * v["Delta_T"], unit=mV, doc="potential that ends the upstroke"
    )
    a: Array = param(4 * nS, doc="subthreshold adaptation")
    b: Array = param(80.5 * pA, doc="spike-triggered adaptation")
    tau_w: Array = param(144 * ms, above=0, doc="time constant of the adaptation")
    t_ref: Array = param(0 * ms, at_least=0, steps=True, doc="refractory period")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = AdExIFState
    evolving = ("V_m", "w")

    def check(self, dt: float) -> None:
        super().check(dt)
        check_upstroke(self, self.g_L / self.C_m, dt)

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, w = y
        upstroke = self.g_L * self.Delta_T * jnp.exp((V - self.V_th) / self.Delta_T)
        flow = (self.g_L * (self.E_L - V) + upstroke - w + current + self.I_e) / self.C_m
        return flow, (self.a * (V - self.E_L) - w) / self.tau_w

    def threshold(self, s: Any) -> Array:
        del s
        return self.V_peak

    def after_spike(self, s: Any, spikes: Array) -> AdExIFState:
        return s.replace(w=s.w + self.b * spikes)
