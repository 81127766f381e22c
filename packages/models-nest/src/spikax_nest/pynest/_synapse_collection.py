"""SynapseCollection: synapses in NEST's order, to read, set and disconnect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikax_nest.pynest import _kernel
from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._coupling import check_names
from spikax_nest.pynest._errors import NESTErrors, unknown_name
from spikax_nest.pynest._order import nests_order
from spikax_nest.pynest._synapse_table import SynapseTable
from spikax_nest.pynest._wiring import shown_receptors

FIXED = ("port", "receptor", "sizeof", "source", "synapse_id", "synapse_model", "target")


class SynapseCollection:
    """Synapses, as `GetConnections` gives them.

    Attributes:
        tables: The tables in which they stand.
        table_of: Of each, the index of its table.
        row_of: The row there.
        port_of: NEST's port.
    """

    def __init__(
        self,
        tables: list[SynapseTable],
        table_of: np.ndarray,
        row_of: np.ndarray,
        port_of: np.ndarray,
    ) -> None:
        for name, value in (
            ("tables", tables),
            ("table_of", table_of),
            ("row_of", row_of),
            ("port_of", port_of),
            ("_home", _kernel.kernel().synapses),
        ):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        # Those of a network that was reset are gone.
        return len(self.row_of) if self._home is _kernel.kernel().synapses else 0  # type: ignore[attr-defined]

    def __iter__(self) -> Iterator[SynapseCollection]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, key: Any) -> SynapseCollection:
        if isinstance(key, (int, np.integer)):
            if not -len(self) <= key < len(self):
                raise IndexError(f"index {key} is out of bounds for {len(self)} synapses")
            key = [key]
        which = np.arange(len(self))[key]
        return SynapseCollection(
            self.tables, self.table_of[which], self.row_of[which], self.port_of[which]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SynapseCollection):
            return NotImplemented
        return self._identity() == other._identity()

    __hash__ = None  # type: ignore[assignment]

    def _identity(self) -> list[tuple[str, int]]:
        names = [table.model.name for table in self.tables]
        return [(names[t], int(r)) for t, r in zip(self.table_of, self.row_of, strict=True)]

    def _column(self, name: str) -> list[Any]:
        found: list[Any] = [None] * len(self)
        for place, table in enumerate(self.tables):
            where = np.flatnonzero(self.table_of == place)
            if where.size and name in keys_of(table):
                some = column(table, self.row_of[where], self.port_of[where], name)
                for k, value in zip(where, some, strict=True):
                    found[k] = value
        return found

    def _keys(self) -> list[str]:
        keys: set[str] = set()
        for place in np.unique(self.table_of):
            keys |= set(keys_of(self.tables[place]))
        return sorted(keys)

    def get(self, keys: Any = None, output: str = "") -> Any:
        """The status: all of it, or what is named; lists for several synapses.

        Args:
            keys: A name, or a list of names.
            output: "pandas" or "json".
        """
        if not len(self):
            return {} if keys is None or not isinstance(keys, str) else ()
        names = self._keys() if keys is None else [keys] if isinstance(keys, str) else list(keys)
        if output not in ("", "pandas", "json"):
            raise ValueError(f"output is {output!r}; choose 'pandas' or 'json'")
        for name in names:
            if name not in self._keys():
                raise KeyError(name)
        columns = {name: self._column(name) for name in names}
        if output == "pandas":
            return _frame(columns, self._column("source"))
        found = {n: c[0] if len(c) == 1 else c for n, c in columns.items()}
        answer = found[keys] if isinstance(keys, str) else found
        if output == "json":
            import json

            return json.dumps(answer, default=lambda v: getattr(v, "tolist", v.__str__)())
        return answer

    def set(self, params: Any = None, **kwargs: Any) -> None:
        """Change weights, delays and parameters: one value for all, or a list of one for each."""
        if kwargs and params is not None:
            raise TypeError("set() takes either params or keyword arguments, not both")
        given = kwargs if params is None else params
        if not len(self):
            return
        if isinstance(given, Mapping):
            values = {n: self._spread(n, v) for n, v in given.items()}
        elif isinstance(given, (list, tuple)):
            if len(given) != len(self):
                raise TypeError(f"there are {len(given)} dicts of status for {len(self)} synapses")
            values = {n: [p.get(n) for p in given] for n in {n: 0 for p in given for n in p}}
        else:
            raise TypeError(f"params is {given!r}; give a dict, or a list of one dict per synapse")
        for place in np.unique(self.table_of):
            where = np.flatnonzero(self.table_of == place)
            _set(self.tables[place], self.row_of[where], where, values)

    def _spread(self, name: str, value: Any) -> list[Any]:
        from spikax_nest.pynest._parameter import Context, Parameter

        if isinstance(value, Parameter):
            context = Context(rng=_kernel.kernel().host_rng(), n=len(self))
            return list(np.asarray(value.values(context)))
        if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
            if len(value) != len(self):
                raise TypeError(f"{name} has {len(value)} values for {len(self)} synapses")
            return list(value)
        return [value] * len(self)

    def disconnect(self) -> None:
        """Remove these synapses."""
        for place in np.unique(self.table_of):
            self.tables[place].columns["alive"][self.row_of[self.table_of == place]] = False
        _kernel.kernel().engine.rewired()

    def sources(self) -> Iterator[int]:
        """Ids of the sources."""
        return iter(self._column("source"))

    def targets(self) -> Iterator[int]:
        """Ids of the targets."""
        return iter(self._column("target"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._keys():
            raise AttributeError(f"SynapseCollection has no attribute {name!r}")
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.set({name: value})

    def __repr__(self) -> str:
        if not len(self):
            return "The synapse collection does not contain any connections."
        return _table(self)

    __str__ = __repr__


def keys_of(table: SynapseTable) -> list[str]:
    """What NEST shows of the synapses of a model."""
    model = table.model
    own = set(model.defaults) - {"receptor_type", *model.record.nested}
    return sorted({*own, *FIXED, "target_thread"})


def column(table: SynapseTable, rows: np.ndarray, ports: np.ndarray, name: str) -> list[Any]:
    """One value of some synapses."""
    kernel = _kernel.kernel()
    if name not in keys_of(table):
        raise KeyError(name)
    kernel.engine.fetch_synapses(table)
    n, c = len(rows), table.columns
    if name == "delay" and not table.model.record.delayed:
        return [table.model.defaults[name]] * n
    if name == "delay":
        early = c["early"][rows] if table.model.record.precise else 0.0
        return (kernel.clock.ms(c["delay"][rows]) - early).tolist()
    if name == "weight":
        return table.weights(rows).tolist()
    if name == "receptor":
        return shown_receptors(kernel, c["target"][rows], c[name][rows]).tolist()
    if name in c:
        return c[name][rows].tolist()
    if name == "optimizer":
        moments = table.model.defaults[name]["optimizer"] == "adam"
        names = table.model.record.nested if moments else ()
        return [{n: float(c[n][row]) for n in names} for row in rows]
    fixed = {
        "port": ports.tolist(),
        "sizeof": [32] * n,
        "synapse_id": [table.model.number] * n,
        "synapse_model": [table.model.name] * n,
        "target_thread": [0] * n,
    }
    return fixed.get(name) or [table.model.defaults[name]] * n


def _set(
    table: SynapseTable, rows: np.ndarray, where: np.ndarray, values: Mapping[str, Any]
) -> None:
    kernel, model = _kernel.kernel(), table.model
    values = _flat(model, values)
    check_names(model, values)
    settable = set(table.types()) - {"source", "target", "receptor", "alive", "early"}
    for name in values:
        if name in model.record.common:
            raise NESTErrors.UnaccessedDictionaryEntry(
                f"{model.name} has one {name!r} for all synapses: set it by SetDefaults."
            )
        if name not in settable:
            raise NESTErrors.UnaccessedDictionaryEntry(
                f"Unaccessed elements in params, in function ConnectionManager::set_status:  "
                f"{name} ({unknown_name(f'parameter of {model.name}', name, settable)})"
            )
    kernel.engine.fetch_synapses(table)
    for name, all_values in values.items():
        given = np.array([all_values[k] is not None for k in where])
        some, rows_set = np.array([all_values[k] for k in where[given]]), rows[given]
        if some.size:
            model.check_type(name, some[0])
        if name == "delay":
            some, early = kernel.clock.split_delay(some, model.record.precise)
            if model.record.precise:
                table.columns["early"][rows_set] = early
            kernel.check_delays(some)
            kernel.synapses.note_delays(some)
        table.columns[name][rows_set] = some
        table.assigned.setdefault(name, []).append(rows_set)
    kernel.engine.rewired()


def _flat(model: Any, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a nested dict as values of their own."""
    if not model.record.nested or "optimizer" not in values:
        return values
    flat, dicts = dict(values), [d or {} for d in values["optimizer"]]
    del flat["optimizer"]
    moments = model.defaults["optimizer"]["optimizer"] == "adam"
    wrong = {n for d in dicts for n in d} - set(model.record.nested if moments else ())
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in params, in function ConnectionManager::set_status:  "
            f"{sorted(wrong)[0]} (a synapse's optimizer has "
            f"{', '.join(model.record.nested) if moments else 'nothing to set'})"
        )
    return flat | {n: [d.get(n) for d in dicts] for n in {n for d in dicts for n in d}}


def _frame(columns: Mapping[str, list[Any]], sources: list[int]) -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("output='pandas' needs pandas: pip install pandas") from None
    return pd.DataFrame(columns, index=pd.Index(sources))


def _table(synapses: SynapseCollection) -> str:
    names = ("source", "target", "synapse_model", "weight", "delay")
    shown = synapses if len(synapses) <= 36 else synapses[np.r_[0:15, -15:0]]
    columns = [shown._column(name) for name in names]
    widths = [8, 8, max(15, *(len(str(m)) for m in columns[2])), 8, 7]
    heads = [n.replace("_", " ") for n in names]
    lines = [
        " ".join(f"{h:^{w}}" for h, w in zip(heads, widths, strict=True)),
        " ".join("-" * w for w in widths),
    ]
    for row in zip(*columns, strict=True):
        cells = [f"{v:#.4g}" if isinstance(v, float) else str(v) for v in row]
        cells = [f"{c:>{w - 1}} " for c, w in zip(cells, widths, strict=True)]
        lines.append(" ".join(cells).rstrip())
    if shown is not synapses:
        lines.insert(17, "...")
    return "\n".join(lines)


def _ids(nodes: Any) -> np.ndarray | None:
    if nodes is None:
        return None
    if not isinstance(nodes, NodeCollection):
        raise TypeError(f"nodes are {nodes!r}; give a NodeCollection")
    return nodes._live()


def GetConnections(
    source: Any = None, target: Any = None, synapse_model: Any = None, synapse_label: Any = None
) -> SynapseCollection:
    """The synapses between nodes, as `nest.GetConnections`: of a model, with a label, or all."""
    kernel = _kernel.kernel()
    sources, targets = _ids(source), _ids(target)
    if synapse_model is not None:
        kernel.synapse_catalogue[synapse_model]
    if synapse_label is not None and not isinstance(synapse_label, (int, np.integer)):
        raise TypeError(f"synapse_label is {synapse_label!r}; it must be an integer")
    tables = [
        t
        for t in kernel.synapses.ordered()
        if synapse_model in (None, t.model.name) and (synapse_label is None or t.model.labelled)
    ]
    return _gathered(kernel, tables, sources, targets, synapse_label)


def _gathered(
    kernel: Any, tables: list[SynapseTable], sources: Any, targets: Any, label: Any
) -> SynapseCollection:
    places, rows, ports = [], [], []
    for place, table in enumerate(tables):
        order, port = nests_order(kernel, table)
        c = table.columns
        kept = np.ones(len(order), bool)
        for name, wanted in (("source", sources), ("target", targets)):
            if wanted is not None:
                kept &= np.isin(c[name][order], wanted)
        if label is not None:
            kept &= c["synapse_label"][order] == label
        places.append(np.full(int(kept.sum()), place))
        rows.append(order[kept])
        ports.append(port[kept])
    empty = np.zeros(0, np.int64)
    return SynapseCollection(
        tables,
        *(np.concatenate([empty, *parts]).astype(np.int64) for parts in (places, rows, ports)),
    )


def since(first: Mapping[str, int]) -> SynapseCollection:
    """The synapses made after the tables had these sizes."""
    tables = _kernel.kernel().synapses.ordered()
    places, rows = [], []
    for place, table in enumerate(tables):
        new = np.arange(first.get(table.model.name, 0), len(table))
        places.append(np.full(len(new), place))
        rows.append(new)
    empty = np.zeros(0, np.int64)
    place, row = (np.concatenate([empty, *p]).astype(np.int64) for p in (places, rows))
    return SynapseCollection(tables, place, row, np.zeros(len(row), np.int64))


def Disconnect(*args: Any, conn_spec: Any = None, syn_spec: Any = None) -> None:
    """Remove synapses: a SynapseCollection, or those between nodes by a rule and a model."""
    if len(args) == 1 and isinstance(args[0], SynapseCollection):
        args[0].disconnect()
        return
    ends: Any = args
    pre, post, more = ends[0], ends[1], ends[2:]
    rule = (more[0] if more else conn_spec) or "one_to_one"
    synapse = (more[1] if len(more) > 1 else syn_spec) or "static_synapse"
    rule = rule if isinstance(rule, str) else rule["rule"]
    model = synapse if isinstance(synapse, str) else synapse["synapse_model"]
    if rule not in ("one_to_one", "all_to_all"):
        raise NESTErrors.BadProperty(
            f"Disconnect by the rule {rule}: use one_to_one or all_to_all."
        )
    if rule == "one_to_one" and len(pre) != len(post):
        raise NESTErrors.DimensionMismatch(
            f"one_to_one disconnects equally many nodes, got {len(pre)} and {len(post)}."
        )
    ends = zip(pre, post, strict=True) if rule == "one_to_one" else [(pre, post)]
    for source, target in ends:
        found = GetConnections(source, target, model)
        if not len(found):
            raise NESTErrors.InexistentConnection(
                f"there is no {model} from {source!r} to {target!r}."
            )
        found.disconnect()
