"""NEST's `aeif_psc_delta`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import mV
from spikax_nest.neurons._aeif import Aeif, AeifState
from spikax_nest.neurons._runge_kutta import Y


class AeifPscDeltaState(AeifState):
    """Variables of `aeif_psc_delta`."""

    held_back: Array = cell(mV, doc="jumps that wait for the end of the refractory period")


class AeifPscDelta(Aeif):
    """Adaptive exponential neuron whose potential jumps at spikes (NEST's `aeif_psc_delta`).

    `aeif_psc_exp` without synaptic currents: a spike of weight w adds w to V, as in NEST already
    after the first substep of the step at whose end it arrives. Spikes that arrive in the
    refractory period are lost, or, with `refractory_input`, added at its end, each decayed by
    exp(-g_L t / C_m) over the time t it waited.

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    refractory_input: Array = param(0.0, doc="whether spikes in the refractory period count")
    types = {"refractory_input": bool}
    synaptic = ()
    recordables = ("V_m", "w")
    State = AeifPscDeltaState

    @property
    def syn(self) -> Port:
        return Port(mV)

    def synaptic_rates(self, y: Y) -> Y:
        return {}

    def synaptic_current(self, y: Y, V: Array) -> Array:
        return jnp.zeros_like(V)

    def arrive(self, y: Y, inputs: Any) -> Y:
        return y

    def lands(self, s: Any, inputs: Any) -> Y:
        return {"jump": jnp.where(s.r == 0, inputs["syn"] + s.held_back, 0.0)}

    def event(self, y: Y, args: Y) -> tuple[Y, Y]:
        jumped = y | {"V_m": y["V_m"] + args["jump"]}
        return super().event(jumped, args | {"jump": jnp.zeros_like(args["jump"])})

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s, jump = state, inputs["syn"]
        waiting = jump * jnp.exp(-s.r.astype(jump.dtype) * dt * self.g_L / self.C_m)
        waits = (s.r > 0) & (self.refractory_input != 0)
        held_back = jnp.where(waits, s.held_back + waiting, 0.0)
        return super().update(s, inputs, t=t, dt=dt).replace(held_back=held_back)
