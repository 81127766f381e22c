"""Spikes from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikax.errors import ConfigError


def read_trains(path: Any, size: int | None) -> list[np.ndarray]:
    """The spike times (ms) of each neuron; see `SpikeTimes.from_file`."""
    times, ids = _columns(Path(path))
    size = int(ids.max(initial=-1)) + 1 if size is None else size
    wrong = (ids < 0) | (ids >= size) | (ids % 1 != 0)
    if wrong.any():
        raise ConfigError(
            f"{path} has a neuron {ids[wrong][0]:g}; indices go from 0 to {size - 1}."
        )
    order = np.argsort(ids, kind="stable")
    return np.split(times[order], np.searchsorted(ids[order], np.arange(1, size)))


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        times, ids = np.atleast_2d(_table(path)).astype(float).T
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{path} holds no spikes that can be read ({error}); write rows of time in ms and "
            "neuron as text or .npy, or an .npz of `times` and `neurons`."
        ) from error
    return times, ids


def _table(path: Path) -> np.ndarray:
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return np.column_stack([archive["times"], archive["neurons"]])
    return np.load(path) if path.suffix == ".npy" else np.loadtxt(path, ndmin=2)
