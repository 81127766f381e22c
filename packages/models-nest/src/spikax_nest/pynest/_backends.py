"""Where recorders put their events: into memory, into files, or onto the screen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._tables import Table

NAMES = ("ascii", "memory", "screen")


def write(kernel: Any, table: Table, row: int, events: Mapping[str, np.ndarray]) -> None:
    """Write events to their file, or onto the screen."""
    if not len(events["steps"]):
        return
    backend = table.columns["record_to"][row]
    text = "\n".join(_lines(kernel, table, row, events))
    if backend == "screen":
        print(text)  # noqa: T201 (asked for)
    else:
        with path(kernel, table, row).open("a") as file:
            file.write(text + "\n")
    kernel.written[int(table.gids[row])] = kernel.written.get(int(table.gids[row]), 0) + len(
        events["steps"]
    )


def _lines(kernel: Any, table: Table, row: int, events: Mapping[str, np.ndarray]) -> list[str]:
    in_steps = bool(table.columns["time_in_steps"][row])
    digits = int(table.columns["precision"][row])
    names = [n for n in events if n not in ("senders", "steps", "offsets")]
    times = events["steps"] if in_steps else kernel.clock.ms(events["steps"])
    lines = []
    for k, (sender, time) in enumerate(zip(events["senders"], times, strict=True)):
        parts = [str(sender), f"{time}" if in_steps else f"{time:.{digits}f}"]
        parts += [f"{0:.{digits}f}"] if in_steps else []
        lines.append("\t".join([*parts, *(f"{events[n][k]:.{digits}f}" for n in names)]))
    return lines


def path(kernel: Any, table: Table, row: int) -> Path:
    """The file of a recorder."""
    gid = int(table.gids[row])
    label = table.columns["label"][row] or kernel.nodes.model(gid).name
    name = f"{kernel.settings['data_prefix']}{label}-{gid}-0.{table.columns['file_extension'][row]}"
    return Path(kernel.settings["data_path"] or ".") / name


def open_files(kernel: Any, tables: Mapping[str, Table]) -> None:
    """Begin the files of all recorders that write some.

    Raises:
        NESTErrors.IOError: A file is there, and overwrite_files is False.
    """
    for table in (t for t in tables.values() if "record_to" in t.columns):
        for row in range(len(table)):
            if table.columns["record_to"][row] != "ascii" or int(table.gids[row]) in kernel.opened:
                continue
            file = path(kernel, table, row)
            if file.exists() and not kernel.settings["overwrite_files"]:
                raise NESTErrors.IOError(
                    f"the file {file} is there already; set nest.overwrite_files = True, or "
                    "another data_path, data_prefix or label."
                )
            _begin(kernel, table, row, file)


def _begin(kernel: Any, table: Table, row: int, file: Path) -> None:
    kernel.opened.add(int(table.gids[row]))
    in_steps = bool(table.columns["time_in_steps"][row])
    names = table.columns.get("record_from", [()] * (row + 1))[row]
    heads = ["sender", *(("time_step", "time_offset") if in_steps else ("time_ms",)), *names]
    header = f"# NEST version: 3.10.0\n# RecordingBackendASCII version: 2\n{chr(9).join(heads)}\n"
    try:
        file.write_text(header)
    except OSError as error:
        raise NESTErrors.IOError(f"{file} cannot be written: {error}") from error


def status(kernel: Any, table: Table, row: int) -> dict[str, Any]:
    """What a recorder says of events that are not in memory."""
    gid = int(table.gids[row])
    found: dict[str, Any] = {"n_events": kernel.written.get(gid, 0)}
    if table.columns["record_to"][row] == "ascii":
        found["filenames"] = (str(path(kernel, table, row)),)
    return found
