"""Pick leaves of a model or a state by kind, type, path or predicate; put them back."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np

from spikax._component import Component
from spikax._fields import Leaf, Parameter, Static
from spikax._state import State
from spikax.errors import ConfigError, unknown
from spikax.units import UNITLESS, Unit

KINDS = frozenset(
    {"parameter", "weight", "delay", "index", "hidden", "spike", "clock", "trace", "fault", "seed"}
)


class LeafInfo(NamedTuple):
    """One array of a model or a state, with what was declared about it."""

    path: str
    kind: str
    unit: Unit
    owner: type
    value: Any


Filter: TypeAlias = "str | type | Callable[[LeafInfo], bool]"


def leaves(tree: Any) -> list[LeafInfo]:
    """Every leaf with its path, in JAX's own order.

    Each comes as a `LeafInfo`: path, kind ("parameter", "weight", "hidden", ...), declared unit,
    owning class, and the value in coherent units. Paths are made of declared names and of the
    user's own: `nodes.E.neuron.V_m`, `edges.E->I.weight`.
    """
    return list(_walk(tree, "", "index", UNITLESS, type(None)))


def _walk(tree: Any, path: str, kind: str, unit: Unit, owner: type) -> Iterator[LeafInfo]:
    if tree is None:
        return
    if jax.tree_util.all_leaves([tree]):  # also a distribution that waits to be sampled
        yield LeafInfo(path, kind, unit, owner, tree)
    elif isinstance(tree, (Component, State, Mapping, list, tuple)) or is_dataclass(tree):
        for name, child, child_kind, child_unit in _children(tree, kind, unit):
            yield from _walk(
                child, f"{path}.{name}" if path else name, child_kind, child_unit, type(tree)
            )
    else:
        yield LeafInfo(path, kind, unit, owner, tree)


def _children(tree: Any, kind: str, unit: Unit) -> Iterator[tuple[str, Any, str, Unit]]:
    if isinstance(tree, Component):
        for name, field in tree.declared.items():
            if not isinstance(field, Static):
                yield name, getattr(tree, name), *_declared(tree, name, field)
    elif isinstance(tree, State):
        for name in (f.name for f in fields(cast(Any, tree)) if not f.metadata.get("static")):
            spec = tree.cells.get(name)
            yield name, getattr(tree, name), spec.kind if spec else kind, tree.unit_of(name)
    elif isinstance(tree, Mapping):
        yield from ((str(k), tree[k], kind, unit) for k in sorted(cast("Mapping[str, Any]", tree)))
    elif isinstance(tree, (list, tuple)):
        yield from ((str(i), v, kind, unit) for i, v in enumerate(cast("tuple[Any, ...]", tree)))
    else:
        yield from _registered(tree, kind, unit)


def _declared(tree: Component, name: str, field: Any) -> tuple[str, Unit]:
    if isinstance(field, Parameter):
        return "parameter", field.unit
    return (field.kind, tree.unit_of(name)) if isinstance(field, Leaf) else ("index", UNITLESS)


def _registered(tree: Any, kind: str, unit: Unit) -> Iterator[tuple[str, Any, str, Unit]]:
    """The children of a dataclass that is a pytree; the dataclass itself if it is a plain leaf."""
    flat, _ = jax.tree_util.tree_flatten_with_path(tree)
    for key_path, value in flat:
        yield jax.tree_util.keystr(key_path, simple=True, separator="."), value, kind, unit


def _matches(leaf: LeafInfo, wanted: Filter) -> bool:
    if isinstance(wanted, str):
        return leaf.kind == wanted if wanted in KINDS else fnmatch.fnmatchcase(leaf.path, wanted)
    return issubclass(leaf.owner, wanted) if isinstance(wanted, type) else wanted(leaf)


def select(tree: Any, *wanted: Filter) -> tuple[Any, Any]:
    """Split a tree into the leaves that match any filter and the rest.

    Args:
        tree: A model or a state.
        wanted: Kinds ("weight", "parameter", "hidden"), patterns of whole paths ("nodes.E.*",
            "*.tau_m"), classes that own the leaf, or predicates on `LeafInfo`.

    Returns:
        `(picked, rest)`, both of the structure of `tree`, with None where a leaf went to the other.

    Raises:
        ConfigError: Nothing matches.
    """
    info = leaves(tree)
    picked = [any(_matches(leaf, w) for w in wanted) for leaf in info]
    if not any(picked):
        raise ConfigError(_nothing(wanted, [leaf.path for leaf in info]))
    there = {_edge_of(leaf): None for leaf in info if leaf.kind == "weight"}
    for edge in (e for w in wanted if isinstance(w, weights) for e in w.edges if e not in there):
        raise unknown("edge with weights", edge, there)
    values, structure = jax.tree.flatten(tree)
    chosen = [v if p else None for v, p in zip(values, picked, strict=True)]
    others = [None if p else v for v, p in zip(values, picked, strict=True)]
    return jax.tree.unflatten(structure, chosen), jax.tree.unflatten(structure, others)


def _nothing(wanted: tuple[Filter, ...], paths: list[str]) -> str:
    shown = ", ".join(getattr(w, "__name__", repr(w)) for w in wanted)

    def unlike(path: str) -> float:
        return -difflib.SequenceMatcher(None, shown, path).ratio()

    near = ", ".join(sorted(paths, key=unlike)[:12]) + (", ..." if len(paths) > 12 else "")
    return (
        f'nothing matches {shown}; the paths are {near}. A pattern covers a whole path: "*.tau_m".'
    )


def merge(*trees: Any) -> Any:
    """Put together what `select` took apart: the first that is not None wins, leaf by leaf."""

    def first(*values: Any) -> Any:
        return next((v for v in values if v is not None), None)

    return jax.tree.map(first, *trees, is_leaf=lambda x: x is None)


class weights:
    """A filter: the weights of the named edges, of all edges if none is named."""

    def __init__(self, *edges: str) -> None:
        self.edges = edges
        self.__name__ = f"weights({', '.join(map(repr, edges))})"

    def __call__(self, leaf: LeafInfo) -> bool:
        return leaf.kind == "weight" and (not self.edges or _edge_of(leaf) in self.edges)


def _edge_of(leaf: LeafInfo) -> str:
    return leaf.path.split(".")[-2]


def floats(leaf: LeafInfo) -> bool:
    """A filter: what a gradient can be taken by."""
    dtype = leaf.value.dtype if hasattr(leaf.value, "dtype") else np.asarray(leaf.value).dtype
    return jnp.issubdtype(dtype, jnp.floating)
