"""What weight recorders see: the weight that each synapse transmits with each spike."""

from __future__ import annotations

from typing import Any

import numpy as np

import spikax as sx
from spikax_nest.pynest._arrays import distinct
from spikax_nest.pynest._coupling import slice_steps
from spikax_nest.pynest._layout import Layout, Links
from spikax_nest.pynest._order import nests_order
from spikax_nest.pynest._wiring import shown_receptors

Events = dict[str, np.ndarray]


class WeightRecording:
    """The synapses whose models name a weight recorder.

    Attributes:
        wires: (edge, number of the synapse model, recorder, its rule, None if static).
        told: (edge, number of the synapse model, recorder) of synapses without delay.
        pending: By population, the elements that spiked at the end of the last run: their synapses
            transmit in the next.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.wires: list[tuple[str, int, int, Any]] = []
        self.told: list[tuple[str, int, int]] = []
        self.pending: dict[str, np.ndarray] = {}

    def wire(self, layout: Layout) -> None:
        """Note which edges are recorded."""
        self.wires, self.told = [], []
        static = {p.name for p in layout.network.projections if p.plasticity is None}
        for name, links in layout.edges.items():
            for number in distinct(links.table):
                model = self.kernel.synapses.numbered(number).model
                nodes, rule = model.nodes["weight_recorder"], model.record.load()
                if nodes is None or not len(nodes):
                    continue
                wire = name, int(number), int(nodes.ids[0])
                if model.record.couples:
                    self._note_told(wire)
                # What a relay passes on stands beside the synapses that change.
                elif rule is None or name not in static:
                    self.wires.append((*wire, rule))

    def _note_told(self, wire: tuple[str, int, int]) -> None:
        """Synapses with several weights, or that transmit several signals, are recorded once."""
        ends = {(name.partition(":")[0], number) for name, number, _ in self.told}
        if (wire[0].partition(":")[0], wire[1]) not in ends:
            self.told.append(wire)

    @property
    def edges(self) -> set[str]:
        """The edges that are recorded."""
        return {name for name, *_ in (*self.wires, *self.told)}

    def requests(self) -> dict[str, list[Any]]:
        """What a run is to record for them: spikes of the sources, what changing synapses send."""
        found: dict[str, list[Any]] = {}
        for name, _, _, rule in self.wires:
            found[name.partition("->")[0]] = ["spike"]
            if rule is not None:
                found[name] = [sx.every(None, rule.sends)]
        return found

    def events(
        self, layout: Layout, recording: Any, spikes: Any, n: int
    ) -> list[tuple[int, Events]]:
        """The events of a run by recorder; `spikes` has steps and elements by population."""
        start = self.kernel.clock.step
        found = []
        for name, number, recorder, rule in self.wires:
            steps, ids = self._sent(name.partition("->")[0], spikes, start, n)
            mine = np.flatnonzero(layout.edges[name].table == number)
            links = layout.edges[name][mine]
            row, which = connections_of(links.source, ids)
            weights = _weights(layout, recording, name, rule, steps[row] - start, mine[which])
            if rule is not None and rule.drops:
                row, which, weights = (v[weights != 0] for v in (row, which, weights))
            columns = self._columns(number, links, steps[row], which, weights)
            found.append((recorder, self._filtered(recorder, columns)))
        for name, number, recorder in self.told:
            mine = np.flatnonzero(layout.edges[name].table == number)
            links, steps = layout.edges[name][mine], self._tellings(start, n)
            which = np.tile(np.arange(len(links)), len(steps))
            at = np.repeat(steps, len(links))
            columns = self._columns(number, links, at, which, links.weight[which])
            found.append((recorder, self._filtered(recorder, columns)))
        self.pending = {base: ids[steps == start + n] for base, (steps, ids) in spikes.items()}
        return found

    def _tellings(self, start: int, n: int) -> np.ndarray:
        """The steps of a run in which nodes tell those that they are coupled to what they did."""
        if not self.kernel.settings["use_wfr"]:  # then of the step before
            return np.arange(max(start, 1), start + n)
        steps = np.arange(start, start + n)
        return steps[steps % slice_steps(self.kernel) == 0] + 1

    def _sent(self, base: str, spikes: Any, start: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The spikes that synapses transmit in a run: those of its end wait for the next."""
        steps, ids = spikes[base]
        early = steps < start + n
        before = self.pending.get(base, np.zeros(0, np.int64))
        all_steps = np.concatenate([np.full(len(before), start), steps[early]])
        return all_steps, np.concatenate([before, ids[early]])

    def _columns(
        self, number: int, links: Links, steps: np.ndarray, which: np.ndarray, weights: np.ndarray
    ) -> Events:
        table = self.kernel.synapses.numbered(number)
        rows = links.row[which]
        order, ports = nests_order(self.kernel, table)
        port_of = np.zeros(len(table), np.int64)
        port_of[order] = ports
        return {
            "senders": table.columns["source"][rows].astype(np.int64),
            "steps": steps,
            "targets": table.columns["target"][rows].astype(np.int64),
            "receptors": shown_receptors(
                self.kernel, table.columns["target"][rows], table.columns["receptor"][rows]
            ),
            "ports": port_of[rows],
            "weights": weights,
        }

    def _filtered(self, recorder: int, columns: Events) -> Events:
        table, row = self.kernel.nodes.table(recorder)
        kept = np.ones(len(columns["steps"]), bool)
        for name in ("senders", "targets"):
            wanted = table.columns[name][row]
            if len(wanted):
                kept &= np.isin(columns[name], np.asarray(wanted))
        return {name: column[kept] for name, column in columns.items()}


def connections_of(source: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each spike all connections of its source: index of the spike, of the connection."""
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], ids, side="left")
    count = np.searchsorted(source[order], ids, side="right") - first
    row = np.repeat(np.arange(len(ids)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, order[first[row] + within]


def _weights(
    layout: Layout, recording: Any, name: str, rule: Any, row: np.ndarray, which: np.ndarray
) -> np.ndarray:
    if rule is None:
        return layout.edges[name].weight[which]
    place = np.argsort(layout.order(name))
    return np.asarray(recording[f"{name}.{rule.sends}"].values, np.float64)[row, place[which]]
