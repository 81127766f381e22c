"""The synapses of a projection, source by source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikax import _blocks, _sampling
from spikax.errors import ShapeError


@dataclass(frozen=True, eq=False)
class Pairs:
    """The synapses of a projection, sorted by source and then by target.

    Attributes:
        degrees: Number of synapses of each source, (n_pre,).
        targets: Index of the target of each synapse, int32; None if every pair is connected exactly
            once by the nature of the rule.
        n_post: Number of neurons that may be targets.
        order: For a rule whose synapses the user lists: the place of each synapse in that list,
            None if the list is sorted already. Values given along with the list follow it:
            `values[order]`.
    """

    degrees: np.ndarray
    targets: np.ndarray | None
    n_post: int
    order: np.ndarray | None = None

    def __len__(self) -> int:
        return self.n_pre * self.n_post if self.targets is None else len(self.targets)

    @property
    def n_pre(self) -> int:
        """Number of neurons that may be sources."""
        return len(self.degrees)

    @property
    def dense(self) -> bool:
        """Whether every pair is connected exactly once by the nature of the rule."""
        return self.targets is None

    @property
    def pre(self) -> np.ndarray:
        """Index of the source of each synapse, int32; made when it is asked for."""
        return np.repeat(np.arange(self.n_pre, dtype=np.int32), self.degrees)

    @property
    def post(self) -> np.ndarray:
        """Index of the target of each synapse, int32."""
        if self.targets is not None:
            return self.targets
        return np.tile(np.arange(self.n_post, dtype=np.int32), self.n_pre)


def listed(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> Pairs:
    """The pairs of two lists, sources and targets, that are sorted by source.

    Raises:
        ShapeError: The sources do not exist or are not sorted.
    """
    if pre.size and not 0 <= pre.min() <= pre.max() < n_pre:
        raise ShapeError(f"synapses have pre from {pre.min()} to {pre.max()}, of {n_pre} neurons")
    if np.any(pre[1:] < pre[:-1]):
        raise ShapeError("synapses are not sorted by pre and then by post")
    return Pairs(np.bincount(pre, minlength=n_pre), post.astype(np.int32, copy=False), n_post)


def all_pairs(n_pre: int, n_post: int) -> Pairs:
    """Every source with every target."""
    return Pairs(np.full(n_pre, n_post, np.int64), None, n_post)


def in_bands(
    rng: np.random.Generator,
    draw: Callable[..., np.ndarray],
    bands: np.ndarray,
    n_post: int,
    skip: bool,
    about: float,
    *more: Iterable[Any],
) -> Pairs:
    """Pairs that are drawn independently for bands of sources, a block of synapses each.

    Args:
        rng: The source of random numbers.
        draw: Gives the sorted cells of a band, a grid of sources and targets:
            `draw(rng, sources, columns, ...)`.
        bands: Number of sources of each band.
        n_post: Number of targets.
        skip: Whether a source's own place among the targets is no column of the grid.
        about: The expected number of synapses.
        more: Further arguments of `draw`, for each band.
    """
    columns = n_post - skip

    def band(
        rng: np.random.Generator, sources: int, first: int, *values: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        return _split(draw(rng, sources, columns, *values), sources, columns, first, skip)

    def targets() -> Iterator[np.ndarray]:
        firsts = (np.cumsum(bands) - bands).tolist()
        for counts, post in _blocks.drawn(rng, band, bands, firsts, *more):
            degrees.append(counts)
            yield post

    degrees: list[np.ndarray] = []
    post = _blocks.joined(targets(), about)
    return Pairs(np.concatenate(degrees), post, n_post)


def from_cells(cells: np.ndarray, n_pre: int, n_post: int, skip: bool = False) -> Pairs:
    """The pairs at sorted cells of the grid of sources and targets.

    With `skip`, a source's own place among the targets is no column of the grid.
    """
    return Pairs(*_split(cells, n_pre, n_post - skip, 0, skip), n_post)


def _split(
    cells: np.ndarray, rows: int, columns: int, first: int, skip: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Synapses of each row, and their targets, where the rows are sources from `first` on."""
    starts = np.arange(rows + 1, dtype=np.int64) * columns
    degrees, targets = row_of(cells, starts)
    targets = targets.astype(np.int32)
    if skip:
        targets += targets >= np.repeat(np.arange(first, first + rows, dtype=np.int32), degrees)
    return degrees, targets


def row_of(cells: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of sorted cells are in each row, and their columns; row r begins at `starts[r]`."""
    # Counting per row needs one search per row; division would need one per cell.
    counts = np.diff(np.searchsorted(cells, starts))
    return counts, cells - np.repeat(starts[:-1], counts)


def order_of(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> np.ndarray:
    """The stable order that sorts two lists by source, then by target."""
    if np.all(post[1:] >= post[:-1]):
        return _sampling.order_of(pre, n_pre)
    order = _sampling.order_of(post, n_post)
    return order[_sampling.order_of(pre[order], n_pre)]


def grouped(degrees: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The stable order that sorts the synapses of each source by group, of which there are few."""
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(degrees)])
    order, first = np.empty(len(group), np.int64), ends[:-1].copy()
    for number in range(groups):
        members = np.flatnonzero(group == number)
        before = np.searchsorted(members, ends)
        count = np.diff(before)
        order[np.repeat(first - before[:-1], count) + np.arange(len(members))] = members
        first += count
    return order


def is_sorted(pre: np.ndarray, post: np.ndarray) -> bool:
    """Whether two lists are sorted by source, then by target."""
    step = np.diff(pre)
    return bool(np.all((step > 0) | ((step == 0) & (post[1:] >= post[:-1]))))


def reverse(pairs: Pairs) -> Pairs:
    """Every synapse the other way round."""
    order = _sampling.order_of(pairs.post, pairs.n_post)
    degrees = np.bincount(pairs.post, minlength=pairs.n_post)
    return Pairs(degrees, pairs.pre[order], pairs.n_pre)
