"""The order in which synapses first transmit, over all populations of their sources."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Dynamics, Port, State, cell, param

NEVER = 1e9  # in place of a slice


class SynapseNumbersState(State):
    """What the synapses of each source see when it spikes."""

    since: Array = cell(init=NEVER, doc="the slice in which the source first spiked")
    expected: Array = cell(init=NEVER, doc="that in which it will, where that is known")
    opening: Array = cell(doc="1 in the step of its first spike")
    counted: Array = cell(doc="synapses with a number when it is the source's turn in this step")


class SynapseNumbers(Dynamics):
    """Numbers synapses 0, 1, 2, ... in the order in which their sources spike first.

    A neuron stands for each source, which is projected to it one to one without delay. Those that
    spike first in the same slice have their turns one after the other: if a slice has several
    steps, who comes before a source may spike after it, and has to be `expected`. All neurons count
    together, so they are one population, and are not shared between devices.
    """

    waiting: Array = param(0.0, at_least=0, doc="synapses of the source that get a number")
    turn: Array = param(0.0, at_least=0, doc="of the k-th neuron: the one whose turn is the k-th")
    start: Array = param(0.0, doc="synapses with a number at the start")
    steps: Array = param(1.0, at_least=1, doc="steps of a slice")
    ports = {"syn": Port()}
    State = SynapseNumbersState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> SynapseNumbersState:
        del dt
        now, turn = jnp.floor(jnp.asarray(t, float) / self.steps), jnp.asarray(self.turn, jnp.int32)
        opening = (inputs["syn"] > 0) & (state.since == NEVER)
        since = jnp.where(opening, now, state.since)
        slices = jnp.minimum(since, state.expected)
        earlier = self.start + jnp.sum(jnp.where(slices < now, self.waiting, 0.0))
        more = jnp.where(slices == now, self.waiting, 0.0)[turn]
        before = jnp.zeros_like(more).at[turn].set(jnp.cumsum(more) - more)
        return SynapseNumbersState(
            since=since,
            expected=state.expected,
            opening=opening.astype(since.dtype),
            counted=earlier + before,
        )
