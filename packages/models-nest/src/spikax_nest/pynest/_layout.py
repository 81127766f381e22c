"""Where the kernel's nodes and synapses stand in a network of core."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import spikax as sx
from spikax_nest._node import NestNode
from spikax_nest._precise import EVENTS
from spikax_nest.pynest._arrays import joined, picked
from spikax_nest.pynest._tables import Table


@dataclass
class Elements:
    """The nodes of a population of core.

    Attributes:
        table: Where their values stand.
        rows: The row of each; a node stands several times where each connection, or each sign of
            its weights, has an element of its own.
        sign: 0, or the sign of the weights that it sends.
        keys: What each is known by when the network is made anew.
        size: Their number in core, with those that do nothing.
        min_delay: The shortest delay of the network in ms.
        events: How many events of a step are kept apart, where a model keeps them apart.
    """

    table: Table
    rows: np.ndarray
    sign: np.ndarray
    keys: np.ndarray
    size: int = 0
    min_delay: float = 0.0
    events: int = EVENTS

    @property
    def n(self) -> int:
        """Their number."""
        return len(self.rows)

    @functools.cached_property
    def first(self) -> np.ndarray:
        """The first element of each node of the table."""
        return np.unique(self.rows, return_index=True)[1]

    @property
    def is_filled(self) -> bool:
        """Whether some do nothing."""
        return self.size > self.n

    @functools.cached_property
    def sample(self) -> NestNode:
        """The dynamics of all nodes of the table: which ports and signals there are."""
        return self.table.component(np.arange(len(self.table))).with_events(self.events)


@dataclass
class Links:
    """Synapses that transmit between populations, or record: one entry per synapse.

    What is the same for all may be one number (`_arrays.repeated`), not to be written to.

    Attributes:
        table: Number of the synapse model.
        row: The row there.
        pre: Table of nodes of the source.
        post: That of the target.
        source: Element of the source.
        target: Row of the target.
        receptor: NEST's receptor type.
        delay: In steps, of a `precise` model not always whole.
        weight: As NEST has it.
    """

    table: np.ndarray
    row: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    source: np.ndarray
    target: np.ndarray
    receptor: np.ndarray
    delay: np.ndarray
    weight: np.ndarray

    def __getitem__(self, which: Any) -> Links:
        return Links(*(picked(values, which) for values in self._all()))

    def __len__(self) -> int:
        return len(self.row)

    def with_own_weights(self) -> Links:
        """The same with a weight for each, also where all are equal."""
        return dataclasses.replace(self, weight=np.array(self.weight))

    def _all(self) -> list[np.ndarray]:
        return [getattr(self, f.name) for f in dataclasses.fields(self)]

    @classmethod
    def joined(cls, parts: Sequence[Links]) -> Links:
        """The synapses of all parts, one part after the other."""
        if not parts:
            return cls(*(np.zeros(0, np.int64) for _ in dataclasses.fields(cls)))
        return cls(*(joined(list(each)) for each in zip(*(p._all() for p in parts), strict=True)))


@dataclass
class Layout:
    """Where the kernel's nodes and synapses stand in the network.

    Attributes:
        network: The description.
        elements: Populations, by built-in model.
        edges: By name of the edge: its synapses in the order given, as (synapse table, row).
        recorded: Synapses that end at a recorder or begin at a meter.
    """

    network: sx.Network
    elements: dict[str, Elements]
    edges: dict[str, Links] = field(default_factory=dict)
    recorded: Links | None = None

    def plastic(self, table: Any) -> list[str]:
        """The edges in which synapses of a model change."""
        by_name = {p.name: p for p in self.network.projections}
        return [
            name
            for name, links in self.edges.items()
            if by_name[name].plasticity is not None and links.table[0] == table.model.number
        ]

    def order(self, name: str) -> np.ndarray:
        """Which synapse of the list stands where in the format of an edge."""
        rule: Any = next(p.connectivity for p in self.network.projections if p.name == name)
        size = self.elements[name.partition("->")[2].partition(":")[0]].size
        return np.argsort(rule.pre * np.int64(size) + rule.post, kind="stable")

    def forget(self, recorded: Collection[str]) -> None:
        """Let go of what only lowering needed of synapses, save where they are recorded."""
        for name in self.edges.keys() - recorded:
            links = self.edges[name]
            kept = {"table": links.table, "row": links.row}
            nothing = {f.name: links.table[:0] for f in dataclasses.fields(Links)}
            self.edges[name] = Links(**nothing | kept)

    def listed(self, name: str, values: Any) -> np.ndarray:
        """Values of the synapses of an edge, given in its format, as they are listed."""
        order = self.order(name)
        found = np.empty(len(order))
        found[order] = np.asarray(values).ravel()
        return found[: len(self.edges[name])]
