"""What recorders have seen: which signals a run is to record, and the events that came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import spikax as sx
from spikax.units import in_unit, ms
from spikax_nest.pynest import _backends
from spikax_nest.pynest._detectors import DETECTORS, empty
from spikax_nest.pynest._detectors import status as detected
from spikax_nest.pynest._errors import NESTErrors, unknown_name
from spikax_nest.pynest._layout import Layout
from spikax_nest.pynest._lower import SIZES
from spikax_nest.pynest._spins import transitions
from spikax_nest.pynest._tables import Table
from spikax_nest.pynest._weight_recording import WeightRecording, connections_of

WINDOWED = ("start", "stop", "origin")


def check_grid(clock: Any, model: str, values: Mapping[str, Any]) -> None:
    """Raise for times of a device that are no whole steps."""
    for name, times in values.items():
        for time in times:
            if float(time) < 1e300 and float(clock.tics(time)) % clock.tics_per_step:
                raise NESTErrors.BadProperty(
                    f"{name} of a {model} is {time:g} ms; it must be a multiple of the simulation "
                    f"resolution, {clock.resolution:g} ms."
                )


@dataclass
class Wire:
    """The nodes of one population that a recorder sees, one entry per connection.

    Attributes:
        recorder: Id of the recorder.
        base: The population.
        elements: Their indices in it.
        gids: Their ids.
        receptors: At which the connections end.
        weights: Of the connections.
    """

    recorder: int
    base: str
    elements: np.ndarray
    gids: np.ndarray
    receptors: np.ndarray
    weights: np.ndarray


@dataclass
class Events:
    """What one recorder has seen, in pieces."""

    parts: list[dict[str, np.ndarray]] = field(default_factory=list)

    def column(self, name: str) -> np.ndarray:
        """All pieces end to end."""
        return np.concatenate([p[name] for p in self.parts]) if self.parts else np.zeros(0)


def _doubles(values: Any) -> np.ndarray:
    return np.asarray(values, np.float64)


class Recordings:
    """The recorders of the kernel.

    Attributes:
        spike_wires: What spike recorders see.
        meter_wires: What multimeters and voltmeters see.
        spikes: The number of spikes of neurons since the counter was reset.
        waiting: By recorder, what the pieces of a run recorded that is not done.
        begun: When a meter with an offset first ran with a node, in steps, by their ids.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.events: dict[int, Events] = {}
        self.spike_wires: list[Wire] = []
        self.meter_wires: list[Wire] = []
        self.spikes = 0
        self.waiting: dict[int, list[dict[str, np.ndarray]]] = {}
        self.begun: dict[tuple[int, int], int] = {}
        self.weights = WeightRecording(kernel)

    def wire(self, layout: Layout) -> None:
        """Note who records whom."""
        self.spike_wires, self.meter_wires = [], []
        self.weights.wire(layout)
        links, nodes = layout.recorded, self.kernel.nodes
        if links is None or not len(links):
            return
        tables = list(nodes.tables.values())
        for place, table in enumerate(tables):
            if table.system is None:
                self._wire_ends(layout, tables, links[links.post == place], place, True)
                self._wire_ends(layout, tables, links[links.pre == place], place, False)

    def _wire_ends(self, layout: Layout, tables: Any, links: Any, place: int, spikes: bool) -> None:
        """The connections of one kind of recorder, by recorder and population."""
        recorder, seen = (links.target, links.source) if spikes else (links.source, links.target)
        other = links.pre if spikes else links.post
        for at in np.unique(other):
            elements = layout.elements[tables[at].base]
            for row in np.unique(recorder[other == at]):
                some = (other == at) & (recorder == row)
                which = seen[some] if spikes else elements.first[seen[some]]
                gids = elements.table.gids[elements.rows[which]]
                ends = which, gids, links.receptor[some], links.weight[some]
                wire = Wire(int(tables[place].gids[row]), tables[at].base, *ends)
                (self.spike_wires if spikes else self.meter_wires).append(wire)

    def requests(self, layout: Layout, n: int) -> dict[str, Any]:
        """What a run is to record."""
        found: dict[str, list[Any]] = self.weights.requests()
        for base, elements in layout.elements.items():
            system = type(elements.sample)
            seen = any(wire.base == base for wire in self.spike_wires)
            if seen or (system.element_type == "neuron" and "spike" in elements.sample.signals):
                found[base] = ["spike"]
                each = elements.sample.timed.get("spike")
                found[base] += [sx.at_spikes(each, "offset")] if each else []
            meters = [wire for wire in self.meter_wires if wire.base == base]
            names = sorted({name for wire in meters for name in self._from(wire.recorder)})
            if names:
                found.setdefault(base, []).append(self._sampled(elements.size, meters, names))
        return found

    def _sampled(self, size: int, meters: list[Wire], names: list[str]) -> Any:
        if size <= SIZES[-1]:  # everything in every step: other recorders then compile nothing
            return sx.every(None, *names)
        where = np.unique(np.concatenate([wire.elements for wire in meters]))
        interval = math.gcd(*(k for wire in meters for k in self._rhythm(wire.recorder)))
        return sx.every(self.kernel.clock.ms(interval) * ms, *names, where=where.tolist())

    def _row(self, gid: int) -> tuple[Table, int]:
        return self.kernel.nodes.table(gid)

    def _from(self, gid: int) -> tuple[str, ...]:
        table, row = self._row(gid)
        return table.columns["record_from"][row]

    def _rhythm(self, gid: int) -> tuple[int, int]:
        """Interval and offset of a meter in steps."""
        table, row = self._row(gid)
        return tuple(
            round(
                float(self.kernel.clock.tics(table.columns[n][row]))
                / self.kernel.clock.tics_per_step
            )
            for n in ("interval", "offset")
        )  # type: ignore[return-value]

    def _within(self, gid: int, steps: np.ndarray) -> np.ndarray:
        """Which times the recorder is active at: after its start, up to its stop."""
        table, row = self._row(gid)
        clock, columns = self.kernel.clock, table.columns
        start, stop, origin = (columns[n][row] for n in ("start", "stop", "origin"))
        tics = steps * clock.tics_per_step
        low = clock.tics(start + origin)
        high = clock.tics(stop + origin) if stop < 1e300 else np.inf
        return (tics > low) & (tics <= high)

    def add(self, layout: Layout, recording: Any, n: int) -> None:
        """Take what n steps of a run recorded."""
        new = self.waiting
        spikes: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for base, elements in layout.elements.items():
            if f"{base}.spike" in recording:
                events = recording[f"{base}.spike"]
                steps, ids = np.asarray(events.steps), np.asarray(events.ids)
                there = ids < elements.n
                spikes[base] = steps[there], ids[there]
                offsets = self._offsets(elements, recording, steps, ids)[there]
                self._spikes(elements, *spikes[base], offsets, new, n)
        for wire in self.meter_wires:
            names = self._from(wire.recorder)
            if names:
                piece = self._samples(layout, recording, wire, names, n)
                new.setdefault(wire.recorder, []).append(piece)
        for recorder, piece in self.weights.events(layout, recording, spikes, n):
            new.setdefault(recorder, []).append(piece)

    def keep(self) -> None:
        """Hand what the pieces of a run recorded to the recorders."""
        waiting, self.waiting = self.waiting, {}
        for gid, pieces in waiting.items():
            self._keep(gid, pieces)

    def _spikes(
        self,
        elements: Any,
        steps: np.ndarray,
        ids: np.ndarray,
        offsets: np.ndarray,
        new: Any,
        n: int,
    ) -> None:
        base = elements.table.base
        if elements.sample.element_type == "neuron":
            self.spikes += len(ids)
        if elements.sample.archives:
            end = self.kernel.clock.step + n
            times = self.kernel.clock.ms(steps) - offsets * elements.sample.archives_late
            self.kernel.engine.spiked(base, elements.rows[ids], times, end)
        for wire in self.spike_wires:
            if wire.base != base:
                continue
            kept, which = connections_of(wire.elements, ids)
            piece = {"senders": wire.gids[which], "steps": steps[kept], "offsets": offsets[kept]}
            recorder = self._row(wire.recorder)[0].base
            if recorder in DETECTORS:
                piece |= {"receptors": wire.receptors[which], "weights": wire.weights[which]}
            if recorder == "spin_detector":
                piece = transitions(piece, "senders")
            new.setdefault(wire.recorder, []).append(piece)

    def _offsets(
        self, elements: Any, recording: Any, steps: np.ndarray, ids: np.ndarray
    ) -> np.ndarray:
        """How long before the end of its step each spike is (ms)."""
        each = elements.sample.timed.get("spike")
        if not each or not len(steps):
            return np.zeros(len(steps))
        names = (f"{elements.table.base}.{signal}.at_spikes" for signal in (each, "offset"))
        number, offset = (np.asarray(recording[n].values).reshape(len(steps), -1) for n in names)
        # Of the spikes of a neuron in a step, which stand next to each other, the k-th one.
        new = np.diff(steps, prepend=-1).astype(bool) | np.diff(ids, prepend=-1).astype(bool)
        places = np.arange(len(steps))
        k = places - np.maximum.accumulate(np.where(new, places, 0))
        return offset[places, np.argmax(np.cumsum(number, axis=1) > k[:, None], axis=1)]

    def _samples(
        self, layout: Layout, recording: Any, wire: Wire, names: tuple[str, ...], n: int
    ) -> dict[str, np.ndarray]:
        size = layout.elements[wire.base].size
        first = self.kernel.clock.step
        if size <= SIZES[-1]:
            steps, columns = first + 1 + np.arange(n), wire.elements
        else:
            series = recording[f"{wire.base}.{names[0]}"]
            k = series.interval
            steps = k * (first // k + 1 + np.arange(len(series.values)))
            columns = np.searchsorted(np.asarray(series.where), wire.elements)
        interval, offset = self._rhythm(wire.recorder)
        rows = np.flatnonzero(((steps - offset) % interval == 0) & (steps >= max(offset, 1)))
        grid = np.ix_(rows, columns)
        units = layout.elements[wire.base].sample.signals
        found = {
            n: in_unit(_doubles(recording[f"{wire.base}.{n}"].values)[grid].ravel(), units[n])
            for n in names
        }
        senders = np.broadcast_to(wire.gids, (len(rows), len(wire.gids)))
        columns = {"senders": senders.ravel(), "steps": np.repeat(steps[rows], len(wire.gids))}
        if offset:  # of the first step of all NEST then takes no sample
            begun = [self.begun.setdefault((wire.recorder, g), first) for g in wire.gids.tolist()]
            late = columns["steps"] > np.broadcast_to(begun, senders.shape).ravel() + 1
            return {name: column[late] for name, column in (columns | found).items()}
        return columns | found

    def _keep(self, gid: int, pieces: list[dict[str, np.ndarray]]) -> None:
        """Store events in NEST's order: slice by slice, node by node, in time."""
        columns = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
        steps, senders = columns["steps"], columns["senders"]
        inside = self._within(gid, steps)
        slices = (steps - 1) // self.kernel.delay_extrema()[0]
        order = np.lexsort((steps, senders, slices))
        order = order[inside[order]]
        if order.size:
            kept = {name: column[order] for name, column in columns.items()}
            self.events.setdefault(gid, Events()).parts.append(kept)

    def flush(self) -> None:
        """Write what is not kept in memory, as far as it is visible."""
        for gid, events in list(self.events.items()):
            table, row = self._row(gid)
            if self._in_memory(table, row):
                continue
            visible = self._visible(table, events.column("steps"))
            columns = {name: events.column(name) for name in events.parts[0]}
            _backends.write(self.kernel, table, row, {n: c[visible] for n, c in columns.items()})
            self.events[gid] = Events([{n: c[~visible] for n, c in columns.items()}])

    def status(self, gid: int) -> dict[str, Any]:
        """The events of a recorder, as NEST shows them."""
        table, row = self._row(gid)
        if table.base in DETECTORS:
            return self._detected(gid, table, row)
        if not self._in_memory(table, row):
            return _backends.status(self.kernel, table, row)
        events = self.events.get(gid, Events())
        visible = self._visible(table, events.column("steps"))
        steps = events.column("steps")[visible]
        found: dict[str, Any] = {"senders": events.column("senders")[visible]}
        spiked = bool(events.parts) and "offsets" in events.parts[0]
        offsets = events.column("offsets")[visible] if spiked else np.zeros(len(steps))
        if table.columns["time_in_steps"][row]:
            found |= {"times": steps, "offsets": offsets}
        else:
            found["times"] = self.kernel.clock.ms(steps) - offsets
        names = table.columns.get("record_from", [()] * (row + 1))[row]
        if table.base == "weight_recorder":
            names = ("ports", "receptors", "targets", "weights")
        if table.base == "spin_detector":
            names = ("state",)
        for name in names:
            found[name] = events.column(name)[visible]
        return {"events": dict(sorted(found.items())), "n_events": len(steps)}

    def _in_memory(self, table: Table, row: int) -> bool:
        return "record_to" not in table.columns or table.columns["record_to"][row] == "memory"

    def _detected(self, gid: int, table: Table, row: int) -> dict[str, Any]:
        """What a detector counted."""
        values = {name: column[row] for name, column in table.columns.items()}
        if not self.kernel.has_run:
            return dict(empty(table.base, values))
        events = self.events.get(gid, Events())
        visible = self._visible(table, events.column("steps"))
        names = ("steps", "receptors", "weights")
        seen = {name: events.column(name)[visible] for name in names}
        return dict(detected(table.base, values, seen, self.kernel.clock))

    def _visible(self, table: Table, steps: np.ndarray) -> np.ndarray:
        """What meters sampled, and what synapses transmitted, comes a slice later."""
        if table.base in ("spike_recorder", "spin_detector"):
            return np.ones(len(steps), bool)
        slice_steps = self.kernel.delay_extrema()[0]
        whole = -(-self.kernel.clock.step // slice_steps) - 1
        return steps <= whole * slice_steps

    def clear(self, gid: int) -> None:
        """Forget the events of a recorder."""
        self.events.pop(gid, None)
        self.kernel.written.pop(gid, None)

    def check(self, table: Table, rows: np.ndarray, values: Mapping[str, Any]) -> None:
        """Raise for what a recorder cannot be set to; `n_events = 0` clears it."""
        for value in values.get("record_to", ()):
            if value not in _backends.NAMES:
                raise NESTErrors.BadProperty(
                    unknown_name("recording backend", value, _backends.NAMES)
                )
        wired = {wire.recorder for wire in self.meter_wires}
        connected = self.kernel.connected_sources() | wired
        if self.kernel.has_run and "time_in_steps" in values:
            raise NESTErrors.BadProperty(
                f"time_in_steps of a {table.base} cannot change once time has passed; set it "
                "before the first Simulate()."
            )
        fixed = {"record_from", "interval", "offset"} & values.keys()
        if fixed and connected & set(table.gids[rows].tolist()):
            raise NESTErrors.BadProperty(
                f"{sorted(fixed)[0]} of a {table.base} cannot change once it is connected; "
                "set it before Connect."
            )
        self._check_times(table, values)

    def _check_times(self, table: Table, values: Mapping[str, Any]) -> None:
        clock = self.kernel.clock
        check_grid(clock, table.base, {n: values[n] for n in WINDOWED if n in values})
        for name in ("interval", "offset"):
            for value in values.get(name, ()):
                lowest = clock.resolution if name == "interval" else 0.0
                if float(value) < lowest:
                    raise NESTErrors.BadProperty(
                        f"The {name} of a {table.base} is {value:g} ms; it must be at least "
                        f"{lowest:g} ms."
                    )
                if float(clock.tics(value)) % clock.tics_per_step:
                    raise NESTErrors.BadProperty(
                        f"The {name} of a {table.base} must be a multiple of the simulation "
                        f"resolution, {clock.resolution:g} ms; it is {value:g} ms."
                    )
