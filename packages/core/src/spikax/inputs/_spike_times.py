"""Spikes at given times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from spikax._fields import param, spike
from spikax._state import State
from spikax._system import Array, Dynamics
from spikax.errors import ConfigError, ShapeError
from spikax.inputs._spike_file import read_trains
from spikax.units import ms, to_coherent

NEVER = 1e30  # ms: later than any run


class SpikeTimesState(State):
    """The spikes of the last step."""

    spike: Array = spike()


class SpikeTimes(Dynamics):
    """Neurons that fire at given times.

    `times` holds one train (K,) for all neurons, or one column (K, N) for each; `from_trains` takes
    trains of different length, `from_file` reads them. Times are multiples of dt above 0: a spike
    is stamped with the end of a step, and none ends at 0. A spike at time s acts at s + delay; the
    same time twice is two spikes. After 2^22 steps float32 confuses neighbours: use float64.
    """

    times: Array = param(
        np.array([]) * ms,
        above=0,
        steps=True,
        free=True,
        doc="spike times, sorted along the first axis",
    )
    State = SpikeTimesState

    def validate(self) -> None:
        if isinstance(self.times, np.ndarray) and np.any(
            np.diff(np.atleast_1d(self.times), axis=0) < 0
        ):
            raise ConfigError("SpikeTimes.times must be sorted; write np.sort(times) * ms.")

    @classmethod
    def from_trains(cls, trains: Iterable[Any]) -> Self:
        """One train of spike times for each neuron, of any length."""
        plain = [np.sort(np.ravel(to_coherent(train, ms, "a spike train"))) for train in trains]
        table = np.full((max((len(p) for p in plain), default=0), len(plain)), NEVER)
        for neuron, train in enumerate(plain):
            table[: len(train), neuron] = train
        return cls(table * ms)

    @classmethod
    def from_file(cls, path: Any, size: int | None = None) -> Self:
        """The trains in a file: of text, with a row "time neuron" for each spike, or of NumPy.

        Args:
            path: Text (# begins a comment) or `.npy` of the rows, or `.npz` of the columns `times`
                and `neurons`. Times are in ms, neurons are counted from 0, rows in any order.
            size: Number of neurons; None if the last one fires.

        Raises:
            ConfigError: The file cannot be read as this, or a neuron is out of range.
        """
        return cls.from_trains(train * ms for train in read_trains(path, size))

    def init_state(self, size: int, *, key: Any, dt: float) -> SpikeTimesState:
        if np.ndim(self.times) == 2 and np.shape(self.times)[1] != size:
            raise ShapeError(
                f"SpikeTimes.times holds {np.shape(self.times)[1]} trains, "
                f"the population has {size} neurons."
            )
        return super().init_state(size, key=key, dt=dt)

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> SpikeTimesState:
        del inputs
        spike = state.spike
        table = self.times if self.times.ndim == 2 else self.times[:, None]
        until = partial(jax.vmap(partial(jnp.searchsorted, side="right"), in_axes=(1, None)), table)
        now = t.astype(spike.dtype) + 1
        count = until((now + 0.5) * dt) - until((now - 0.5) * dt)
        return SpikeTimesState(spike=jnp.broadcast_to(count.astype(spike.dtype), spike.shape))
