"""The order in which synapses first transmit, over all populations of their sources."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Dynamics, Port, State, cell, param


class SynapseNumbersState(State):
    """What the synapses of each source see when it spikes."""

    started: Array = cell(doc="1 once the source has spiked")
    opening: Array = cell(doc="1 in the step of its first spike")
    counted: Array = cell(doc="synapses with a number when it is the source's turn in this step")


class SynapseNumbers(Dynamics):
    """Numbers synapses 0, 1, 2, ... in the order in which their sources spike first.

    A neuron stands for each source, which is projected to it one to one without delay. Those that
    spike first in the same step have their turns one after the other. All neurons count together,
    so they are one population, and are not shared between devices.
    """

    waiting: Array = param(0.0, at_least=0, doc="synapses of the source that get a number")
    turn: Array = param(0.0, at_least=0, doc="of the k-th neuron: the one whose turn is the k-th")
    start: Array = param(0.0, doc="synapses with a number at the start")
    ports = {"syn": Port()}
    State = SynapseNumbersState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> SynapseNumbersState:
        del t, dt
        opening = jnp.where(inputs["syn"] > 0, 1.0 - state.started, 0.0)
        turn, more = jnp.asarray(self.turn, jnp.int32), self.waiting * opening
        before = jnp.zeros_like(more).at[turn].set(jnp.cumsum(more[turn]) - more[turn])
        earlier = self.start + jnp.sum(self.waiting * state.started)
        started = state.started + opening
        return SynapseNumbersState(started=started, opening=opening, counted=earlier + before)
