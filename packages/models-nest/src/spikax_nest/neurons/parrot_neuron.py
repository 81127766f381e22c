"""NEST's `parrot_neuron`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from jax import Array

from spikax import Port, State, param, spike
from spikax.units import ms
from spikax_nest._node import NestNode


class ParrotNeuronState(State):
    """The spikes of the last step."""

    spike: Array = spike()


class ParrotNeuron(NestNode):
    """Sends on every spike that arrives, in the step of its arrival (NEST's `parrot_neuron`).

    Spikes count as such, whatever their weights. Those that arrive at receptor 1 are swallowed: it
    is there for a plastic synapse between two given spike trains to end on.

    Source: behaviour as of NEST 3.10.
    """

    flush_event_send_interval: Array = param(
        math.inf * ms, above=0, finite=False, doc="kept for e-prop synapses, without effect here"
    )
    ports = {"syn": Port(), "ignored": Port()}
    relays = True
    State = ParrotNeuronState

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {0: "syn", 1: "ignored"}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> ParrotNeuronState:
        return ParrotNeuronState(spike=inputs["syn"])
