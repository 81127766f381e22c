"""What spikes say about rates in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax._probes import steps
from spikax._recording import Series, Spikes
from spikax.errors import ConfigError
from spikax.units import Hz, ms, to_coherent


def psth(spikes: Spikes, bin: Any, onsets: Any, window: Any) -> Series:
    """Counts per bin, over the neurons, the onsets and the width of a bin."""
    width = steps(float(to_coherent(bin, ms, "psth: bin")), spikes.dt, "psth: bin")
    zeros = np.ravel(_steps(0 * ms if onsets is None else onsets, spikes.dt, "onsets"))
    edges = width * np.arange(*_bins(spikes, zeros, window, width))
    before = np.searchsorted(spikes.steps, zeros[:, None] + edges, side="right")
    rates = np.diff(before).sum(axis=0) / (zeros.size * spikes.size * width * spikes.dt)
    return Series(rates[:, None], int(edges[0]), Hz, spikes.dt, width)


def _bins(spikes: Spikes, zeros: np.ndarray, window: Any, width: int) -> tuple[int, int]:
    """The borders, from and to, in bins from an onset."""
    recorded = spikes.start - zeros.min(), spikes.stop - zeros.max()
    first, last = recorded if window is None else _steps(window, spikes.dt, "window")
    if first < recorded[0] or last > recorded[1] or last // width <= -(-first // width):
        asked, there = ([f"{n * spikes.dt:g}" for n in w] for w in ((first, last), recorded))
        raise ConfigError(
            f"psth: the window from {asked[0]} to {asked[1]} ms must lie in what was recorded "
            f"around every onset, from {there[0]} to {there[1]} ms, and hold a whole bin of "
            f"{width * spikes.dt:g} ms."
        )
    return -(-first // width), last // width + 1


def _steps(times: Any, dt: float, what: str) -> np.ndarray:
    return np.round(to_coherent(times, ms, f"psth: {what}") / dt).astype(int)
