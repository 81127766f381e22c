"""The synapses of each target: where a plastic projection finds those that a spike changes."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jax import Array

from spikax._formats import CSR, Dense, Format, OneToOne
from spikax._sampling import order_of


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Columns:
    """The synapses by target, and by delay where they have one each.

    Nothing is stored where the layout of the format tells.

    Attributes:
        indptr: (n_post * steps + 1,) int32; the synapses of target j with a delay of d steps stand
            at j * steps + d - 1 and up to the next, of all delays at j if all have the same.
        synapses: (n_synapses,) int32, where each stands in the layout.
        sources: (n_synapses,) int32, the source of each; None if the layout tells.
    """

    indptr: Array | None = None
    synapses: Array | None = None
    sources: Array | None = None


def columns(fmt: Format, delays: Array | None, steps: int) -> Columns:
    """Sort the synapses of a format.

    Args:
        fmt: The connectivity.
        delays: In steps, in the layout; None if all synapses have the same.
        steps: The longest delay.
    """
    if isinstance(fmt, OneToOne) or (isinstance(fmt, Dense) and delays is None):
        return Columns()
    segment, n_segments = np.ravel(np.asarray(fmt.targets)), fmt.n_post
    if delays is not None:
        segment = segment * np.int64(steps) + np.ravel(np.asarray(delays, np.int64)) - 1
        n_segments *= steps
    order = order_of(segment, n_segments)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(segment, minlength=n_segments))])
    sources = None
    if isinstance(fmt, CSR):
        counts = np.diff(np.asarray(fmt.indptr))
        sources = _index(np.repeat(np.arange(fmt.n_pre, dtype=np.int32), counts)[order])
    return Columns(_index(indptr), _index(order), sources)


def _index(values: np.ndarray) -> Array:
    return jax.device_put(values.astype(np.int32, copy=False))
