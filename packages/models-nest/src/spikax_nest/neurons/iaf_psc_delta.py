"""NEST's `iaf_psc_delta`."""

from __future__ import annotations

import sys
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import mV, pA
from spikax_nest.neurons._linear import BoundedNeuron, LinearState


class IafPscDeltaState(LinearState):
    """Variables of `iaf_psc_delta`."""

    held_back: Array = cell(mV, doc="jumps that wait for the end of the refractory period")


class IafPscDelta(BoundedNeuron):
    """Leaky integrate-and-fire neuron whose potential jumps at spikes (NEST's `iaf_psc_delta`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_e + I;  a spike of weight w adds w to V
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact between the points of the grid. Spikes that arrive in the refractory period are lost, or,
    with `refractory_input`, added at its end, each decayed by exp(-t / tau_m) over the time t it
    waited. V is never below V_min, but for the reset.

    Source: Rotter & Diesmann 1999, Biol. Cybern. 81, sec. 3; behaviour as of NEST 3.10.
    """

    V_min: Array = param(-sys.float_info.max * mV, finite=False, doc="lower bound of the potential")
    refractory_input: Array = param(0.0, doc="whether spikes in the refractory period count")
    types = {"refractory_input": bool}
    ports = {"syn": Port(mV), "current": Port(pA)}
    recordables = ("V_m",)
    State = IafPscDeltaState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafPscDeltaState:
        s, jump = state, inputs["syn"]
        waiting = jump * jnp.exp(-s.r.astype(jump.dtype) * dt / self.tau_m)
        held_back = jnp.where((s.r > 0) & (self.refractory_input != 0), s.held_back + waiting, 0.0)
        V = self.propagate(s, jump + s.held_back, dt)
        V, spikes, r = self.fire(V, s.r, dt)
        return s.replace(V_m=V, held_back=held_back, I_0=inputs["current"], spike=spikes, r=r)
