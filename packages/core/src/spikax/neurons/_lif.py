"""The leaky integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, clock, param, spike
from spikax._integrate import exp_euler
from spikax._neuron import Current, Firing, refractory_after
from spikax._state import State
from spikax._system import Array
from spikax.units import ms, mV, pA, pF


class LIFState(State):
    """Variables of a leaky integrate-and-fire neuron."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    spike: Array = spike()
    refractory: Array = clock("steps left of the refractory period")


class LIF(Firing):
    """Leaky integrate-and-fire neuron (Lapicque 1907; Gerstner et al. 2014, eq. 1.9).

        dV/dt = (E_L - V) / tau_m + (I_syn(V) + I_e) / C_m
        V >= V_th:  spike, reset (hard: V <- V_reset, soft: V <- V - (V_th - V_reset)), V held for
        t_ref

    Integrated by the exponential Euler method with the synapses at mid-step: exact between spikes
    where the current is constant, of order 2 otherwise.
    """

    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(20 * ms, above=0, doc="membrane time constant")
    E_L: Array = param(-60 * mV, doc="resting potential")
    t_ref: Array = param(2 * ms, at_least=0, steps=True, doc="refractory period")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(lambda values: values["E_L"], unit=mV, doc="potential at the start")
    State = LIFState

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> LIFState:
        def slope(V: Array) -> Array:
            return (self.E_L - V) / self.tau_m + (current(V, dt / 2) + self.I_e) / self.C_m

        active = s.refractory == 0
        V = jnp.where(active, exp_euler(slope, s.V_m, dt) + jump, s.V_m)
        spikes = self.fire(V, active, self.V_th)
        return LIFState(
            V_m=self.after_reset(V, spikes, self.V_th),
            spike=spikes,
            refractory=refractory_after(s.refractory, spikes, self.t_ref, dt),
        )
