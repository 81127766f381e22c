"""Poisson spike trains."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikax._counts import POISSON_LIMIT, poisson
from spikax._fields import param, spike
from spikax._system import Array, Dynamics, full
from spikax.errors import ConfigError
from spikax.inputs._noise import NoisyState
from spikax.inputs._waveform import middle
from spikax.units import Hz


class PoissonState(NoisyState):
    """The stream of random numbers and the spikes of the last step."""

    spike: Array = spike()


class PoissonProcess(Dynamics):
    """Independent Poisson processes: the count of a step has mean rate * dt.

    The rate is taken in the middle of the step, so a rate that is linear within it has the exact
    mean. The count carries no gradient.
    """

    State = PoissonState

    @abstractmethod
    def rate_at(self, time: Array, inputs: Mapping[str, Array]) -> Array:
        """Rate (1/ms) at a time (ms)."""

    @abstractmethod
    def highest_rate(self) -> Any:
        """The highest rate (1/ms) that is known before a run."""

    def check(self, dt: float) -> None:
        super().check(dt)
        highest = np.max(self.highest_rate())
        if highest * dt > POISSON_LIMIT:
            raise ConfigError(
                f"{type(self).__name__} at {highest * 1e3:g} Hz makes {highest * dt:g} spikes in a "
                f"step of {dt:g} ms, at most {POISSON_LIMIT:g} can be drawn; use a smaller dt or a "
                "larger population."
            )

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> PoissonState:
        mean = self.rate_at(middle(t, state.spike, dt), inputs) * dt
        if np.ndim(mean):
            mean = full(mean, state.spike.size, f"the rate of {type(self).__name__}")
        return state.replace(spike=poisson(state.stream, t, jnp.asarray(mean, float)))


class Poisson(PoissonProcess):
    """Independent Poisson spike trains: the count of a step has mean sources * rate * dt.

    With `sources`, a neuron stands for that many trains at once: a sum of independent Poisson
    trains is a Poisson train of the sum of their rates. The count carries no gradient.
    """

    rate: Array = param(10 * Hz, at_least=0, doc="spikes per second of each source")
    sources: Array = param(1.0, at_least=0, doc="trains that a neuron sums up")

    def rate_at(self, time: Array, inputs: Mapping[str, Array]) -> Array:
        del time, inputs
        return self.highest_rate()

    def highest_rate(self) -> Any:
        return self.rate * self.sources
