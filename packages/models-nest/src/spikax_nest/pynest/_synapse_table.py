"""The synapses of the kernel: a table for each synapse model, a row for each synapse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._arrays import joined, repeated
from spikax_nest.pynest._synapse_models import SynapseModel

ENDS = ("source", "target", "receptor")


class SynapseTable:
    """The synapses of one model, in the order in which they were made.

    They stand in blocks as Connect made them, in which a column can be one number for all; who
    writes to a column gets all in one piece.

    Attributes:
        model: Their model.
        assigned: Rows of what was set since the network was last made, by name.
    """

    def __init__(self, model: SynapseModel) -> None:
        self.model = model
        self.assigned: dict[str, list[np.ndarray]] = {}
        self._blocks: list[dict[str, np.ndarray]] = []
        self._is_written = False

    def types(self) -> dict[str, Any]:
        """The columns: what NEST calls delay is kept in steps; `Disconnect` ends `alive`."""
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
        return sum(len(block["source"]) for block in self._blocks)

    @property
    def n_alive(self) -> int:
        """How many are still there."""
        return sum(int(np.count_nonzero(block["alive"])) for block in self._blocks)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """All columns, each in one piece, to be written to."""
        if not self._is_written:
            whole = {
                name: np.concatenate([np.zeros(0, dtype), *(b[name] for b in self._blocks)])
                for name, dtype in self.types().items()
            }
            self._blocks, self._is_written = [whole], True
        return self._blocks[0]

    def column(self, name: str) -> np.ndarray:
        """A column, to be read: it can be one number for all."""
        return joined([block[name] for block in self._blocks])

    def blocks(self) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
        """The columns of each block, to be read, and its first row."""
        first = 0
        for block in self._blocks:
            yield first, block
            first += len(block["source"])

    def append(self, n: int, values: Mapping[str, Any]) -> None:
        """Add synapses: for each column one value, or one for each; else the model's default."""
        defaults = {**self.model.defaults, "alive": True}
        block = {}
        for name, dtype in self.types().items():
            value = values.get(name, defaults.get(name, 0))
            block[name] = np.array(value, dtype) if np.ndim(value) else repeated(value, n, dtype)
        self._blocks.append(block)
        self._is_written = False

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """Weights of some synapses."""
        if "weight" in self.model.record.common:
            return np.full(len(rows), float(self.model.defaults["weight"]))
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
        return sum(table.n_alive for table in self.tables.values())

    def note_delays(self, steps: Any) -> None:
        """Note delays: the shortest and longest that there ever were are min_ and max_delay."""
        low, high = int(np.min(steps)), int(np.max(steps))
        before = self.delays or (low, high)
        self.delays = min(low, before[0]), max(high, before[1])
