"""NEST's `ignore_and_fire`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, State, clock, param, spike
from spikax.units import Hz, pA
from spikax_nest._node import NestNode
from spikax_nest.neurons._neuron import whole_steps


class IgnoreAndFireState(State):
    """The spikes of the last step, and when the next one comes."""

    spike: Array = spike()
    wait: Array = clock("steps before the next spike")


class IgnoreAndFire(NestNode):
    """Spikes at a fixed rate and ignores what arrives (NEST's `ignore_and_fire`).

    Periods are 1 / rate, rounded up to whole steps; the first spike comes a step after the share
    `phase` of one. It is there to measure how communication scales.

    Source: behaviour as of NEST 3.10.
    """

    rate: Array = param(10 * Hz, above=0, doc="spikes per second")
    phase: Array = param(1.0, above=0, at_most=1, doc="share of a period before the first spike")
    ports = {"syn": Port(pA), "current": Port(pA)}
    computed = {"recordables": lambda _: []}
    State = IgnoreAndFireState

    def init_state(self, size: int, *, key: Any, dt: float) -> IgnoreAndFireState:
        state = super().init_state(size, key=key, dt=dt)
        first = whole_steps(self.phase / self.rate, dt)
        return state.replace(wait=jnp.broadcast_to(first, (size,)))

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IgnoreAndFireState:
        due = state.wait == 0
        left = jnp.where(due, whole_steps(1 / self.rate, dt), state.wait) - 1
        return IgnoreAndFireState(spike=due.astype(state.spike.dtype), wait=left)
