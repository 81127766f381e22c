"""NEST's `spike_generator`."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import Array

from spikax import cell, param
from spikax_nest._precise import PreciseState
from spikax_nest.devices._spike_times import SpikeTimes


class SpikeGeneratorState(PreciseState):
    """The spikes of the last step, all together and one by one."""

    amplitude: Array = cell(doc="spikes times their weights")
    amplitudes: Array = cell(doc="(events, neurons), the same one by one")


class SpikeGenerator(SpikeTimes):
    """Spikes at given times (NEST's `spike_generator`).

    spike_times are stamps, counted from `origin`, sorted, above 0. An entry stands for
    spike_multiplicities spikes of weight spike_weights, 1 each where these are empty; its
    connections transmit the sum of their products. Off the grid, where that is allowed, times are
    rounded up; with `precise_times` models of precise spikes get them as they are, all others
    rounded up.

    Source: behaviour as of NEST 3.10.
    """

    spike_weights: Array = param([], free=True, doc="factors of the connections' weights")
    pads = {**SpikeTimes.pads, "spike_weights": 1.0}
    weighing = ("spike_weights", *SpikeTimes.weighing)
    sends = "amplitude"
    each = {"spike": "events", "amplitude": "amplitudes"}
    State = SpikeGeneratorState

    def sizes(self, dtype: Any) -> dict[str, Array]:
        number = self.numbers(dtype)
        return {"spike": number, "amplitude": self.weighed(number)}

    def weighed(self, number: Array) -> Array:
        """Of each entry its number of spikes times its weight."""
        if not np.size(self.spike_weights):
            return number
        if number.ndim < self.spike_weights.ndim:
            return number[:, None] * self.spike_weights
        return number * self.spike_weights.reshape(len(number), *[-1] * (number.ndim - 1))
