"""The axes of a sweep: which parameters they name, and the values of every run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np

from spikax._built import BuiltNetwork
from spikax._network import check_values
from spikax._random import key_words
from spikax._select import LeafInfo, leaves
from spikax._share import filled, value_at, with_value
from spikax.errors import ConfigError, ShapeError, unknown
from spikax.units import to_coherent

Axes = Mapping[str | tuple[str, ...], Any]
Batch = dict[str, np.ndarray]


def named(axes: Axes) -> Iterator[dict[str, Any]]:
    """The values of each axis by name."""
    for key, values in axes.items():
        if isinstance(key, str):
            yield {key: values}
        else:
            given = values if isinstance(values, tuple) else (values,) * len(key)
            yield dict(zip(key, given, strict=True))


def batch_of(model: BuiltNetwork, axes: Axes) -> tuple[tuple[int, ...], Batch]:
    """How many values each axis has; by path in the model, the value of each run."""
    known = {
        leaf.path.removeprefix("nodes.").removeprefix("edges."): leaf
        for leaf in leaves(model)
        if leaf.kind in ("parameter", "weight", "seed")
    }
    moved = list[Batch]()
    for axis in named(axes):
        moved.append({})
        for name, given in axis.items():
            leaf = known[_resolved(name, known)]
            moved[-1][leaf.path] = _values(model, leaf, name, given)
        if len({len(values) for values in moved[-1].values()}) != 1:
            raise ShapeError(f"{tuple(axis)} move together; give them equally many values.")
    paths = [path for axis in moved for path in axis]
    if not paths or len(set(paths)) < len(paths):
        raise ConfigError(f"the axes are {paths}; name one parameter or more, each once.")
    shape = tuple(len(next(iter(axis.values()))) for axis in moved)
    index = np.unravel_index(np.arange(math.prod(shape)), shape)
    batch = {p: v[i] for axis, i in zip(moved, index, strict=True) for p, v in axis.items()}
    _check_combinations(model, batch, math.prod(shape))
    return shape, batch


def _resolved(name: str, known: Mapping[str, Any]) -> str:
    """The whole path that a path stands for, in which names in the middle may be missing."""
    pattern = r"\.(.+\.)?".join(map(re.escape, name.split(".")))
    fits = [name] if name in known else [path for path in known if re.fullmatch(pattern, path)]
    if not fits:
        shorter = {f"{p.partition('.')[0]}.{p.rpartition('.')[2]}" for p in known}
        raise unknown("parameter to sweep", name, {*known, *shorter})
    if len(fits) > 1:
        raise ConfigError(f"{name!r} stands for several parameters; name one of {fits}.")
    return fits[0]


def _values(model: BuiltNetwork, leaf: LeafInfo, name: str, given: Any) -> np.ndarray:
    """The values of an axis, checked as at construction."""
    each = list(given) if np.iterable(given) else []
    if not each:
        raise ConfigError(f"axis {name!r} is {given!r}; give a list of one value or more.")
    if leaf.kind == "seed" and all(
        s.kind != "seed" for s in leaves(jax.eval_shape(model.init_state))
    ):
        raise ConfigError(
            "the axis 'seed' changes nothing: no population has noise at run time, and what is "
            "sampled once, by build, is the same in all runs; call sweep again with another seed=."
        )
    if leaf.kind == "weight" and np.ndim(leaf.value):
        raise ConfigError(
            f"{name!r} is one value per synapse, and a sweep replaces one number; give the "
            "projection one number as its weight, or change the model under jax.vmap yourself."
        )
    values = np.stack([_value(model, leaf, name, value) for value in each])
    size = dict(model.sizes).get(name.split(".")[0])
    if values.shape[1:] not in ((), (size,), np.shape(leaf.value)):
        raise ShapeError(f"axis {name!r} has shape {values.shape}; give one number per value.")
    return values


def _value(model: BuiltNetwork, leaf: LeafInfo, name: str, value: Any) -> np.ndarray:
    if leaf.kind == "seed":
        return np.asarray(key_words(value))
    if leaf.kind == "weight":
        return _weight(model, leaf, name, value)
    owner: Any = leaf.owner
    return owner.declared[leaf.path.rpartition(".")[2]].convert(value, owner.__name__)


def _weight(model: BuiltNetwork, leaf: LeafInfo, name: str, value: Any) -> np.ndarray:
    check_values(value, leaf.unit, name)
    number = to_coherent(value, leaf.unit, name)
    edge = model.edges[leaf.path.split(".")[1]]
    route = model.nodes[edge.post].ports[edge.ports[0][0]].route
    if route is not None and np.any(route(number) != route(np.asarray(leaf.value))):
        raise ConfigError(
            f"{name!r} is {value}, which belongs to another channel than the weight that was "
            "built; give the projections of each sign an axis of their own."
        )
    return number


def _check_combinations(model: BuiltNetwork, batch: Batch, runs: int) -> None:
    """Raise if the values of some run do not go together: what a range of one cannot say."""
    plain = jax.tree.map(np.asarray, dict(model.nodes))
    inside = {p.removeprefix("nodes."): v for p, v in batch.items() if p.startswith("nodes.")}
    for run in range(runs):
        values = {path: np.asarray(v[run]) for path, v in inside.items()}
        nodes = filled(with_values(plain, values), model.shared)
        for path in inside:
            value_at(nodes, path.rpartition(".")[0]).validate()
        for node in nodes.values():
            node.check(model.dt)


def with_values(tree: Any, values: Mapping[str, Any]) -> Any:
    """A copy of the tree with other values at some paths."""
    for path, value in values.items():
        tree = with_value(tree, path, value)
    return tree
