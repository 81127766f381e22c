"""NEST's `volume_transmitter`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax import Port, State, param, spike
from spikax_nest._node import NestNode


class VolumeTransmitterState(State):
    """The spikes that arrived in the last step."""

    spike: Array = spike()


class VolumeTransmitter(NestNode):
    """Collects dopaminergic spikes for plastic synapses (NEST's `volume_transmitter`).

    A synapse model that names it as its `volume_transmitter` sees every spike in the step of its
    arrival here, whatever the weight. deliver_interval, in slices of the shortest delay, is how
    often NEST hands them on at the latest; here that is every step.

    Source: Potjans, Morrison & Diesmann 2010, Front. Comput. Neurosci. 4:141; behaviour as of NEST
    3.10.
    """

    element_type = "other"
    archives = False
    deliver_interval: Array = param(1.0, doc="slices from one delivery to the next")
    types = {"deliver_interval": int}
    ports = {"syn": Port()}
    relays = True
    sends = ""
    State = VolumeTransmitterState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> VolumeTransmitterState:
        return VolumeTransmitterState(spike=inputs["syn"])
