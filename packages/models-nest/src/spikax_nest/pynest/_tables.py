"""The values of all nodes: a table for each built-in model, a row for each node."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from spikax.errors import SpikaxError
from spikax_nest._node import NestNode
from spikax_nest.pynest._catalogue import NodeModel, field_names, field_of, parts_of, shown
from spikax_nest.pynest._clock import Clock
from spikax_nest.pynest._detectors import DETECTORS
from spikax_nest.pynest._detectors import check as check_detector
from spikax_nest.pynest._errors import NESTErrors

Rows = np.ndarray
LARGE = 1e30
"""In place of infinity, which NEST takes for thresholds that are never reached."""


class Table:
    """The nodes of one built-in model and its copies.

    Attributes:
        base: Name of the built-in model.
        system: Its dynamics; None for recorders.
        columns: By NEST's name of the value: one entry per node.
        gids: Ids of the nodes.
    """

    def __init__(self, model: NodeModel) -> None:
        self.base, self.system = model.base, model.system
        self.columns = {k: _empty(v) for k, v in model.defaults.items()}
        self.gids = np.zeros(0, np.int64)
        self.fields = {} if self.system is None else field_names(self.system)
        self.parts = {} if self.system is None else parts_of(self.system)

    def __len__(self) -> int:
        return len(self.gids)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Second names of values."""
        return {} if self.system is None else self.system.aliases

    @property
    def variables(self) -> dict[str, str]:
        """NEST's names of the values that change in a run, and the cells that hold them."""
        if self.system is None:
            return {}
        cells = self.system.State.cells
        names = {spec.init: cell for cell, spec in cells.items() if isinstance(spec.init, str)}
        found = {name: names.get(f.rpartition(".")[2]) for name, f in self.fields.items()}
        return {name: cell for name, cell in found.items() if cell is not None}

    def append(self, model: NodeModel, gids: np.ndarray) -> Rows:
        """Add nodes with the defaults of their model; their rows."""
        first = len(self)
        self.gids = np.concatenate([self.gids, gids])
        for name, column in self.columns.items():
            self.columns[name] = np.concatenate([column, _full(column, len(gids), model, name)])
        return np.arange(first, len(self))

    def is_vector(self, name: str) -> bool:
        """Whether a node has a list of values under this name."""
        if self.system is None:
            counts = self.base in DETECTORS and name == "n_events"
            return counts or name in ("record_from", "senders", "targets")
        return name in self.fields and field_of(self.system, self.fields[name]).free

    def is_shown(self, name: str) -> bool:
        """Whether NEST shows a column of this name."""
        return name in self.columns and (self.system is None or name not in self.system.unshown)

    def get(self, row: int, name: str) -> Any:
        """A value as NEST shows it."""
        value = self.columns[name][row]
        if isinstance(value, np.floating):
            return shown(self.system, name, value)
        if isinstance(value, np.ndarray):
            return value.copy()
        if name == "record_from":
            return list(value)
        return value.item() if isinstance(value, np.generic) else value

    def flat(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values in dicts of parts as values of their own, "part.name"."""
        found: dict[str, Any] = {}
        for name, value in values.items():
            if name in self.parts and not isinstance(value, Mapping):
                raise NESTErrors.TypeMismatch(
                    f"Expected datatype: Failed to cast '{name}' from {type(value).__name__} to "
                    "type Dictionary"
                )
            inner = {f"{name}.{n}": v for n, v in value.items()} if name in self.parts else None
            found |= {name: value} if inner is None else inner
        return found

    def nested(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of parts in a dict of each, as NEST shows them."""
        found: dict[str, Any] = {part: {} for part in self.parts}
        for name, value in sorted(values.items()):
            part, _, inner = name.partition(".")
            into, key = (found[part], inner) if part in self.parts else (found, name)
            into[key] = value
        return found

    def set(self, rows: Rows, values: Mapping[str, Any], clock: Clock) -> None:
        """Put one value for each row into columns, all or none."""
        before = dict(self.columns)
        try:
            for name, value in self.named(values).items():
                self.columns[name] = before[name].copy()
                self._put(rows, name, value)
            self._settle(rows, self.named(values), clock)
            self.validate(rows, clock)
        except BaseException:
            self.columns |= before
            raise

    def named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by the first names of what they belong to."""
        return {self.aliases.get(name, name): value for name, value in values.items()}

    def _settle(self, rows: Rows, given: Collection[str], clock: Clock) -> None:
        """Round what NEST rounds."""
        if self.system is None or self.system.settled == NestNode.settled:
            return
        for row in rows:
            one = {name: column[row] for name, column in self.columns.items()}
            try:
                kept = self.system.settled(one, given, clock.resolution, clock.time)
            except SpikaxError as error:
                raise NESTErrors.BadProperty(str(error)) from None
            for name, value in kept.items():
                self.columns[name] = self.columns[name].copy()
                self.columns[name][row] = value

    def _put(self, rows: Rows, name: str, value: Any) -> None:
        column = self.columns[name]
        if self.system is not None and name in self.system.divisors:
            value = [_number(name, v, column.dtype) / self.system.divisors[name] for v in value]
        if column.dtype == object:
            for row, entry in zip(rows, value, strict=True):
                column[row] = self._entry(name, entry)
        else:
            column[rows] = [_number(name, v, column.dtype) for v in value]

    def _entry(self, name: str, value: Any) -> Any:
        if self.system is not None and self.is_vector(name):
            return np.atleast_1d(np.asarray(value, np.float64))
        return tuple(value) if self.is_vector(name) else value

    def validate(self, rows: Rows, clock: Clock) -> None:
        """Raise what NEST would of the values of some nodes, with the steps of a clock."""
        if self.base in DETECTORS:
            for row in rows:
                check_detector(self.base, {n: c[row] for n, c in self.columns.items()}, clock)
        if self.system is None:
            return
        try:
            self.component(rows).check(clock.resolution)
        except SpikaxError as error:
            gid = int(self.gids[rows[0]]) if len(rows) else 0
            raise NESTErrors.BadProperty(
                f"Setting status of a '{self.base}' with node ID {gid}: {error}"
            ) from None

    def component(
        self,
        rows: Rows,
        *,
        sign: np.ndarray | None = None,
        bucket: bool = False,
        share: bool = False,
        told: Mapping[str, Any] | None = None,
    ) -> NestNode:
        """The dynamics of some nodes, each parameter an array with one entry per node.

        Args:
            rows: Which.
            sign: Of each: 1 or -1 keeps the spike weights of this sign alone.
            bucket: Make lists of values as long as a power of two.
            share: One number for a parameter that is the same in all nodes.
            told: What the network tells of the fields that NEST does not have, where there are any.
        """
        assert self.system is not None
        values: dict[str, Any] = {}
        for name, f in self.fields.items():
            unit = field_of(self.system, f).unit
            value = self.column(name, rows, bucket)
            if name == "spike_weights" and sign is not None and sign.any():
                value = np.where(sign == 0, value, np.maximum(sign * value, 0.0))
            if share and value.ndim == 1 and np.all(value == value[0]):
                value = value[0]
            values[f] = value if str(unit) == "1" else value * unit
        for name, part in self.parts.items():
            values[name] = part(**{f: values.pop(f"{name}.{f}") for f in part.declared})
        declared: Any = self.system.declared
        values |= {f: v for f, v in (told or {}).items() if f in declared}
        return self.system(**values)

    def column(self, name: str, rows: Rows, bucket: bool = False) -> np.ndarray:
        """Values of some nodes; lists of values stand side by side, (longest, nodes)."""
        column = self.columns[name][rows]
        assert self.system is not None
        if name in self.system.choices:
            return _places(name, column, self.system.choices[name])
        if not self.is_vector(name):
            values = column.astype(np.float64)
            field = field_of(self.system, self.fields[name])
            return np.clip(values, -LARGE, LARGE) if field.finite else values
        pad = self.system.pads.get(self.fields[name], 0.0)
        longest = max(map(len, column), default=0)
        if bucket and longest:
            longest = 1 << (longest - 1).bit_length()
        table = np.full((longest, len(rows)), pad)
        for k, values in enumerate(column):
            table[: len(values), k] = values
        return table


def _places(name: str, words: np.ndarray, choices: tuple[str, ...]) -> np.ndarray:
    """Where each word stands among the choices."""
    for word in words:
        if word not in choices:
            raise NESTErrors.BadProperty(
                f"{name} is {word!r}; it must be one of {', '.join(map(repr, choices))}."
            )
    return np.array([choices.index(word) for word in words], np.float64)


def _empty(value: Any) -> np.ndarray:
    if isinstance(value, bool):
        return np.zeros(0, bool)
    if isinstance(value, int):
        return np.zeros(0, np.int64)
    return np.zeros(0, np.float64 if isinstance(value, float) else object)


def _full(column: np.ndarray, n: int, model: NodeModel, name: str) -> np.ndarray:
    filled = np.empty(n, column.dtype)
    value = model.defaults[name]
    if column.dtype == object:
        filled[:] = [value] * n
    else:
        filled[:] = value
    return filled


def _number(name: str, value: Any, dtype: np.dtype) -> Any:
    if not isinstance(value, (bool, int, float, np.generic, np.ndarray)):
        raise NESTErrors.TypeMismatch(
            f"Expected datatype: Failed to cast '{name}' from {type(value).__name__} to type "
            f"{'double' if dtype == np.float64 else dtype.name}."
        )
    if dtype == np.int64 and not float(value).is_integer():
        raise NESTErrors.TypeMismatch(
            f"Expected datatype: Failed to cast '{name}' from double to type long."
        )
    return value
