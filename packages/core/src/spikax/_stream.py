"""A recording on disk, written while the run goes on.

The folder is a Zarr group with one array per column of a recorded signal, and `progress.json`,
which says how much of them is whole. Zarr replaces each of its files at once, and `progress.json`
comes last, so a run that is killed in the middle of a chunk leaves all that was recorded before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from spikax._extras import require
from spikax._probes import Probe
from spikax._recording import Recording, Series, Spikes
from spikax._sink import empty, recorded
from spikax.errors import ConfigError, RunError, StateError, unknown
from spikax.units import named_unit

_ROWS = 2**14  # in a file of the archive, if a row is one number
_PROGRESS = "progress.json"


class Stream:
    """Appends what a run records to a folder, chunk by chunk."""

    def __init__(self, path: Any, probes: Sequence[Probe], start: int, dt: float) -> None:
        self.path = Path(path)
        if self.path.exists():
            raise ConfigError(
                f"{path} exists; stream to a new folder, or remove it: nothing is written over."
            )
        group = require("zarr", "io").open_group(str(self.path), mode="w")
        self.arrays = {
            p.path: [_column(group, f"{i}/{k}", c) for k, c in enumerate(empty(p))]
            for i, p in enumerate(probes)
        }
        self.header = {"start": start, "dt": dt, "probes": [_entry(p) for p in probes]}
        self._commit(start)

    def add(self, drained: Mapping[str, tuple[Any, ...]], stop: int) -> None:
        """Write what was recorded up to the step `stop`, behind what is whole."""
        try:
            for path, columns in drained.items():
                for k, column in enumerate(columns):
                    self._write(path, k, column)
            self._commit(stop)
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written ({error}); make room, then go on from the error's "
                f"state. The recording is whole to t = {self.stop * self.header['dt']:g} ms: "
                f'load_recording("{self.path}").'
            ) from error

    def _write(self, path: str, k: int, column: np.ndarray) -> None:
        array, whole = self.arrays[path][k], self.lengths[path][k]
        array.resize((whole + len(column), *array.shape[1:]))
        if len(column):
            array[whole:] = column

    def _commit(self, stop: int) -> None:
        lengths = {p: [a.shape[0] for a in arrays] for p, arrays in self.arrays.items()}
        fresh = self.path / f"{_PROGRESS}.new"
        fresh.write_text(json.dumps({**self.header, "stop": stop, "lengths": [*lengths.values()]}))
        os.replace(fresh, self.path / _PROGRESS)
        self.stop, self.lengths = stop, lengths

    def recording(self, stop: int) -> Recording:
        """All of it, read when it is asked for."""
        del stop
        return load_recording(self.path)


def load_recording(path: Any) -> Recording:
    """A recording that `simulate(..., to=path)` streamed, also one that still runs or was killed.

    A signal is read when it is asked for: `load_recording("run")["E.V_m"]`.

    Raises:
        StateError: The folder is no such recording, or it is damaged.
    """
    try:
        header = json.loads((Path(path) / _PROGRESS).read_text())
        group = require("zarr", "io").open_group(str(path), mode="r")
        return Recording(_Stored(path, group, header))
    except FileNotFoundError:
        raise StateError(f"{path} is no recording: it has no {_PROGRESS}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path} is no recording, or it is damaged: {error}") from error


class _Stored(Mapping[str, Series | Spikes]):
    """The signals of a recording on disk."""

    def __init__(self, path: Any, group: Any, header: Mapping[str, Any]) -> None:
        self.path, self.group, self.header = path, group, header
        self.probes = [_probe(entry) for entry in header["probes"]]
        self.places = {p.path: i for i, p in enumerate(self.probes)}

    def __getitem__(self, path: str) -> Series | Spikes:
        if path not in self.places:
            raise unknown("recorded signal", path, self.places)
        i, head = self.places[path], self.header
        columns = [self._column(f"{i}/{k}", n) for k, n in enumerate(head["lengths"][i])]
        return recorded(self.probes[i], columns, head["start"], head["stop"], head["dt"])

    def _column(self, name: str, length: int) -> np.ndarray:
        try:
            array = self.group[name]
            missing = -(-length // array.chunks[0]) - array.nchunks_initialized
            column = np.asarray(array[:length])
        except Exception as error:
            raise StateError(f"{self.path} is damaged at {name}: {error}") from error
        if missing > 0 or len(column) < length:
            raise StateError(f"{self.path} is truncated at {name}: of {length} rows some are gone.")
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


def _column(group: Any, name: str, like: np.ndarray) -> Any:
    rows = max(1, _ROWS // max(1, int(np.prod(like.shape[1:]))))
    chunks = (rows, *like.shape[1:])
    # Written also where all is zero, or a file that is missing would read as zeros.
    config = {"write_empty_chunks": True}
    return group.create_array(
        name, shape=like.shape, chunks=chunks, dtype=like.dtype, config=config
    )


def _entry(p: Probe) -> dict[str, Any]:
    return {**asdict(p), "unit": str(p.unit)}


def _probe(entry: Mapping[str, Any]) -> Probe:
    where = None if entry["where"] is None else tuple(entry["where"])
    resolved: dict[str, Any] = {**entry, "unit": named_unit(entry["unit"]), "where": where}
    return Probe(**resolved)
