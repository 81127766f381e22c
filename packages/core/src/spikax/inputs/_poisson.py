"""Poisson spike trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikax._fields import cell, param, spike
from spikax._random import key_words, poisson, streams
from spikax._state import State
from spikax._system import Array, Dynamics, full
from spikax.errors import ConfigError
from spikax.units import Hz


class PoissonState(State):
    """The stream of random numbers and the spikes of the last step."""

    stream: Array = cell(kind="seed", doc="noise stream, two words per neuron")
    spike: Array = spike()


class Poisson(Dynamics):
    """Independent Poisson spike trains: the count of a step has mean rate * dt.

    Drawn from the counter hash of (seed, population, neuron, step), so that a train does not depend
    on chunks, batches or devices. The count carries no gradient.
    """

    rate: Array = param(10 * Hz, at_least=0, doc="spikes per second")
    State = PoissonState

    def check(self, dt: float) -> None:
        mean = np.max(self.rate) * dt if isinstance(self.rate, np.ndarray) else 0.0
        if mean > 50:
            raise ConfigError(
                f"Poisson.rate = {np.max(self.rate) * 1e3:g} Hz makes {mean:g} spikes in a step of "
                f"{dt:g} ms, at most 50 can be drawn; use a smaller dt or a larger population."
            )

    def init_state(self, size: int, *, key: Any, dt: float) -> PoissonState:
        del dt
        return PoissonState(stream=streams(key_words(key), size), spike=full(0.0, size, "spike"))

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> PoissonState:
        del inputs
        mean = full(self.rate * dt, state.spike.shape[-1], "Poisson.rate")
        return state.replace(spike=poisson(state.stream, t, mean))
