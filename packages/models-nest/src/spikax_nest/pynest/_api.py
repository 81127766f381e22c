"""The functions of PyNEST that create nodes, run the network and look at it."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikax.errors import ConfigError
from spikax_nest.pynest import _kernel, _settings, _status
from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._coupling import check_names
from spikax_nest.pynest._errors import NESTErrors, unknown_name
from spikax_nest.pynest._parameter import Parameter
from spikax_nest.pynest._synapse_collection import SynapseCollection


def ResetKernel() -> None:
    """Remove all nodes, synapses and copied models; set everything back to its default."""
    _kernel.reset()


def Create(model: str, n: Any = 1, params: Any = None, positions: Any = None) -> NodeCollection:
    """Create nodes.

    Args:
        model: Name of the model.
        n: How many; with positions as many as these are. A dict here is `params` of one node.
        params: A dict of values (one for all, or a list of one for each), or a list of dicts.
        positions: `nest.spatial.grid(...)` or `nest.spatial.free(...)`.

    Raises:
        NESTErrors.UnknownModelName: There is no such model.
        NESTErrors.UnaccessedDictionaryEntry: It has no such parameter.
        NESTErrors.BadProperty: A value is out of range.
    """
    kernel = _kernel.kernel()
    if isinstance(n, Mapping):
        n, params = 1, n
    if isinstance(params, tuple):
        params = list(params)
    if params is not None and not isinstance(params, (Mapping, list)):
        raise TypeError("params must be a dict, or a list of dicts")
    if positions is not None:
        return _create_layer(kernel, model, n, params, positions)
    if n != int(n) or n < 1:
        raise NESTErrors.RangeCheck(f"n is {n}; at least one node is created at a time.")
    nodes = NodeCollection.of(kernel.create(model, int(n)))
    _set_new(nodes, params)
    return nodes


def _set_new(nodes: NodeCollection, params: Any) -> None:
    if params is not None and params != {}:  # an empty list is one of the wrong length
        nodes.set(params)


def _create_layer(kernel: Any, model: str, n: int, params: Any, positions: Any) -> NodeCollection:
    if not hasattr(positions, "layer"):
        raise TypeError("positions must be either nest.spatial.grid(...) or nest.spatial.free(...)")
    layer = positions.layer(kernel.host_rng(), n)
    gids = kernel.create(model, len(layer.positions))
    nodes = NodeCollection.of(gids, layer, np.arange(len(gids)))
    _set_new(nodes, params)
    return nodes


def CopyModel(existing: str, new: str, params: Mapping[str, Any] | None = None) -> None:
    """Give a model a second name, with other defaults."""
    kernel = _kernel.kernel()
    if existing in kernel.synapse_catalogue.models and len(kernel.synapse_catalogue.models) >= 511:
        raise NESTErrors.KernelException("Synapse model count exceeded: there can be 511 of them.")
    for catalogue in (kernel.catalogue, kernel.synapse_catalogue):
        if new in catalogue.models:
            raise NESTErrors.NewModelNameExists(
                f"Model {new} is the name of an existing model and cannot be re-used."
            )
    if existing in kernel.catalogue.models:
        kernel.catalogue.copy(existing, new)
    elif existing in kernel.synapse_catalogue.models:
        kernel.synapse_catalogue.copy(existing, new)
    else:
        known = [*kernel.catalogue.models, *kernel.synapse_catalogue.models]
        raise NESTErrors.UnknownModelName(unknown_name("model name", existing, known))
    if params:
        try:
            SetDefaults(new, params)
        except Exception:
            for catalogue in (kernel.catalogue, kernel.synapse_catalogue):
                catalogue.models.pop(new, None)
            raise


def SetDefaults(model: str, params: Any, val: Any = None) -> None:
    """Change what a model's nodes or synapses are created with."""
    kernel = _kernel.kernel()
    given = dict(params) if isinstance(params, Mapping) else {params: val}
    if model in kernel.catalogue.models:
        _node_defaults(kernel, model, given)
    elif model in kernel.synapse_catalogue.models:
        _synapse_defaults(kernel, model, given)
    else:
        known = [*kernel.catalogue.models, *kernel.synapse_catalogue.models]
        raise NESTErrors.UnknownComponent(unknown_name("component", model, known))


def _node_defaults(kernel: Any, name: str, given: Mapping[str, Any]) -> None:
    from spikax_nest.pynest._tables import Table

    model = kernel.catalogue[name]
    table = Table(model)
    table.append(model, np.zeros(1, np.int64))
    given = table.flat(given)
    kernel.nodes.refuse_unknown(table, given, "SetDefaults")
    for n, v in given.items():
        if isinstance(v, Parameter) or (isinstance(v, list) and not table.is_vector(n)):
            raise ValueError(f"{n} is {v!r}; a default is one value, not many and not a Parameter")
    one = {n: [v] for n, v in given.items()}
    if table.system is None:
        kernel.recordings.check(table, np.zeros(0, np.int64), one)
    table.set(np.zeros(1, np.int64), one, kernel.clock)
    model.defaults |= {n: column[0] for n, column in table.columns.items()}
    for n in table.columns:
        if isinstance(model.defaults[n], np.generic):
            model.defaults[n] = model.defaults[n].item()


def _synapse_defaults(kernel: Any, name: str, given: Mapping[str, Any]) -> None:
    model = kernel.synapse_catalogue[name]
    known = set(model.defaults) - set(model.record.nested)
    wrong = sorted(set(given) - known - set(model.nodes))
    if wrong:
        hint = unknown_name(f"parameter of {name}", wrong[0], model.defaults)
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in params, in function SetDefaults:  {' '.join(wrong)} ({hint})"
        )
    check_names(model, given)
    for key, value in given.items():
        if key in model.nodes:
            model.nodes[key] = _named(kernel, key, value)
        elif isinstance(model.defaults[key], Mapping) and isinstance(value, Mapping):
            given = {**given, key: _optimizer(kernel, model, value)}
        else:
            model.check_type(key, np.asarray(value))
    if "delay" in given:
        steps, _ = kernel.clock.split_delay(given["delay"], model.record.precise)
        kernel.check_delays(steps)
    plain = {k: v for k, v in given.items() if k not in model.nodes}
    _put_defaults(kernel, model, {k: _as(model.defaults[k], v) for k, v in plain.items()})
    kernel.engine.rewired()


def _as(default: Any, value: Any) -> Any:
    """A value in the type of the default."""
    if isinstance(default, np.ndarray):
        return np.array(value, default.dtype)
    return type(default)(value)


def _put_defaults(kernel: Any, model: Any, values: dict[str, Any]) -> None:
    rule, table = model.record.load(), kernel.synapses.tables.get(model.name)
    if table is not None:
        kernel.engine.fetch_synapses(table)
    try:
        made = values if rule is None else rule.with_values(model.defaults, values)
    except ConfigError as error:
        raise NESTErrors.BadProperty(str(error)) from None
    if table is not None:
        table.assigned |= {n: table.assigned.get(n, []) for n in values if n in model.record.common}
    model.defaults |= made


def _optimizer(kernel: Any, model: Any, value: Mapping[str, Any]) -> dict[str, Any]:
    """The optimiser of a synapse model, with some values set."""
    from spikax_nest.synapses._eprop import ADAM, DESCENT

    before = model.defaults["optimizer"]
    kind = value.get("type", before["optimizer"])
    if kind not in ("adam", "gradient_descent"):
        raise NESTErrors.BadProperty(
            f"The optimizer is {kind!r}; choose 'gradient_descent' or 'adam'."
        )
    if kind != before["optimizer"] and model.name in kernel.synapses.tables:
        raise NESTErrors.BadProperty(
            f"The optimizer of {model.name} cannot become {kind} once there are synapses of it."
        )
    known = {**DESCENT, **(ADAM if kind == "adam" else {}), "optimizer": kind}
    made = {n: before.get(n, v) for n, v in known.items()} | {"optimizer": kind}
    wrong = sorted(set(value) - set(known) - {"type"})
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            "Unaccessed elements in params, in function SetDefaults:  "
            f"{' '.join(wrong)} ({unknown_name('parameter of ' + kind, wrong[0], known)})"
        )
    return made | {n: type(known[n])(v) for n, v in value.items() if n != "type"}


def _named(kernel: Any, name: str, nodes: Any) -> Any:
    """Nodes that a synapse model names; a volume transmitter is one of that model."""
    if name != "weight_recorder":
        ids = nodes.tolist() if isinstance(nodes, NodeCollection) else []
        if len(ids) != 1 or kernel.nodes.table(ids[0])[0].base != name:
            raise NESTErrors.BadProperty(f"{name} must be one node of the model {name}.")
    return nodes


def GetDefaults(model: str, keys: Any = None, output: str = "") -> Any:
    """The defaults of a model: all of them, or what is named."""
    kernel = _kernel.kernel()
    if model in kernel.catalogue.models:
        found = _status.default_status(model)
    elif model in kernel.synapse_catalogue.models:
        found = _synapse_status(kernel, kernel.synapse_catalogue[model])
    else:
        known = [*kernel.catalogue.models, *kernel.synapse_catalogue.models]
        raise NESTErrors.UnknownComponent(unknown_name("component", model, known))
    if keys is None:
        answer: Any = found
    elif isinstance(keys, str) or not isinstance(keys, Iterable):
        answer = found[keys]
    else:
        answer = [found[key] for key in keys]
    return to_json(answer) if output == "json" else answer


def _synapse_status(kernel: Any, model: Any) -> dict[str, Any]:
    table = kernel.synapses.tables.get(model.name)
    if table is not None:
        kernel.engine.fetch_synapses(table)
    found = {
        n: np.copy(v) if isinstance(v, np.ndarray) else v
        for n, v in model.defaults.items()
        if n not in model.record.nested
    }
    return dict(
        sorted(
            (
                found
                | {
                    "element_type": "synapse",
                    "has_delay": model.record.delayed,
                    "num_connections": 0 if table is None else table.n_alive,
                    "requires_symmetric": model.record.symmetric,
                    **({"sizeof": 32} if model.record.sized or model.labelled else {}),
                    "synapse_model": model.name,
                    "synapse_modelid": model.number,
                    **{n: NodeCollection() if v is None else v for n, v in model.nodes.items()},
                }
            ).items()
        )
    )


def Simulate(t: float) -> None:
    """Simulate `t` ms."""
    Prepare()
    Run(t)
    Cleanup()


def Prepare() -> None:
    """Make ready for calls of `Run`."""
    _kernel.kernel().prepare()


def Run(t: float) -> None:
    """Simulate `t` ms between `Prepare` and `Cleanup`."""
    _kernel.kernel().run(float(t))


def Cleanup() -> None:
    """End what `Prepare` began."""
    _kernel.kernel().cleanup()


@contextlib.contextmanager
def RunManager() -> Iterator[None]:
    """`Prepare` on entering, `Cleanup` on leaving."""
    Prepare()
    try:
        yield
    finally:
        Cleanup()


def GetKernelStatus(keys: Any = None) -> Any:
    """Attributes of the kernel: all, one, or a tuple of several."""
    kernel = _kernel.kernel()
    if keys is None:
        return {name: _settings.get(kernel, name) for name in _settings.names()}
    if isinstance(keys, str):
        return _settings.get(kernel, keys)
    if isinstance(keys, Sequence):
        return tuple(_settings.get(kernel, name) for name in keys)
    raise TypeError("keys should be either a string or an iterable")


def SetKernelStatus(params: Mapping[str, Any]) -> None:
    """Set attributes of the kernel."""
    known = _settings.names()
    for name in params:
        if name not in known:
            raise ValueError(
                f"`{name}` is not a valid kernel parameter, valid parameters are: "
                + ", ".join(map(repr, known))
            )
        if name in _settings.READ and name not in _settings.SETTERS:
            raise ValueError(f"`{name}` is a readonly kernel parameter")
    _settings.put(_kernel.kernel(), params)


def GetStatus(nodes_or_conns: Any, keys: Any = None, output: str = "") -> Any:
    """The status of nodes or synapses, a tuple with one entry for each."""
    if not isinstance(nodes_or_conns, (NodeCollection, SynapseCollection)):
        raise TypeError("GetStatus() takes a NodeCollection or a SynapseCollection")
    if keys is None:
        found: Any = tuple(one.get() for one in nodes_or_conns)
    elif isinstance(keys, str):
        found = tuple(one.get(keys) for one in nodes_or_conns)
    else:
        found = tuple(tuple(one.get(key) for key in keys) for one in nodes_or_conns)
    return to_json(found) if output == "json" else found


def to_json(data: Any, **kwargs: Any) -> str:
    """A status as JSON text."""
    import json

    return json.dumps(data, default=_plain, **kwargs)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def SetStatus(nodes_or_conns: Any, params: Any, val: Any = None) -> None:
    """Set the status of nodes or synapses."""
    if not isinstance(nodes_or_conns, (NodeCollection, SynapseCollection)):
        raise TypeError("SetStatus() takes a NodeCollection or a SynapseCollection")
    nodes_or_conns.set({params: val} if isinstance(params, str) else params)


def GetNodes(properties: Mapping[str, Any] | None = None, local_only: bool = False) -> Any:
    """All nodes, or those whose status has these values."""
    del local_only
    kernel = _kernel.kernel()
    found = np.arange(1, len(kernel.nodes) + 1)
    for name, value in (properties or {}).items():
        having = [k for k, gid in enumerate(found) if _has(int(gid), name, value)]
        found = found[having]
    return NodeCollection.of(found)


def _has(gid: int, name: str, value: Any) -> bool:
    status = _status.status(gid)
    return name in status and bool(np.all(status[name] == value))


def GetLocalNodeCollection(nc: NodeCollection) -> NodeCollection:
    """The nodes of this process: all."""
    return nc


def GetLocalVPs() -> list[int]:
    """The virtual processes of this process: all."""
    return list(range(_kernel.kernel().threads))


def PrintNodes() -> None:
    """Print the nodes, one line for each run of one model."""
    kernel = _kernel.kernel()
    if not len(kernel.nodes):
        return
    lines = []
    for model, _, first, last, _ in _status.pieces(np.arange(1, len(kernel.nodes) + 1)):
        span = f"{first}" if first == last else f"{first} .. {last}"
        lines.append((span, model))
    width = max(len(span) for span, _ in lines)
    print("\n".join(f"{span:>{width}} {model}" for span, model in lines))  # noqa: T201 (asked for)


def Rank() -> int:
    """Number of this process: 0."""
    return 0


def NumProcesses() -> int:
    """Number of processes: 1."""
    return 1


def SyncProcesses() -> None:
    """Wait for other processes: there are none."""


def get_verbosity() -> Any:
    """How much is said."""
    return _kernel.kernel().settings["verbosity"]


def set_verbosity(level: Any) -> None:
    """Say more or less."""
    if isinstance(level, str):
        level = _settings.VerbosityLevel[level.removeprefix("M_")]
    _kernel.kernel().settings["verbosity"] = level


def message(
    message: str,
    severity: int = _settings.VerbosityLevel.INFO,
    *,
    function: str | None = None,
    filename: str | None = None,
    lineno: int | None = None,
) -> None:
    """Print a message, if its severity is not below the verbosity.

    Args:
        message: What is said.
        severity: A `VerbosityLevel`.
        function: Who says it; who calls, if None.
        filename: Where that stands; shown with `lineno` if the verbosity is DEBUG or ALL.
        lineno: The line there.
    """
    if severity < get_verbosity():
        return
    caller, where = inspect.stack()[1], ""
    if get_verbosity() <= _settings.VerbosityLevel.DEBUG:
        where = f" ({filename or caller.filename}:{lineno or caller.lineno})"
    level = _settings.VerbosityLevel(severity).name.capitalize()
    print(f"{function or caller.function} [{level}]{where}: {message}")  # noqa: T201 (asked for)


def network() -> tuple[Any, Any]:
    """The network as core has it, and its present state.

    Returns:
        A `spikax.BuiltNetwork` and its `NetworkState`: pytrees that can be differentiated, batched,
        trained and simulated by `spikax.simulate` (under `jax.enable_x64(True)`, unless
        `precision` is "float32"). Populations have the names of the models: node k of a model is
        neuron k. A value that all nodes of a model, or all synapses of a projection, share is one
        number.

    Raises:
        NESTErrors.KernelException: There are no nodes that move.
    """
    engine = _kernel.kernel().engine
    model, state = engine.network()
    if model is None:
        raise NESTErrors.KernelException("there is no neuron or generator yet: Create() one.")
    return model, state
