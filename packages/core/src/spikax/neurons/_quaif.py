"""Quadratic integrate-and-fire neurons, without and with adaptation."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell, param
from spikax._neuron import FiringState, Membrane, rest
from spikax._system import Array
from spikax.units import UNITLESS, ms, mV, nS, pA, pF


class Quadratic(Membrane):
    """A membrane whose slope is a parabola in V: zero at E_L and at V_th, upwards beyond."""

    V_th: Array = param(-50 * mV, doc="threshold, beyond which V goes up by itself")
    V_reset: Array = param(-65 * mV, doc="potential after a spike")
    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant at rest")
    E_L: Array = param(-65 * mV, doc="resting potential")
    a_0: Array = param(
        lambda v: 1 / (v["V_th"] - v["E_L"]), unit=UNITLESS / mV, doc="curvature of the slope"
    )
    V_peak: Array = param(0 * mV, doc="potential that ends the upstroke")

    def parabola(self, V: Array, current: Array) -> Array:
        """Rate of change (mV/ms) of the potential."""
        inside = self.a_0 * (V - self.E_L) * (V - self.V_th) / self.tau_m
        return inside + (current + self.I_e) / self.C_m

    def threshold(self, s: Any) -> Array:
        del s
        return self.V_peak


class QuaIF(Quadratic):
    """Quadratic integrate-and-fire neuron (Latham et al. 2000; Gerstner et al. 2014, eq. 5.16).

        dV/dt = a_0 (V - E_L) (V - V_th) / tau_m + (I_syn(V) + I_e) / C_m
        V >= V_peak:  spike, V <- V_reset, V held for t_ref

    The default of a_0, 1 / (V_th - E_L), makes tau_m the time constant at rest; then it fires
    steadily above the rheobase C_m / tau_m (V_th - E_L) / 4. Integrated by the exponential Euler
    method (order 2 between spikes).
    """

    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = FiringState

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        return (self.parabola(y[0], current),)


class AdQuaIFState(FiringState):
    """Variables of an adaptive quadratic integrate-and-fire neuron."""

    w: Array = cell(pA, doc="adaptation current")


class AdQuaIF(Quadratic):
    """Adaptive quadratic integrate-and-fire neuron (Izhikevich 2003; Touboul 2008).

        dV/dt = a_0 (V - E_L) (V - V_th) / tau_m + (I_syn(V) + I_e - w) / C_m
        tau_w dw/dt = a (V - E_L) - w
        V >= V_peak:  spike, V <- V_reset, w <- w + b, V held for t_ref while w goes on

    V and w are integrated together by the exponential Euler method (order 2 between spikes); a_0 as
    in QuaIF.
    """

    a: Array = param(2 * nS, doc="subthreshold adaptation")
    b: Array = param(40 * pA, doc="spike-triggered adaptation")
    tau_w: Array = param(100 * ms, above=0, doc="time constant of the adaptation")
    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = AdQuaIFState
    evolving = ("V_m", "w")

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, w = y
        return self.parabola(V, current - w), (self.a * (V - self.E_L) - w) / self.tau_w

    def after_spike(self, s: Any, spikes: Array) -> AdQuaIFState:
        return s.replace(w=s.w + self.b * spikes)
