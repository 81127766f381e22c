"""Connections that depend on where nodes are: by masks and by probabilities of distance."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._layers import Layer
from spikax_nest.pynest._masks import GridMask, mask_of
from spikax_nest.pynest._parameter import Context, parameter

RULES = ("pairwise_bernoulli", "fixed_indegree", "fixed_outdegree")
_AT_ONCE = 2**20  # pairs that are looked at together


def is_spatial(spec: Mapping[str, Any], pre: Any, post: Any) -> bool:
    """Whether a rule needs positions."""
    p = spec.get("p")
    kernel = p is not None and (spec["rule"] != "pairwise_bernoulli" or not np.isscalar(p))
    if not ("mask" in spec or "use_on_source" in spec or kernel):
        return False
    if spec["rule"] == "symmetric_pairwise_bernoulli":
        return False
    if spec["rule"] not in RULES:
        raise ValueError(
            "When using kernel or mask, the only possible connection rules are "
            "'pairwise_bernoulli', 'fixed_indegree', or 'fixed_outdegree'"
        )
    return "mask" in spec or pre.layer is not None or post.layer is not None or kernel


def spatial_pairs(
    pre: Any, post: Any, rng: np.random.Generator, spec: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of sources and targets.

    The mask lies around the sources, on the targets; around the targets, on the sources, with
    use_on_source and for fixed_indegree.
    """
    around_target = spec["rule"] == "fixed_indegree" or bool(spec.get("use_on_source"))
    centers, pool = (post, pre) if around_target else (pre, post)
    found = [
        _chosen(rows, columns, pre, post, around_target, rng, spec)
        for rows, columns in _candidates(centers, pool, spec, around_target)
    ]
    rows, columns = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(rows, kind="stable")
    rows, columns = rows[order], columns[order]
    return (columns, rows) if around_target else (rows, columns)


def _candidates(
    centers: Any, pool: Any, spec: Mapping[str, Any], around_target: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (center, member of the pool) within the mask, some centers at a time."""
    autapses = spec.get("allow_autapses", True)
    mask = mask_of(spec["mask"]) if "mask" in spec else None
    if mask is not None:
        _check_size(mask, pool.layer or centers.layer, spec)
    del around_target
    step = max(1, _AT_ONCE // len(pool))
    for first in range(0, len(centers), step):
        some = np.arange(first, min(first + step, len(centers)))
        rows, columns = _within(mask, centers, pool, some)
        if not autapses:
            kept = centers.ids[rows] != pool.ids[columns]
            rows, columns = rows[kept], columns[kept]
        yield rows, columns


def _within(mask: Any, centers: Any, pool: Any, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if mask is None:
        rows, columns = np.meshgrid(some, np.arange(len(pool)), indexing="ij")
        return rows.ravel(), columns.ravel()
    if isinstance(mask, GridMask):
        steps = _lattice(pool)[None] - _lattice(centers)[some][:, None]
        rows, columns = np.nonzero(mask.inside(steps))
        return some[rows], columns
    between = pool.positions[None] - centers.positions[some][:, None]
    found = [np.nonzero(mask.inside(between + shift)) for shift in _images(pool.layer)]
    rows, columns = (np.concatenate(part) for part in zip(*found, strict=True))
    return some[rows], columns


def _images(layer: Layer) -> Iterator[np.ndarray]:
    """Where a place comes back, in periodic space."""
    around = (0, 1, -1) if layer.edge_wrap else (0,)
    for turns in itertools.product(around, repeat=layer.positions.shape[1]):
        yield np.asarray(turns) * layer.extent


def _lattice(nodes: Any) -> np.ndarray:
    """The index along each axis of the nodes of a grid."""
    if nodes.layer is None or nodes.layer.shape is None:
        raise NESTErrors.BadProperty("Grid masks can only be used with grid layers.")
    return np.stack(np.unravel_index(nodes.places, nodes.layer.shape), axis=-1)


def _check_size(mask: Any, layer: Layer | None, spec: Mapping[str, Any]) -> None:
    if layer is None:
        raise NESTErrors.LayerExpected("masks need nodes with positions.")
    if isinstance(mask, GridMask) or spec.get("allow_oversized_mask") or not layer.edge_wrap:
        return
    low, high = mask.span()
    if np.any(high - low > layer.extent + 1e-12):
        raise NESTErrors.BadProperty(
            "Mask size must not exceed layer size; set allow_oversized_mask to override."
        )


def _chosen(
    rows: np.ndarray,
    columns: np.ndarray,
    pre: Any,
    post: Any,
    around_target: bool,
    rng: np.random.Generator,
    spec: Mapping[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Of the candidates those that are connected."""
    source, target = (columns, rows) if around_target else (rows, columns)
    p = _probabilities(spec.get("p", 1.0), pre, post, source, target, rng)
    if spec["rule"] == "pairwise_bernoulli":
        kept = rng.random(len(p)) < p
        return rows[kept], columns[kept]
    degree = int(spec["indegree" if around_target else "outdegree"])
    parts = [
        _drawn(columns[rows == row], p[rows == row], degree, rng, spec) for row in np.unique(rows)
    ]
    if len(parts) < len(np.unique(np.append(rows, rows))):
        raise NESTErrors.KernelException("there are nodes without any candidate.")
    counts = np.full(len(parts), degree)
    empty = np.zeros(0, np.int64)
    return np.repeat(np.unique(rows), counts), np.concatenate([empty, *parts])


def _drawn(
    pool: np.ndarray, p: np.ndarray, degree: int, rng: np.random.Generator, spec: Mapping[str, Any]
) -> np.ndarray:
    multapses = spec.get("allow_multapses", True)
    if not p.sum() or (not multapses and np.count_nonzero(p) < degree):
        raise NESTErrors.KernelException(
            f"a node has {np.count_nonzero(p)} candidates within its mask for {degree} connections."
        )
    return rng.choice(pool, degree, replace=multapses, p=p / p.sum())


def _probabilities(
    p: Any, pre: Any, post: Any, source: np.ndarray, target: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    ends = [
        None if nodes.layer is None else nodes.positions[index]
        for nodes, index in ((pre, source), (post, target))
    ]
    layer = pre.layer or post.layer
    context = Context(rng, len(source), ends[0], ends[1], layer)
    return np.clip(parameter(p).values(context), 0.0, None)
