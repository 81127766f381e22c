"""The leaky integrate-and-fire neuron with an adaptive threshold."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, clock, param, spike, static
from spikax._integrate import exp_euler
from spikax._neuron import Current, Firing, refractory_after
from spikax._state import State
from spikax._system import Array
from spikax.units import ms, mV, pA, pF


class ALIFState(State):
    """Variables of a neuron with an adaptive threshold."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    a: Array = cell(doc="adaptation: filtered count of the neuron's own spikes")
    spike: Array = spike()
    refractory: Array = clock("steps left of the refractory period")


class ALIF(Firing):
    """Leaky integrate-and-fire neuron with an adaptive threshold (Bellec et al. 2020, eqs. 6-8).

    dV/dt = (E_L - V) / tau_m + (I_syn(V) + I_e) / C_m
    a(t + dt) = exp(-dt / tau_a) a(t) + z(t)
    V >= V_th + beta a:  spike z = 1, reset (soft by default), V held for t_ref
    """

    reset: str = static("soft", choices=("hard", "soft"), doc="hard: to V_reset; soft: by the gap")
    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(20 * ms, above=0, doc="membrane time constant")
    E_L: Array = param(-60 * mV, doc="resting potential")
    t_ref: Array = param(2 * ms, at_least=0, steps=True, doc="refractory period")
    I_e: Array = param(0 * pA, doc="constant current")
    tau_a: Array = param(200 * ms, above=0, doc="time constant of the adaptation")
    beta: Array = param(1.6 * mV, doc="rise of the threshold by one spike")
    V_init: Array = param(lambda values: values["E_L"], unit=mV, doc="potential at the start")
    State = ALIFState

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> ALIFState:
        def slope(V: Array) -> Array:
            return (self.E_L - V) / self.tau_m + (current(V, dt / 2) + self.I_e) / self.C_m

        active = s.refractory == 0
        V = jnp.where(active, exp_euler(slope, s.V_m, dt) + jump, s.V_m)
        a = jnp.exp(-dt / self.tau_a) * s.a + s.spike
        threshold = self.V_th + self.beta * a
        spikes = self.fire(V, active, threshold)
        return ALIFState(
            V_m=self.after_reset(V, spikes, threshold),
            a=a,
            spike=spikes,
            refractory=refractory_after(s.refractory, spikes, self.t_ref, dt),
        )
