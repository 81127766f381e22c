"""Connections that depend on where nodes are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._layers import Layer
from spikax_nest.pynest._masks import Mask, mask_of
from spikax_nest.pynest._parameter import Context, Parameter

_AT_ONCE = 2**20  # pairs looked at at a time
_DEGREES = {"fixed_indegree": "indegree", "fixed_outdegree": "outdegree"}
_DRAWN = {"pairwise_bernoulli": "p", "pairwise_poisson": "pairwise_avg_num_conns"}

Pairs = tuple[np.ndarray, np.ndarray]


def is_spatial(
    spec: Mapping[str, Any], pre: Any, post: Any, syn_specs: Iterable[Mapping[str, Any]] = ()
) -> bool:
    """Whether a rule looks at pairs one by one: for where their nodes are, or for a Parameter.

    Raises:
        ValueError: The rule does not go with a mask or a probability.
        TypeError: The nodes have no positions.
    """
    rule = str(spec.get("rule"))
    drawn = isinstance(spec.get(_DRAWN.get(rule, "")), Parameter)
    kernel = "p" in spec and rule not in ("pairwise_bernoulli", "symmetric_pairwise_bernoulli")
    values = [v for syn_spec in syn_specs for v in syn_spec.values() if isinstance(v, Parameter)]
    needs = "mask" in spec or "use_on_source" in spec or kernel
    needs = needs or any(v.is_spatial() for v in values)
    if not needs and not drawn:
        return False
    if rule not in (*_DEGREES, *_DRAWN):
        raise ValueError(
            "When using kernel or mask, the only possible connection rules are "
            + ", ".join(map(repr, (*_DRAWN, *_DEGREES)))
        )
    if "use_on_source" in spec and rule != "pairwise_bernoulli":
        raise ValueError("'use_on_source' can only be set when using 'pairwise_bernoulli'.")
    if needs or spec[_DRAWN[rule]].is_spatial():
        for nodes, which in ((pre, "Presynaptic"), (post, "Postsynaptic")):
            if nodes.layer is None:
                raise TypeError(
                    f"{which} NodeCollection must have spatial information: "
                    "create it with positions="
                )
    return True


def measures_in(spec: Mapping[str, Any], pre: Any, post: Any) -> Layer | None:
    """The layer whose extent and edges count for distances: that in which partners are chosen."""
    on_source = spec.get("use_on_source", spec.get("rule") == "fixed_indegree")
    first, second = (pre, post) if on_source else (post, pre)
    return first.layer or second.layer


@dataclasses.dataclass(frozen=True)
class _Pool:
    """What decides whether a pair may be connected, and how likely."""

    pre: Any
    post: Any
    rng: np.random.Generator
    spec: Mapping[str, Any]
    mask: Mask | None
    layer: Layer | None

    def kept(self, sources: np.ndarray, targets: np.ndarray) -> Pairs:
        """Those of pairs that are no forbidden autapses, and inside of the mask."""
        if not self.spec.get("allow_autapses", True):
            kept = self.pre.ids[sources] != self.post.ids[targets]
            sources, targets = sources[kept], targets[kept]
        if self.mask is not None:
            kept = self._inside(sources, targets)
            sources, targets = sources[kept], targets[kept]
        return sources, targets

    def _inside(self, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        ends = [(self.pre, sources), (self.post, targets)]
        if self.spec.get("use_on_source", self.spec["rule"] == "fixed_indegree"):
            ends.reverse()
        (center, at), (pool, points) = ends
        assert self.mask is not None
        assert self.layer is not None
        return self.mask.selects(
            self.layer, center.positions[at], pool.positions[points], pool.places[points]
        )

    def values(self, name: str, sources: np.ndarray, targets: np.ndarray, default: Any) -> Any:
        """A probability or mean count of each pair."""
        value = self.spec.get(name, default)
        if not isinstance(value, Parameter):
            return np.full(len(sources), _number(name, value))
        context = Context(rng=self.rng, n=len(sources))
        if self.layer is not None:
            context = dataclasses.replace(
                context,
                source_positions=self.pre.positions[sources],
                target_positions=self.post.positions[targets],
                layer=self.layer,
            )
        return value.values(context)

    def blocks(self, rows: int, columns: int) -> Iterator[tuple[int, int, Pairs]]:
        """All cells of a table, some rows at a time: first and last row, (row, column) of each."""
        step = max(1, _AT_ONCE // max(1, columns))
        for first in range(0, rows, step):
            last = min(rows, first + step)
            cells = np.arange(first * columns, last * columns)
            yield first, last, np.divmod(cells, columns)


def _number(name: str, value: Any) -> float:
    if isinstance(value, str):
        raise NESTErrors.BadProperty(f"{name} is {value!r}; give a number or a Parameter.")
    return float(value)


def spatial_pairs(pre: Any, post: Any, rng: np.random.Generator, spec: Mapping[str, Any]) -> Pairs:
    """Indices of sources and targets: target by target, of fixed_outdegree source by source.

    Args:
        pre: Sources.
        post: Targets.
        rng: What is drawn with.
        spec: The rule with mask, p, use_on_source, allow_oversized_mask and what else it takes.
    """
    mask, layer = mask_of(spec.get("mask")), None
    if pre.layer is not None and post.layer is not None:
        layer = measures_in(spec, pre, post)
        if pre.layer.dimensions != post.layer.dimensions:
            raise NESTErrors.BadProperty(
                "Target layer must have same number of dimensions as source layer; they have "
                f"{post.layer.dimensions} and {pre.layer.dimensions}."
            )
    if mask is not None and layer is not None:
        mask.check(layer, oversized=bool(spec.get("allow_oversized_mask", False)))
    pool = _Pool(pre, post, rng, spec, mask, layer)
    found = _each(pool) if spec["rule"] in _DRAWN else _some(pool)
    empty = np.zeros(0, np.int64)
    sources, targets = zip((empty, empty), *found, strict=True)
    return np.concatenate(sources), np.concatenate(targets)


def _each(pool: _Pool) -> Iterator[Pairs]:
    """Every pair by its own draw."""
    name = _DRAWN[pool.spec["rule"]]
    for _, _, (targets, sources) in pool.blocks(len(pool.post), len(pool.pre)):
        sources, targets = pool.kept(sources, targets)
        values = pool.values(name, sources, targets, 1.0)
        if name == "p":
            counts = (pool.rng.random(len(values)) < values).astype(np.int64)
        else:
            counts = pool.rng.poisson(np.maximum(values, 0.0))
        yield np.repeat(sources, counts), np.repeat(targets, counts)


def _some(pool: _Pool) -> Iterator[Pairs]:
    """For each node as many partners as it asks for, by weights."""
    from spikax_nest.pynest._rules import degrees

    inward = pool.spec["rule"] == "fixed_indegree"
    nodes, others = (pool.post, pool.pre) if inward else (pool.pre, pool.post)
    name = _DEGREES[pool.spec["rule"]]
    k = degrees(pool.spec[name], len(nodes), name, pool.rng)
    choose = _repeated if pool.spec.get("allow_multapses", True) else _distinct
    for first, last, (rows, columns) in pool.blocks(len(nodes), len(others)):
        ends = pool.kept(*((columns, rows) if inward else (rows, columns)))
        weights = np.maximum(pool.values("p", *ends, 1.0), 0.0)
        owners = (ends[1] if inward else ends[0]) - first
        some = k[first:last]
        _check_enough(pool, nodes, first, np.bincount(owners, minlength=last - first), some)
        chosen = choose(owners, weights, some, pool.rng)
        yield ends[0][chosen], ends[1][chosen]


def _check_enough(pool: _Pool, nodes: Any, first: int, there: np.ndarray, k: np.ndarray) -> None:
    wanted = np.minimum(k, 1) if pool.spec.get("allow_multapses", True) else k
    short = np.flatnonzero(there < wanted)
    if not short.size:
        return
    end, partners = (
        ("target", "sources") if pool.spec["rule"] == "fixed_indegree" else ("source", "targets")
    )
    raise NESTErrors.KernelException(
        f"Global {end} ID {nodes.ids[first + short[0]]}: Not enough {partners} found inside mask: "
        f"{there[short[0]]}, of {k[short[0]]} to be connected."
    )


def _repeated(
    owners: np.ndarray, weights: np.ndarray, k: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Indices of candidates: k of each owner with replacement, in proportion to their weights."""
    ends = np.cumsum(np.bincount(owners, minlength=len(k)))
    starts = np.concatenate([[0], ends[:-1]])
    summed = np.concatenate([[0.0], np.cumsum(weights)])
    low, high = (np.repeat(summed[at], k) for at in (starts, ends))
    drawn = low + rng.random(len(low)) * (high - low)
    found = np.searchsorted(summed, drawn, side="right") - 1
    return np.clip(found, np.repeat(starts, k), np.repeat(np.maximum(ends - 1, 0), k))


def _distinct(
    owners: np.ndarray, weights: np.ndarray, k: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The same without replacement.

    The k least of exponential numbers with the weights as rates are distributed as k draws in which
    each one that comes a second time is drawn again.
    """
    with np.errstate(divide="ignore"):
        order = np.lexsort((rng.exponential(size=len(owners)) / weights, owners))
    counts = np.bincount(owners, minlength=len(k))
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(owners)) - starts[owners]  # owners are ascending, and so are the sorted
    return order[rank < k[owners]]
