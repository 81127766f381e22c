"""Where the recorded chunks of a run go: into memory."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spikax._probes import Probe
from spikax._recording import Recording, Series, Spikes


class Memory:
    """Keeps what a run records, chunk by chunk."""

    def __init__(self, probes: Sequence[Probe], start: int, dt: float) -> None:
        self.probes, self.start, self.dt = probes, start, dt
        self.chunks: list[Mapping[str, tuple[Any, ...]]] = [{p.path: empty(p) for p in probes}]

    def add(self, drained: Mapping[str, tuple[Any, ...]], stop: int) -> None:
        """Take what was recorded up to the step `stop`."""
        del stop
        self.chunks.append(drained)

    def recording(self, stop: int) -> Recording:
        """All of it."""

        def whole(p: Probe) -> Series | Spikes:
            parts = (chunk[p.path] for chunk in self.chunks)
            columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
            return recorded(p, columns, self.start, stop, self.dt)

        return Recording({p.path: whole(p) for p in self.probes})


def empty(p: Probe) -> tuple[np.ndarray, ...]:
    """No rows, or no events."""
    values = np.zeros(0, jax.dtypes.canonicalize_dtype(float))
    if not p.is_events:
        return (values.reshape(0, p.columns),)
    values = values.reshape(0, p.rows) if p.rows > 1 else values
    return (np.zeros(0, np.int64), np.zeros(0, np.int32), *([values] if p.take else []))


def recorded(p: Probe, columns: Sequence[Any], start: int, stop: int, dt: float) -> Series | Spikes:
    """A probe's result, from its rows or the columns of its events."""
    if not p.is_events:
        where = None if p.take == "mean" else p.where
        return Series(columns[0], start, p.unit, dt, p.interval, where)
    times, ids, *values = columns
    return Spikes(times, ids, p.width, dt, start, stop, p.where, *values, *[p.unit] * bool(values))


def spikes_of(counts: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Events (steps, columns) of a table of counts whose first row belongs to step `first`."""
    rows, ids = np.nonzero(counts)
    times = counts[rows, ids].astype(np.int64)
    return np.repeat(rows + first, times).astype(np.int64), np.repeat(ids, times).astype(np.int32)


def packed(spikes: Any) -> Any:
    """One bit per neuron: bit b of word k, of K words, is that of neuron b K + k."""
    words = -(-spikes.size // 32)
    flags = jnp.pad(spikes != 0, (0, 32 * words - spikes.size))
    # Neighbours lie in neighbouring words, so that a processor packs several words at once. Cut
    # from the flat array, which is then none of its own: a change of shape would make it one.
    rows = [flags[b * words : (b + 1) * words] for b in range(32)]
    bits = [row.astype(jnp.uint32) << np.uint32(b) for b, row in enumerate(rows)]
    return functools.reduce(jnp.bitwise_or, bits)


def spikes_of_words(words: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Events (steps, columns) of packed rows, the first of which belongs to step `first`."""
    row = 32 * words.shape[1]
    at = np.flatnonzero(words.ravel() != 0)  # of truth values, by far the fastest search
    left, found = words.ravel()[at], [np.zeros(0, np.int64)]
    while at.size:
        lowest = left & (~left + np.uint32(1))
        rows, k = np.divmod(at, words.shape[1])
        found.append(rows * row + np.log2(lowest).astype(np.int64) * words.shape[1] + k)
        left ^= lowest
        at, left = at[left != 0], left[left != 0]
    steps, ids = np.divmod(np.sort(np.concatenate(found)), row)
    return steps + first, ids.astype(np.int32)
