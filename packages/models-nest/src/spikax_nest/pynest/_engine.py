"""The network that runs: made when it is needed, kept as long as nothing is rewired."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import spikax as sx
from spikax.errors import NumericsError, SpikaxError
from spikax.units import ms
from spikax_nest._precise import EVENTS
from spikax_nest.pynest._carry import carried
from spikax_nest.pynest._coupling import couples, without_coupling
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._layout import Layout
from spikax_nest.pynest._lower import component, lower
from spikax_nest.pynest._numbering import begun, fetch_count, foresee
from spikax_nest.pynest._tables import Table


class Engine:
    """What runs, and how it stands to the kernel's tables.

    Attributes:
        layout: Where nodes and synapses stand in the network; None before the first run.
        model: The built network.
        state: Its state.
        delivered: Its state when spikes were last delivered: what a synapse shows is as of then.
        events: How many events of a step models of precise spikes keep apart; grows as needed.
    """

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.layout: Layout | None = None
        self.model: Any = None
        self.state: Any = None
        self.stale: set[str] = set()
        self.changed_tables: set[str] = set()
        self.is_wired = False
        self.stale_synapses: set[str] = set()
        self.delivered: Any = None
        self.last: dict[str, np.ndarray] = {}
        self.events = EVENTS

    def fetch(self, table: Table) -> None:
        """Bring the variables of some nodes into their table."""
        if table.base not in self.stale or self.layout is None:
            return
        self.stale.discard(table.base)
        elements = self.layout.elements[table.base]
        state = self.state.nodes[table.base]
        first = np.flatnonzero(elements.sign >= 0)
        for name, cell in table.variables.items():
            part, cells = name.rpartition(".")[0], getattr(state, cell)
            values = _stacked(cells[part] if part else cells)[..., : elements.n][..., first]
            rows = elements.rows[first]
            if table.is_vector(name):
                for k, row in enumerate(rows):
                    size = len(table.columns[name][row])
                    table.columns[name][row] = np.array(values[:size, k], np.float64)
            else:
                table.columns[name][rows] = values.astype(table.columns[name].dtype)

    def present(self, table: Table, row: int, values: dict[str, Any]) -> dict[str, Any]:
        """The present values of cells that NEST shows and does not let set."""
        if self.layout is None or table.base not in self.layout.elements:
            return {}
        elements = self.layout.elements[table.base]
        places = np.flatnonzero(elements.rows == row)
        cells = {
            n: c
            for n in values
            if (c := getattr(self.state.nodes[table.base], n, None)) is not None
        }
        if not places.size:
            return {}
        found = {n: _stacked(c)[..., places[0]] for n, c in cells.items()}
        return {n: c if c.ndim else type(values[n])(c) for n, c in found.items()}

    def fetch_synapses(self, table: Any) -> None:
        """Bring what changed of some synapses into their table."""
        rule = table.model.record.load()
        if rule is None or self.layout is None or table.model.name not in self.stale_synapses:
            return
        self.stale_synapses.discard(table.model.name)
        for name in self.layout.plastic(table):
            links, state = self.layout.edges[name], self.delivered.edges[name]
            for shown, values in shown_values(rule, state).items():
                table.columns[shown][links.row] = self.layout.listed(name, values)
        if table.model.record.numbered:
            fetch_count(self, table)

    def changed(self, table: Table, names: Any) -> None:
        """Some values of a table are others now."""
        if table.system is None:
            return
        self.changed_tables.add(table.base)
        if not {"spike_weights", "precise_times", *table.system.shapes}.isdisjoint(names):
            self.rewired()

    def rewired(self) -> None:
        """Nodes or synapses came or went."""
        self.is_wired = False

    def local_id(self, gid: int) -> int:
        """NEST's thread_local_id: -1 before anything was connected or run."""
        return -1 if self.layout is None else gid - 1

    def last_spike(self, gid: int) -> float:
        """NEST's t_spike."""
        table, row = self.kernel.nodes.table(gid)
        times = self.last.get(table.base)
        return -1.0 if times is None or row >= len(times) else float(times[row])

    def _precision(self) -> AbstractContextManager[Any]:
        return jax.enable_x64(self.kernel.settings["precision"] == "float64")

    def prepare(self) -> None:
        """Make what runs agree with the tables."""
        with self._precision():
            if not self.is_wired or not self._refresh():
                self._rewire()
        self.changed_tables.clear()

    def network(self) -> tuple[Any, Any]:
        """The network of the nodes and synapses alone, and its present state."""
        self.prepare()
        with self._precision():
            return self._lowered(filled=False)[1:]

    def _rewire(self) -> None:
        for synapses in self.kernel.synapses.tables.values():
            self.fetch_synapses(synapses)
        self.layout, self.model, self.state = self._lowered(filled=True)
        self.is_wired, self.delivered = True, None
        self.stale_synapses = set()
        if self.layout is None:
            return
        for synapses in self.kernel.synapses.tables.values():
            synapses.assigned.clear()
        self.kernel.recordings.wire(self.layout)
        self.layout.forget(self.kernel.recordings.weights.edges)

    def _lowered(self, *, filled: bool) -> tuple[Layout | None, Any, Any]:
        """What the tables describe, built, in the state in which the present network is."""
        for table in self.kernel.nodes.tables.values():
            self.fetch(table)
        layout = lower(self.kernel, filled=filled, events=self.events)
        if layout is None:
            return None, None, None
        try:
            resolution = self.kernel.clock.resolution * ms
            model = layout.network.build(dt=resolution, seed=self.kernel.seed_words)
        except SpikaxError as error:
            raise NESTErrors.BadProperty(str(error)) from error
        old = (self.layout, self.state)
        state = carried(old, layout, model.init_state(), self.kernel)
        return layout, model, begun(layout, model, state)

    def _refresh(self) -> bool:
        """Other values of the same nodes: nothing is compiled. False where lists became longer."""
        if not self.changed_tables:
            return True
        assert self.layout is not None
        nodes, states = dict(self.model.nodes), dict(self.state.nodes)
        for base in sorted(self.changed_tables & nodes.keys()):
            elements = self.layout.elements[base]
            made = component(elements, self.kernel.settings)
            nodes[base] = jax.tree.map(lambda v: jnp.asarray(np.asarray(v, np.float64)), made)
            fresh = nodes[base].init_state(elements.size, key=0, dt=self.model.dt)
            if jax.tree.structure(fresh) != jax.tree.structure(states[base]):
                return False
            cells = {cell: getattr(fresh, cell) for cell in elements.table.variables.values()}
            states[base] = states[base].replace(**cells)
        self.model = self.model.replace(nodes=nodes)
        self.state = self.state.replace(nodes=states)
        return True

    def advance(self, n: int) -> None:
        """Run n steps; what was recorded before an error is kept."""
        try:
            self._advance(n)
        finally:
            self.kernel.recordings.keep()

    def _advance(self, n: int) -> None:
        clock, end = self.kernel.clock, self.kernel.clock.step + n
        if self.layout is None:
            clock.step = end
            return
        if clock.step == 0 and couples(self.kernel) and not self.kernel.settings["use_wfr"]:
            model = self.model
            with self._precision():
                self.model = without_coupling(self.kernel, model, self.layout)
            self._run(1)
            self.model = model
        delivered = self._after_delivery(end)
        stops = sorted({delivered, end})
        with self._precision():
            foresee(self, np.diff([clock.step, *(s for s in stops if s > clock.step)]).tolist())
        for stop in stops:
            if clock.step < stop:
                self._run(stop - clock.step)
            if clock.step == delivered:
                self.delivered = self.state
                self.stale_synapses = set(self.kernel.synapses.tables)

    def _after_delivery(self, end: int) -> int:
        """The step after the last delivery up to `end`, where it matters: synapses change then.

        The spikes of a slice, its last step included, are delivered at the start of the next: here
        in its first step.
        """
        if not any(table.model.record.changes for table in self.kernel.synapses.tables.values()):
            return -1
        slice_steps = self.kernel.delay_extrema()[0]
        return (-(-end // slice_steps) - 1) * slice_steps + 1

    def _run(self, n: int) -> None:
        assert self.layout is not None
        record = self.kernel.recordings.requests(self.layout, n)
        duration = self.kernel.clock.ms(n) * ms
        shown = True if self.kernel.settings["print_time"] else None  # else on a terminal alone
        try:
            with self._precision():
                self.state, recording = sx.simulate(
                    self.model, self.state, duration, record=record, progress=shown
                )
        except NumericsError as error:
            if self._grown(error.state):
                return self._run(n)
            self.state = error.state
            raise NESTErrors.NumericalInstability(str(error)) from error
        self.stale = set(self.layout.elements)
        self._decay_calcium(self.kernel.clock.ms(n))
        self.kernel.recordings.add(self.layout, recording, n)
        self.kernel.clock.step += n

    def _grown(self, failed: Any) -> bool:
        """Make room for more events of a step, if a run had too little: it begins anew."""
        found = [leaf.value for leaf in sx.leaves(failed) if leaf.path.endswith(".overflow")]
        needed = max((int(np.max(v, initial=0)) for v in found), default=0)
        if needed <= self.events:
            return False
        self.events = 1 << (needed - 1).bit_length()
        with self._precision():
            self.layout, self.model, self.state = self._lowered(filled=True)
        if self.layout is not None:
            self.kernel.recordings.wire(self.layout)
        return True

    def _decay_calcium(self, ms: float) -> None:
        for table in self.kernel.nodes.tables.values():
            if "Ca" in table.columns:
                table.columns["Ca"] = table.columns["Ca"] * np.exp(-ms / table.columns["tau_Ca"])

    def spiked(self, base: str, rows: np.ndarray, times: np.ndarray, end: int) -> None:
        """Note when nodes spiked (ms): NEST's t_spike, and Ca, which rises by beta_Ca."""
        columns = self.kernel.nodes.tables[base].columns
        left = np.exp(-(self.kernel.clock.ms(end) - times) / columns["tau_Ca"][rows])
        np.add.at(columns["Ca"], rows, columns["beta_Ca"][rows] * left)
        size = len(self.kernel.nodes.tables[base])
        last = np.full(size, -1.0)
        before = self.last.get(base, last)
        last[: len(before)] = before
        np.maximum.at(last, rows, times)
        self.last[base] = last


def _stacked(cell: Any) -> np.ndarray:
    """A cell as one array: those by number as its rows."""
    if isinstance(cell, dict):
        return np.stack([np.asarray(cell[str(k + 1)]) for k in range(len(cell))])
    return np.asarray(cell)


def shown_values(rule: Any, state: Any) -> dict[str, Any]:
    """The present values of synapses that NEST shows, by its names."""
    values = {"weight": state.weight, **state.variables}
    found = {name: values[variable] for name, variable in rule.shown.items()}
    if "weight" not in found and rule.sends == "weight":
        found["weight"] = state.weight
    return found | {n: v for n, v in state.variables.items() if n in rule.declared}
