"""All nodes of the kernel: which table and row each id stands for, and what NEST shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spikax_nest.pynest._arrays import repeated
from spikax_nest.pynest._catalogue import Catalogue, NodeModel
from spikax_nest.pynest._errors import NESTErrors, unknown_name
from spikax_nest.pynest._tables import Table

ARCHIVE = ("archiver_length", "post_trace", "t_spike", "recordables", "receptor_types")


class Nodes:
    """The nodes by id, from 1 on.

    Attributes:
        tables: By built-in model, in the order of their first nodes.
        table_of: Index of the table, by id - 1.
        row_of: The row there.
        models: Names of the models.
        model_of: Index of the model.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.tables: dict[str, Table] = {}
        self.models: list[str] = []
        self.table_of = np.zeros(0, np.int32)
        self.row_of = np.zeros(0, np.int64)
        self.model_of = np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self.row_of)

    def create(self, model: NodeModel, n: int) -> np.ndarray:
        """Add nodes; their ids."""
        gids = np.arange(len(self) + 1, len(self) + n + 1)
        table = self.tables.setdefault(model.base, Table(model))
        if model.name not in self.models:
            self.models.append(model.name)
        rows = table.append(model, gids)
        place = list(self.tables).index(model.base)
        self.table_of = np.append(self.table_of, np.full(n, place, np.int32))
        self.row_of = np.append(self.row_of, rows)
        number = self.models.index(model.name)
        self.model_of = np.append(self.model_of, np.full(n, number, np.int32))
        return gids

    def names(self) -> np.ndarray:
        """The model of each node."""
        return np.array(self.models, object)[self.model_of] if len(self) else np.zeros(0, object)

    def device_mask(self) -> np.ndarray:
        """Which nodes are no neurons."""
        kinds = [
            t.system is None or t.system.element_type != "neuron" for t in self.tables.values()
        ]
        return np.array(kinds, bool)[self.table_of] if len(self) else np.zeros(0, bool)

    def model(self, gid: int) -> NodeModel:
        """The model of a node."""
        return self.catalogue[self.models[self.model_of[gid - 1]]]

    def table(self, gid: int) -> tuple[Table, int]:
        """Where the values of a node stand."""
        return list(self.tables.values())[self.table_of[gid - 1]], int(self.row_of[gid - 1])

    def places(self, gids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The table and the row of each of many nodes, in narrow integers."""
        low, high = int(gids.min()), int(gids.max())
        tables = self.table_of[low - 1 : high].astype(np.int16)
        rows = self.row_of[low - 1 : high].astype(np.int32)
        if np.any(tables != tables[0]):
            return tables[gids - low], rows[gids - low]
        consecutive = np.all(np.diff(rows) == 1)
        # Of nodes that were created together: one look at the first instead of one at each.
        return repeated(tables[0], len(gids)), (
            gids.astype(np.int32) - np.int32(low - rows[0]) if consecutive else rows[gids - low]
        )

    def check(self, gids: np.ndarray) -> None:
        """Raise if there is no such node."""
        bad = gids[(gids < 1) | (gids > len(self))]
        if bad.size:
            raise NESTErrors.UnknownNode(
                f"Node with id {bad[0]} does not exist; there are nodes 1 to {len(self)}."
            )

    def by_table(self, gids: np.ndarray) -> Iterator[tuple[Table, np.ndarray, np.ndarray]]:
        """The tables of some nodes: table, rows, where these stand among the nodes given."""
        tables = list(self.tables.values())
        places = self.table_of[gids - 1]
        for place in np.unique(places):
            where = np.flatnonzero(places == place)
            yield tables[place], self.row_of[gids[where] - 1], where

    def is_settable(self, table: Table, name: str) -> bool:
        """Whether NEST sets this value of a node."""
        if name == "n_events":
            return table.system is None
        fixed = {"events", *ARCHIVE}
        if table.system is not None:
            fixed |= set(table.system.computed)
        return name not in fixed and name in {*table.columns, *table.aliases, "frozen"}

    def refuse_unknown(self, table: Table, names: Any, function: str) -> None:
        """Raise for names that cannot be set."""
        wrong = [name for name in names if not self.is_settable(table, name)]
        if wrong:
            hint = unknown_name(f"parameter of {table.base}", wrong[0], table.columns)
            raise NESTErrors.UnaccessedDictionaryEntry(
                f"Unaccessed elements in params, in function {function}:  {' '.join(wrong)} "
                f"({hint})"
            )
