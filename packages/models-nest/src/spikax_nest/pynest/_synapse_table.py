"""The synapses of the kernel: a table for each synapse model, a row for each synapse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._synapse_models import SynapseModel

ENDS = ("source", "target", "receptor")


class SynapseTable:
    """The synapses of one model, in the order in which they were made.

    Attributes:
        model: Their model.
        alive: Whether a synapse is still there; `Disconnect` ends it.
        assigned: Rows of what was set since the network was last made, by name.
    """

    def __init__(self, model: SynapseModel) -> None:
        self.model = model
        self._parts: list[dict[str, np.ndarray]] = []
        self.assigned: dict[str, list[np.ndarray]] = {}
        self._columns = {name: np.zeros(0, dtype) for name, dtype in self.types().items()}

    def types(self) -> dict[str, Any]:
        """The columns: what NEST calls delay is kept in steps."""
        found: dict[str, Any] = dict.fromkeys(ENDS, np.int32)
        found |= {"delay": np.int32, "alive": bool}
        if "weight" not in self.model.record.common:
            found["weight"] = np.float64
        if self.model.record.precise:
            found["early"] = np.float64
        if self.model.labelled:
            found["synapse_label"] = np.int64
        return found | {n: np.dtype(self.model.type_of(n)) for n in self.model.per_synapse}

    def __len__(self) -> int:
        return len(self._columns["source"]) + sum(len(p["source"]) for p in self._parts)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """All columns, each in one piece."""
        if self._parts:
            parts, self._parts = [self._columns, *self._parts], []
            self._columns = {
                name: np.concatenate([part[name] for part in parts]) for name in self._columns
            }
        return self._columns

    def append(self, n: int, values: Mapping[str, Any]) -> None:
        """Add synapses: for each column one value, or one for each; else the model's default."""
        part = {}
        for name, dtype in self.types().items():
            default = True if name == "alive" else self.model.defaults.get(name, 0)
            part[name] = np.array(np.broadcast_to(values.get(name, default), n), dtype)
        self._parts.append(part)

    def weights(self, rows: np.ndarray | slice, n: int) -> np.ndarray:
        """Weights of some synapses, `n` of them."""
        if "weight" in self.model.record.common:
            return np.full(n, float(self.model.defaults["weight"]))
        return self.columns["weight"][rows]


class Synapses:
    """All synapses, by model in the order of the models."""

    def __init__(self) -> None:
        self.tables: dict[str, SynapseTable] = {}
        self.delays: tuple[int, int] | None = None

    def table(self, model: SynapseModel) -> SynapseTable:
        """The table of a model."""
        return self.tables.setdefault(model.name, SynapseTable(model))

    def numbered(self, number: int) -> SynapseTable:
        """The table of the model with this number, which stays its own whatever comes later."""
        return next(table for table in self.tables.values() if table.model.number == number)

    def ordered(self) -> list[SynapseTable]:
        """The tables in the order of their models."""
        return sorted(self.tables.values(), key=lambda table: table.model.number)

    def __len__(self) -> int:
        return sum(int(table.columns["alive"].sum()) for table in self.tables.values())

    def note_delays(self, steps: Any) -> None:
        """Note delays: the shortest and longest that there ever were are min_ and max_delay."""
        low, high = int(np.min(steps)), int(np.max(steps))
        before = self.delays or (low, high)
        self.delays = min(low, before[0]), max(high, before[1])
