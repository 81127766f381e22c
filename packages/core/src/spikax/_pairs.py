"""The synapses of a projection as two lists, sources and targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikax import _sampling


@dataclass(frozen=True, eq=False)
class Pairs:
    """The synapses of a projection, sorted by source and then by target.

    Attributes:
        pre: Index of the source of each synapse, int32.
        post: Index of the target, int32.
        n_pre: Number of neurons that may be sources.
        n_post: Number of neurons that may be targets.
        dense: Whether every pair is connected exactly once by the nature of the rule.
        order: For a rule whose synapses the user lists: the place of each synapse in that list,
            None if the list is sorted already. Values given along with the list follow it:
            `values[order]`.
    """

    pre: np.ndarray
    post: np.ndarray
    n_pre: int
    n_post: int
    dense: bool = False
    order: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.pre)


def from_cells(
    cells: np.ndarray,
    n_pre: int,
    n_post: int,
    skip: bool = False,
    *,
    dense: bool = False,
    order: np.ndarray | None = None,
) -> Pairs:
    """The pairs at sorted cells of the grid of sources and targets.

    With `skip`, a source's own place among the targets is no column of the grid.
    """
    row, column = split(cells, np.arange(n_pre + 1, dtype=np.int64) * (n_post - skip))
    pre, post = row.astype(np.int32), column.astype(np.int32)
    if skip:
        post += post >= pre
    return Pairs(pre, post, n_pre, n_post, dense, order)


def split(cells: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of sorted cells, where row r begins at cell `starts[r]`."""
    # Counting per row needs one search per row; division would need one per cell.
    counts = np.diff(np.searchsorted(cells, starts))
    row = np.repeat(np.arange(starts.size - 1, dtype=np.int64), counts)
    return row, cells - np.repeat(starts[:-1], counts)


def reverse(pairs: Pairs) -> Pairs:
    """Every synapse the other way round."""
    order = _sampling.order_of(pairs.post, pairs.n_post)
    counts = np.bincount(pairs.post, minlength=pairs.n_post)
    pre = np.repeat(np.arange(pairs.n_post, dtype=pairs.post.dtype), counts)
    return Pairs(pre, pairs.pre[order], pairs.n_post, pairs.n_pre)
