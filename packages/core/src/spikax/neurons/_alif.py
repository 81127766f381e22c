"""The leaky integrate-and-fire neuron with an adaptive threshold."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, clock, param, spike, static
from spikax._neuron import Current, Membrane, rest
from spikax._state import State
from spikax._system import Array
from spikax.units import ms, mV


class ALIFState(State):
    """Variables of a neuron with an adaptive threshold."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    a: Array = cell(doc="adaptation: filtered count of the neuron's own spikes")
    spike: Array = spike()
    refractory: Array = clock("steps left of the refractory period")


class ALIF(Membrane):
    """Leaky integrate-and-fire neuron with an adaptive threshold (Bellec et al. 2020, eqs. 6-8).

    dV/dt = (E_L - V) / tau_m + (I_syn(V) + I_e) / C_m
    a(t + dt) = exp(-dt / tau_a) a(t) + z(t)
    V >= V_th + beta a:  spike z = 1, reset (soft by default), V held for t_ref
    """

    reset: str = static("soft", choices=("hard", "soft"), doc="hard: to V_reset; soft: by the gap")
    tau_a: Array = param(200 * ms, above=0, doc="time constant of the adaptation")
    beta: Array = param(1.6 * mV, doc="rise of the threshold by one spike")
    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = ALIFState

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        return (self.leak(y[0], current),)

    def threshold(self, s: Any) -> Array:
        return self.V_th + self.beta * s.a

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> ALIFState:
        a = jnp.exp(-dt / self.tau_a) * s.a + s.spike
        return super().step(s.replace(a=a), current, jump, dt=dt)
