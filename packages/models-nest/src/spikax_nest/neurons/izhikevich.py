"""NEST's `izhikevich`."""

from __future__ import annotations

import sys
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, State, cell, param, spike
from spikax.units import ms, mV, pA, pF
from spikax_nest.neurons._neuron import SpikingNode, width_between


def rounded(product: Array) -> Array:
    """A product that is rounded before it enters a sum, as NEST's is.

    XLA would contract the two into one operation of another rounding. Between spikes this model is
    unstable: after some of them a last bit is a millivolt.
    """
    return jnp.where(jnp.isnan(product), jnp.nan, product)


class IzhikevichState(State):
    """Variables of `izhikevich`."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    U_m: Array = cell(mV / ms, init="U_m", doc="recovery")
    I_0: Array = cell(pA, doc="current that arrived in the last step")
    spike: Array = spike()


class Izhikevich(SpikingNode):
    """Simple spiking neuron (NEST's `izhikevich`).

        dV/dt = square V^2 + linear V + constant - U + (I_e + I) / C_m
        dU/dt = a (b V - U);  a spike of weight w adds w to V
        V >= V_th:  spike, V <- c, U <- U + d

    The forward Euler method or, with consistent_integration 0, that of the paper: two half steps of
    V, and U by the V that they lead to. As in NEST, what arrives then is no jump but a slope for
    one step, w per ms, so its effect goes with dt. NEST's U_m and d are in mV and its current is
    one over C_m: numbers are the same. V is never below V_min.

    Source: Izhikevich 2003, IEEE Trans. Neural Netw. 14; behaviour as of NEST 3.10.
    """

    a: Array = param(0.02 / ms, doc="rate of the recovery")
    b: Array = param(0.2 / ms, doc="sensitivity of the recovery to V")
    c: Array = param(-65 * mV, doc="potential after a spike")
    d: Array = param(8 * mV / ms, doc="rise of the recovery by a spike")
    V_th: Array = param(30 * mV, doc="spike threshold")
    V_min: Array = param(-sys.float_info.max * mV, finite=False, doc="lower bound of the potential")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-65 * mV, doc="membrane potential at the start")
    U_m: Array = param(-13 * mV / ms, doc="recovery at the start")
    consistent_integration: Array = param(1.0, doc="whether by the forward Euler method")
    square: Array = param(0.04 / (mV * ms), doc="coefficient of V^2")
    linear: Array = param(5 / ms, doc="coefficient of V")
    constant: Array = param(140 * mV / ms, doc="slope at V = 0")
    C_m: Array = param(1 * pF, above=0, doc="membrane capacitance")
    kick: Array = param(1 / ms, doc="slope for a jump, where integration is not consistent")
    width: Array = width_between("V_th", "c")
    types = {"consistent_integration": bool}
    hidden = (*SpikingNode.hidden, "square", "linear", "constant", "C_m", "kick")
    ports = {"syn": Port(mV), "current": Port(pA)}
    recordables = ("U_m", "V_m")
    State = IzhikevichState

    def slope(self, V: Array, s: Any) -> Array:
        """dV/dt at a potential V, with the U of the start of the step."""
        curve = rounded(self.square * V * V) + rounded(self.linear * V)
        return curve + self.constant - s.U_m + s.I_0 / self.C_m + self.I_e / self.C_m

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IzhikevichState:
        s, jump = state, inputs["syn"]
        whole = s.V_m + (rounded(dt * self.slope(s.V_m, s)) + jump)
        half = s.V_m + rounded(dt / 2 * (self.slope(s.V_m, s) + self.kick * jump))
        halves = half + rounded(dt / 2 * (self.slope(half, s) + self.kick * jump))
        consistent = self.consistent_integration != 0
        V, seen = jnp.where(consistent, whole, halves), jnp.where(consistent, s.V_m, halves)
        U = s.U_m + rounded(dt * self.a * (rounded(self.b * seen) - s.U_m))
        V = jnp.maximum(V, self.V_min)
        spikes = self.spikes(V - self.V_th)
        return IzhikevichState(
            V_m=(1 - spikes) * V + spikes * self.c,
            U_m=U + self.d * spikes,
            I_0=inputs["current"],
            spike=spikes,
        )
