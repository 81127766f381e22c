"""NEST's `parrot_neuron_ps`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, static
from spikax_nest._node import NestNode
from spikax_nest._precise import EVENTS, PreciseState, Timed


class ParrotNeuronPs(Timed, NestNode):
    """Sends on every spike that arrives, at its time within the step (NEST's `parrot_neuron_ps`).

    Spikes count as such, whatever their weights. Those that arrive at receptor 1 are swallowed: it
    is there for a plastic synapse between two given spike trains to end on.

    Source: Morrison et al. 2007, Neural Comput. 19; behaviour as of NEST 3.10.
    """

    most_events: int = static(EVENTS, doc="events of a step that are kept apart")
    relays = True
    State = PreciseState

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": Port(events=self.most_events), "ignored": Port()}

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {0: "syn", 1: "ignored"}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> PreciseState:
        arrived = inputs["syn"]
        number = jnp.sum(arrived.weight, axis=0)
        return state.replace(spike=number, events=arrived.weight, offset=arrived.offset)
