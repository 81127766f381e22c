"""Connect: from nodes, a rule and a synapse specification to rows of the synapse tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikax.errors import SpikaxError
from spikax_nest.pynest import _kernel, _rules
from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._coupling import check_names
from spikax_nest.pynest._detectors import DETECTORS
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._parameter import Context, Parameter
from spikax_nest.pynest._spatial_connect import is_spatial, measures_in, spatial_pairs
from spikax_nest.pynest._synapse_models import SynapseModel
from spikax_nest.pynest._synapse_table import ENDS
from spikax_nest.pynest._wiring import check_wiring

SPECIAL = ("synapse_model",)
RANDOM = (
    *("fixed_indegree", "fixed_outdegree", "fixed_total_number"),
    *("pairwise_bernoulli", "pairwise_poisson"),
)
SYMMETRIC = ("one_to_one", "symmetric_pairwise_bernoulli")


class CollocatedSynapses:
    """Several synapse specifications that each connected pair gets, one synapse of each."""

    def __init__(self, *args: Any) -> None:
        self.syn_specs = args

    def __len__(self) -> int:
        return len(self.syn_specs)


def Connect(
    pre: Any,
    post: Any,
    conn_spec: Any = None,
    syn_spec: Any = None,
    return_synapsecollection: bool = False,
) -> Any:
    """Connect nodes, as `nest.Connect`.

    Args:
        pre: Sources: a NodeCollection, or an array of ids, repeats allowed (one_to_one).
        post: Targets.
        conn_spec: A rule by name, or a dict of it with its parameters; all_to_all if None.
        syn_spec: A synapse model by name, a dict, or CollocatedSynapses.
        return_synapsecollection: Whether to give the new synapses.

    Raises:
        NESTErrors.KernelException: One of its kinds, for whatever NEST refuses.
    """
    kernel = _kernel.kernel()
    first = {name: len(table) for name, table in kernel.synapses.tables.items()}
    try:
        with kernel.timers.during("construction_connect"):
            _connect(kernel, pre, post, conn_spec, syn_spec)
    finally:
        kernel.engine.rewired()
    if not return_synapsecollection:
        return None
    from spikax_nest.pynest._synapse_collection import since

    return since(first)


def _connect(kernel: Any, pre: Any, post: Any, conn_spec: Any, syn_spec: Any) -> None:
    arrays = not (isinstance(pre, NodeCollection) and isinstance(post, NodeCollection))
    spec = read_conn_spec(conn_spec)
    syn_specs = read_syn_specs(syn_spec)
    if arrays and spec["rule"] == "one_to_one":
        sources, targets = (_ids(nodes) for nodes in (pre, post))
        kernel.nodes.check(np.unique(np.concatenate([sources, targets])))
        if len(sources) != len(targets):
            raise ValueError("sources and targets must be arrays of equal length")
        pairs: Any = np.arange(len(sources)), np.arange(len(sources))
        nodes: tuple[Any, Any] = (None, None)
    else:
        pre, post = _collected(pre), _collected(post)
        sources, targets, nodes = pre._live(), post._live(), (pre, post)
        pairs = pairs_of(kernel, pre, post, spec, syn_specs)
    symmetric = bool(spec.get("make_symmetric"))
    if symmetric and spec["rule"] not in SYMMETRIC:
        raise NESTErrors.NotImplemented(
            f"make_symmetric with the rule {spec['rule']}; it goes with {' and '.join(SYMMETRIC)}."
        )
    for one in syn_specs:
        if symmetric and any(isinstance(value, Parameter) for value in one.values()):
            raise NESTErrors.NotImplemented(
                "Symmetric connections require parameters that can be reset."
            )
        if not symmetric:
            _check_symmetric(kernel, one, spec, np.array_equal(sources, targets))
        make(kernel, sources, targets, pairs, nodes, spec, one)
        if symmetric:
            make(kernel, targets, sources, pairs[::-1], nodes[::-1], spec, one)


def _check_symmetric(
    kernel: Any, syn_spec: Mapping[str, Any], conn_spec: Mapping[str, Any], same: bool
) -> None:
    """Raise for synapses that go both ways, where the rule does not make both."""
    model = _model_of(kernel, syn_spec)
    scalar = all(np.ndim(v) == 0 and not isinstance(v, Parameter) for v in syn_spec.values())
    if model.record.symmetric and not (conn_spec["rule"] == "all_to_all" and same and scalar):
        raise NESTErrors.BadProperty(
            f"Connections with this synapse model can only be created as one-to-one connections "
            'with "make_symmetric" set to true, or by all_to_all of a population with itself with '
            f"one value for all: a {model.name} goes both ways. The rule is {conn_spec['rule']}."
        )


def pairs_of(
    kernel: Any, pre: NodeCollection, post: NodeCollection, spec: Mapping[str, Any], syn_specs: Any
) -> _rules.Pairs:
    """Which nodes of two collections a rule connects."""
    if not pre.ids.size or not post.ids.size:
        raise NESTErrors.IllegalConnection("an empty NodeCollection cannot be connected.")
    spatial = is_spatial(spec, pre, post, syn_specs)
    _rules.check(spec, spatial=spatial)
    _check_ends(kernel, spec["rule"], post._live())
    rng = kernel.host_rng()
    if spatial:
        return spatial_pairs(pre, post, rng, spec)
    return _rules.RULES[spec["rule"]](pre._live(), post._live(), rng, spec)


def _check_ends(kernel: Any, rule: str, targets: np.ndarray) -> None:
    """Raise for a random rule to nodes that NEST has on every thread."""
    if rule not in RANDOM:
        return
    for table, _, _ in kernel.nodes.by_table(targets):
        is_device = table.system is not None and table.system.element_type != "neuron"
        if is_device or (table.system is None and table.base not in DETECTORS):
            raise NESTErrors.IllegalConnection(
                f"Cannot use the rule {rule} to connect to a {table.base}; connect it by "
                "all_to_all or one_to_one."
            )


def _ids(nodes: Any) -> np.ndarray:
    if isinstance(nodes, NodeCollection):
        return nodes._live()
    ids = np.asarray(nodes)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise TypeError(f"nodes are {nodes!r}; give a NodeCollection, or a list of ids")
    return ids.astype(np.int64)


def _collected(nodes: Any) -> NodeCollection:
    if isinstance(nodes, NodeCollection):
        return nodes
    ids = _ids(nodes)
    if np.unique(ids).size < ids.size:
        raise ValueError(
            "arrays of ids that repeat are connected by the rule one_to_one; "
            "for another rule give each node once."
        )
    return NodeCollection(np.sort(ids).tolist())


def read_conn_spec(spec: Any) -> dict[str, Any]:
    """A connection specification as a dict."""
    if spec is None:
        return {"rule": "all_to_all"}
    if isinstance(spec, str):
        return {"rule": spec}
    if isinstance(spec, Mapping):
        return dict(spec)
    raise TypeError(f"conn_spec is {spec!r}; give the name of a rule, or a dict with it")


def read_syn_specs(spec: Any) -> list[dict[str, Any]]:
    """A synapse specification as a list of dicts, one for each collocated synapse."""
    if spec is None:
        return [{}]
    if isinstance(spec, str):
        return [{"synapse_model": spec}]
    if isinstance(spec, Mapping):
        return [dict(spec)]
    if isinstance(spec, CollocatedSynapses):
        return [one for s in spec.syn_specs for one in read_syn_specs(s)]
    raise TypeError(f"syn_spec is {spec!r}; give a name, a dict or CollocatedSynapses")


def _model_of(kernel: Any, syn_spec: Mapping[str, Any]) -> SynapseModel:
    return kernel.synapse_catalogue[syn_spec.get("synapse_model", "static_synapse")]


def make(
    kernel: Any,
    sources: np.ndarray,
    targets: np.ndarray,
    pairs: _rules.Pairs,
    nodes: tuple[Any, Any],
    conn_spec: Mapping[str, Any],
    syn_spec: Mapping[str, Any],
) -> None:
    """Add a synapse for each pair."""
    model = _model_of(kernel, syn_spec)
    _refuse_unknown(model, syn_spec)
    check_names(model, syn_spec)
    _check_types(model, syn_spec)
    pre, post = pairs
    n = len(pre)
    rng = kernel.host_rng()
    context = _context(rng, n, nodes, pairs, conn_spec)
    given = {
        name: _values(name, value, pairs, context, (len(sources), len(targets)), conn_spec)
        for name, value in syn_spec.items()
        if name not in SPECIAL
    }
    ends = (ids.astype(np.int32)[index] for ids, index in ((sources, pre), (targets, post)))
    values: dict[str, Any] = {**given, **dict(zip(ENDS, ends, strict=False))}
    values["receptor"] = _receptors(values.pop("receptor_type", None), model)
    if model.record.delayed:
        values |= _delays(kernel, model, values)
        kernel.check_delays(values["delay"])
    _check_rule(model, values)
    if n:
        check_wiring(kernel, model, values)
        kernel.synapses.table(model).append(n, values)
        if model.record.delayed:
            kernel.synapses.note_delays(values["delay"])


def _delays(kernel: Any, model: SynapseModel, values: Mapping[str, Any]) -> dict[str, Any]:
    """Delays in steps; what NEST's Connect is given it rounds, what a model says it need not."""
    precise = model.record.precise and "delay" not in values
    delay = values.get("delay", model.defaults["delay"])
    return dict(zip(("delay", "early"), kernel.clock.split_delay(delay, precise), strict=True))


def _refuse_unknown(model: SynapseModel, spec: Mapping[str, Any]) -> None:
    common = sorted(set(spec) & set(model.record.common))
    if common:
        raise NESTErrors.NotImplemented(
            f"{model.name} has one {common[0]!r} for all synapses: set it by "
            f"SetDefaults or CopyModel, not in Connect."
        )
    known = set(model.defaults) - set(model.record.nested)
    wrong = sorted(set(spec) - known - set(SPECIAL))
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in syn_spec, in function Connect:  {' '.join(wrong)} "
            f"({model.name} takes {', '.join(sorted(known))})"
        )


def _check_types(model: SynapseModel, spec: Mapping[str, Any]) -> None:
    for name, value in spec.items():
        if isinstance(value, (bool, np.bool_)):
            raise NESTErrors.BadProperty(f"{name} is {value}; Connect takes numbers.")
        is_whole = name in model.per_synapse and model.type_of(name) is not float
        if is_whole and np.size(value) and not isinstance(value, Parameter):
            model.check_type(name, np.ravel(value)[0])


def _check_rule(model: SynapseModel, values: Mapping[str, Any]) -> None:
    """Raise for parameters of a plastic synapse that are out of range."""
    rule = model.record.load()
    if rule is None:
        return
    given = {n: values.get(n, v) for n, v in model.defaults.items() if n in model.record.defaults()}
    apart = {"Wmax", *rule.lists}
    plain = {n: v for n, v in given.items() if n not in apart and not isinstance(v, Mapping)}
    fields = {rule.names.get(n, n): v for n, v in plain.items()}
    try:
        for name, value in fields.items():
            rule.declared[name].convert(value * rule.declared[name].unit, rule.__name__)
    except SpikaxError as error:
        raise NESTErrors.BadProperty(str(error)) from None


def _context(
    rng: Any, n: int, nodes: tuple[Any, Any], pairs: _rules.Pairs, spec: Mapping[str, Any]
) -> Context:
    layers = [None if node is None else node.layer for node in nodes]
    if layers[0] is None or layers[1] is None:
        return Context(rng=rng, n=n)
    ends = [node.positions[index] for node, index in zip(nodes, pairs, strict=True)]
    return Context(
        rng=rng,
        n=n,
        source_positions=ends[0],
        target_positions=ends[1],
        layer=measures_in(spec, *nodes),
    )


def _values(
    name: str, value: Any, pairs: Any, context: Context, shape: tuple[int, int], spec: Any
) -> Any:
    """One number for all synapses, or one for each in the order of the pairs."""
    if isinstance(value, Parameter):
        return value.values(context)
    if isinstance(value, str):
        raise NESTErrors.TypeMismatch(f"{name} is {value!r}; it must be a number.")
    numbers = np.asarray(value)
    if numbers.ndim == 0:
        return numbers[()]
    if spec["rule"] == "all_to_all" and numbers.shape == shape[::-1]:
        return numbers[pairs[1], pairs[0]]  # of pairs that are left out, too
    return _in_order(name, numbers, len(pairs[0]), shape, spec)


def _in_order(name: str, values: np.ndarray, n: int, shape: tuple[int, int], spec: Any) -> Any:
    rule, (n_sources, n_targets) = spec["rule"], shape
    expected: dict[str, Any] = {
        "one_to_one": (n,),
        "all_to_all": (n_targets, n_sources),
        "fixed_indegree": (n_targets, spec.get("indegree")),
        "fixed_outdegree": (n_sources, spec.get("outdegree")),
        "fixed_total_number": (spec.get("N"),),
    }
    if rule not in expected:
        raise NESTErrors.NotImplemented(
            f"{name} is an array, which the rule {rule} does not take; use a Parameter such as "
            "nest.random.uniform()."
        )
    if values.shape != expected[rule] and values.size != n:
        raise NESTErrors.DimensionMismatch(
            f"{name} has shape {values.shape}; the rule {rule} takes {expected[rule]}."
        )
    if values.shape != expected[rule] and values.ndim > 1:
        raise NESTErrors.DimensionMismatch(
            f"{name} has shape {values.shape}; the rule {rule} takes {expected[rule]}."
        )
    return values.ravel()


def _receptors(value: Any, model: SynapseModel) -> Any:
    value = model.defaults["receptor_type"] if value is None else value
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iu" and np.any(numbers != np.round(numbers)):
        raise NESTErrors.TypeMismatch(f"receptor_type is {value}; it must be an integer.")
    return numbers.astype(np.int64)
