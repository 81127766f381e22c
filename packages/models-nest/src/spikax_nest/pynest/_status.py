"""Read and write what NEST calls the status of nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spikax_nest.pynest import _kernel
from spikax_nest.pynest._detectors import DETECTORS, empty
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._parameter import Parameter
from spikax_nest.pynest._tables import Table

if TYPE_CHECKING:
    from spikax_nest.pynest._collection import NodeCollection


UNSUPPORTED = ("frozen", "ignore_and_spike")
Groups = dict[tuple[int, ...], dict[str, list[Any]]]
"""Values by name, one for each of some rows, by these rows."""


def get_nodes(nodes: NodeCollection, params: tuple[Any, ...]) -> Any:
    """What `NodeCollection.get` answers."""
    gids = nodes._live()
    if not params:
        if not gids.size:
            return {}
        found = [status(int(gid)) for gid in gids]
        names = sorted(set().union(*found))
        return {name: _one_or_all([s.get(name) for s in found]) for name in names}
    names = params[0]
    if len(params) > 1:
        return _nested(gids, params)
    if isinstance(names, str):
        return _one_or_all(values(gids, names))
    if not isinstance(names, Iterable):
        raise TypeError(f"params is {names!r}; give a name or a list of names")
    return {name: _one_or_all(values(gids, name)) for name in names}


def _nested(gids: np.ndarray, params: tuple[Any, ...]) -> Any:
    # As in NEST, what stands between the first level and the last name is not looked at.
    first, last = params[0], params[-1]
    found: list[Any] = [_entry(status(int(gid)), first) for gid in gids]
    if isinstance(last, str):
        return _one_or_all([_entry(entry, last) for entry in found])
    return {name: _one_or_all([_entry(entry, name) for entry in found]) for name in last}


def _entry(entry: Any, name: Any) -> Any:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no name of a level of the status")
    return entry[name]


def _one_or_all(found: list[Any]) -> Any:
    return found[0] if len(found) == 1 else tuple(found)


def values(gids: np.ndarray, name: str) -> list[Any]:
    """A value of some nodes."""
    kernel = _kernel.kernel()
    found: list[Any] = [None] * len(gids)
    for table, rows, where in kernel.nodes.by_table(gids):
        if table.is_shown(name) and not table.is_vector(name):
            kernel.engine.fetch(table)
            some = [table.get(row, name) for row in rows]
        else:
            some = [status(int(gids[k])).get(name) for k in where]
        for k, value in zip(where, some, strict=True):
            found[k] = value
    if gids.size and all(value is None for value in found):
        status(int(gids[0]))[name]  # raises
    return found


def _uses_wfr(kernel: Any, system: Any) -> bool:
    return system is not None and system.uses_wfr and bool(kernel.settings["use_wfr"])


def status(gid: int) -> dict[str, Any]:
    """All that NEST shows of a node, by name in alphabetical order."""
    kernel = _kernel.kernel()
    table, row = kernel.nodes.table(gid)
    kernel.engine.fetch(table)
    model = kernel.nodes.model(gid)
    found = table.nested({name: table.get(row, name) for name in shown_columns(table, row)})
    found |= {
        "element_type": model.element_type,
        "frozen": False,
        "global_id": gid,
        "local": True,
        "model": model.name,
        "model_id": model.number,
        "node_uses_wfr": _uses_wfr(kernel, table.system),
        "thread": 0,
        "thread_local_id": kernel.engine.local_id(gid),
        "vp": gid % kernel.threads if model.element_type == "neuron" else 0,
    }
    return dict(sorted((found | _more(table, row, gid, found)).items()))


def shown_columns(table: Table, row: int) -> list[str]:
    """The columns that NEST shows of a node."""
    hidden = () if table.system is None else table.system.unshown
    if "record_to" in table.columns:
        backend = table.columns["record_to"][row]
        hidden = ("senders", "targets")
        hidden += {"memory": ("file_extension", "precision"), "screen": ("file_extension",)}.get(
            backend, ()
        )
    return [name for name in table.columns if name not in hidden]


def _more(table: Table, row: int, gid: int, found: Mapping[str, Any]) -> dict[str, Any]:
    kernel = _kernel.kernel()
    if table.system is None:
        return kernel.recordings.status(gid)
    more: dict[str, Any] = {}
    if table.system.archives:
        more |= {"t_spike": kernel.engine.last_spike(gid), "archiver_length": 0, "post_trace": 0.0}
    component: Any = table.component(np.array([row]))
    recordables = recordables_of(component)
    if recordables:
        more["recordables"] = recordables
    if component.receptor_types:
        more["receptor_types"] = dict(component.receptor_types)
    computed = {name: f(found) for name, f in table.system.computed.items()}
    more |= {name: found[value] for name, value in table.aliases.items()}
    return more | computed | kernel.engine.present(table, row, computed)


def recordables_of(component: Any) -> list[str]:
    """What a multimeter can record of a node, in NEST's order."""
    return sorted(component.recordables)


def set_nodes(nodes: NodeCollection, params: Any) -> None:
    """What `NodeCollection.set` does."""
    if not nodes.ids.size:
        return
    gids = nodes._live()
    table, _ = _kernel.kernel().nodes.table(int(gids[0]))
    if isinstance(params, Mapping):
        given = _spread(nodes, table.flat(params))
    elif isinstance(params, (list, tuple)):
        given = _listed([table.flat(p) if isinstance(p, Mapping) else p for p in params], len(gids))
    else:
        raise TypeError(f"params is {params!r}; give a dict, or a list of one dict per node")
    put(gids, given)


def _listed(params: Sequence[Any], n: int) -> list[tuple[str, np.ndarray, list[Any]]]:
    if len(params) != n:
        raise TypeError(f"there are {len(params)} dicts of status for {n} nodes")
    if not all(isinstance(p, Mapping) for p in params):
        raise TypeError("each entry of a list of status must be a dict")
    names = dict.fromkeys(name for p in params for name in p)
    return [
        (
            name,
            np.array([k for k, p in enumerate(params) if name in p]),
            [p[name] for p in params if name in p],
        )
        for name in names
    ]


def _spread(nodes: NodeCollection, params: Mapping[str, Any]) -> list[tuple[str, Any, list[Any]]]:
    everyone = np.arange(len(nodes))
    return [(name, everyone, per_node(nodes, name, value)) for name, value in params.items()]


def per_node(nodes: NodeCollection, name: str, value: Any) -> list[Any]:
    """A value given for several nodes, as one for each."""
    n = len(nodes)
    if isinstance(value, Parameter):
        return list(_kernel.kernel().draw(value, nodes))
    table, _ = _kernel.kernel().nodes.table(int(nodes.ids[0]))
    is_list = isinstance(value, (Sequence, np.ndarray, range)) and not isinstance(value, str)
    whole = table.is_vector(name) or _is_record(name)
    whole = whole or not _kernel.kernel().nodes.is_settable(table, name)  # is refused later
    if not is_list or np.ndim(value) == 0 or whole:
        return [value] * n
    if len(value) < n:  # of a longer one NEST takes the first
        raise IndexError(f"{name} is a list of {len(value)} values for {n} nodes")
    return list(value)[:n]


def _is_record(name: str) -> bool:
    return name in ("record_from", "synaptic_elements")


def put(gids: np.ndarray, given: Iterable[tuple[str, np.ndarray, list[Any]]]) -> None:
    """Check and store values: (name, which of the nodes, one value for each of these)."""
    kernel = _kernel.kernel()
    columns = [(name, np.asarray(which), values) for name, which, values in given]
    for table, rows, where in kernel.nodes.by_table(gids):
        names = [name for name, which, _ in columns if np.isin(which, where).any()]
        kernel.nodes.refuse_unknown(table, names, "NodeManager::set_status")
        kernel.engine.fetch(table)
        _put_into(table, rows, where, columns)


def _put_into(table: Table, rows: np.ndarray, where: np.ndarray, columns: list[Any]) -> None:
    kernel = _kernel.kernel()
    row_at = dict(zip(where.tolist(), rows.tolist(), strict=True))
    by_rows: Groups = {}
    for name, which, values in columns:
        mine = [k for k, at in enumerate(which.tolist()) if at in row_at]
        if name in UNSUPPORTED and any(values[k] for k in mine):
            raise NESTErrors.NotImplemented(f"{name} of a {table.base} cannot be switched on yet.")
        if mine and table.system is not None and name in table.system.model_only:
            raise NESTErrors.BadProperty(
                f"Setting status of a '{table.base}' with node ID {table.gids[rows[0]]}: The "
                f"{name} property can only be set as a model default using SetDefaults or upon "
                "CopyModel."
            )
        if name == "n_events":
            _clear(table, [row_at[int(which[k])] for k in mine], [values[k] for k in mine])
        elif mine and name != "frozen":
            key = tuple(row_at[int(which[k])] for k in mine)
            by_rows.setdefault(key, {})[name] = [values[k] for k in mine]
    for key, some in _whole(by_rows).items():
        if table.system is None:
            kernel.recordings.check(table, np.array(key), some)
        table.set(np.array(key), some, kernel.clock)
        kernel.engine.changed(table, some)


def _whole(by_rows: Groups) -> Groups:
    """The same in groups of rows that get the same names: NEST checks all of a node at once."""
    if len(by_rows) < 2:
        return by_rows
    of_row: dict[int, dict[str, Any]] = {}
    for key, some in by_rows.items():
        for name, values in some.items():
            for row, value in zip(key, values, strict=True):
                of_row.setdefault(row, {})[name] = value
    alike: dict[tuple[str, ...], list[int]] = {}
    for row, some in of_row.items():
        alike.setdefault(tuple(some), []).append(row)
    return {
        tuple(rows): {name: [of_row[row][name] for row in rows] for name in names}
        for names, rows in alike.items()
    }


def _clear(table: Table, rows: list[int], counts: list[Any]) -> None:
    if any(np.any(count) for count in counts):
        raise NESTErrors.BadProperty(
            f"n_events of a {table.base} can only be set to 0, which forgets its events."
        )
    for row in rows:
        _kernel.kernel().recordings.clear(int(table.gids[row]))


def pieces(ids: np.ndarray) -> list[tuple[str, int, int, int, int]]:
    """Runs of nodes of one model: (model, size, first, last, step)."""
    nodes = _kernel.kernel().nodes
    models = nodes.model_of[ids - 1]
    found: list[tuple[str, int, int, int, int]] = []
    start = 0
    for k in range(1, len(ids) + 1):
        if k < len(ids) and models[k] == models[start] and _regular(ids[start : k + 1]):
            continue
        piece = ids[start:k]
        step = int(piece[1] - piece[0]) if len(piece) > 1 else 1
        name = nodes.models[models[start]]
        found.append((name, len(piece), int(piece[0]), int(piece[-1]), step))
        start = k
    return found


def _regular(ids: np.ndarray) -> bool:
    return len(ids) < 3 or bool(ids[-1] - ids[-2] == ids[1] - ids[0])


def default_status(name: str) -> dict[str, Any]:
    """What `GetDefaults` answers for a model of nodes."""
    kernel = _kernel.kernel()
    model = kernel.catalogue[name]
    table = Table(model)
    table.append(model, np.zeros(1, np.int64))
    found = table.nested({key: table.get(0, key) for key in shown_columns(table, 0)})
    if model.base in DETECTORS:
        found |= empty(model.base, found)
    elif model.system is None:
        found |= {"events": {"senders": np.zeros(0), "times": np.zeros(0)}, "n_events": 0}
    else:
        component: Any = table.component(np.zeros(1, np.int64))
        if model.system.archives:
            found |= {"t_spike": -1.0, "archiver_length": 0, "post_trace": 0.0}
        if recordables_of(component):
            found["recordables"] = recordables_of(component)
        if component.receptor_types:
            found["receptor_types"] = dict(component.receptor_types)
        found |= {key: f(found) for key, f in model.system.computed.items()}
        found |= {name: found[value] for name, value in table.aliases.items()}
    count = np.array([int(np.sum(kernel.nodes.names() == name))])
    return dict(
        sorted(
            (
                found
                | {
                    "available": np.zeros(1, np.int64),
                    "capacity": count,
                    "element_type": model.element_type,
                    "elementsize": 0,
                    "frozen": False,
                    "global_id": 0,
                    "instantiations": count,
                    "local": True,
                    "model": name,
                    "model_id": model.number,
                    "node_uses_wfr": _uses_wfr(kernel, model.system),
                    "thread": -1,
                    "thread_local_id": -1,
                    "type_id": model.base,
                    "vp": -1,
                }
            ).items()
        )
    )
