"""Leaky integrate-and-fire neurons whose currents are linear: exact from grid point to grid point.

Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import State, cell, clock, param, spike
from spikax.integrate import (
    alpha_current_propagators,
    exp_current_propagator,
    membrane_propagators,
)
from spikax.units import ms, mV, pA, pF
from spikax_nest.neurons._neuron import NestNeuron, SpikingNode


class LinearState(State):
    """Variables of every leaky integrate-and-fire neuron."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    I_0: Array = cell(pA, doc="current that arrived in the last step")
    spike: Array = spike()
    r: Array = clock("steps left of the refractory period")


class Currents(SpikingNode):
    """A neuron of capacitance C_m and time constant tau_m, driven by currents that decay."""

    C_m: Array
    tau_m: Array

    def exp_current(self, I: Array, arrived: Array, tau_syn: Array, dt: Any) -> tuple[Array, Array]:
        """An exponential current after a step at whose end spikes arrived; how it moved V."""
        driven = exp_current_propagator(self.tau_m, tau_syn, self.C_m, dt) * I
        return jnp.exp(-dt / tau_syn) * I + arrived, driven

    def alpha_current(
        self, dI: Array, I: Array, arrived: Array, tau_syn: Array, dt: Any
    ) -> tuple[Array, Array, Array]:
        """The same of an alpha current, whose first variable is dI: a spike w makes a peak w."""
        of_slope, of_value = alpha_current_propagators(self.tau_m, tau_syn, self.C_m, dt)
        decay = jnp.exp(-dt / tau_syn)
        slope = decay * dI + math.e / tau_syn * arrived
        return slope, decay * (I + dt * dI), of_slope * dI + of_value * I


class LinearMembrane(Currents):
    """C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn + I_e + I.

    A current I that arrives in one step acts in the next. As in NEST, the V_m of the start does not
    follow E_L.
    """

    C_m: Array = param(250 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant")
    E_L: Array = param(-70 * mV, doc="resting potential")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")

    def moved(self, s: Any, driven: Array, dt: float) -> Array:
        """The potential after a step in which synapses moved it by `driven` (mV)."""
        P_V, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        return self.E_L + P_V * (s.V_m - self.E_L) + P_I * (self.I_e + s.I_0) + driven


class LinearNeuron(LinearMembrane, NestNeuron):
    """The same with the threshold, reset and refractory period of a `NestNeuron`."""

    def bounded(self, V: Array) -> Array:
        """The potential within its bounds, of which there are none by default."""
        return V

    def propagate(self, s: Any, driven: Array, dt: float) -> Array:
        """The potential after a step, held in the refractory period."""
        return jnp.where(s.r == 0, self.bounded(self.moved(s, driven, dt)), s.V_m)


class BoundedNeuron(LinearNeuron):
    """The same with a potential that does not fall below V_min, but for the reset."""

    V_min: Array = param(-math.inf * mV, finite=False, doc="lower bound of the potential")

    def bounded(self, V: Array) -> Array:
        return jnp.maximum(V, self.V_min)
