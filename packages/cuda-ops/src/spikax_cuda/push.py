"""From the sources that sent to their targets: the operators `forward` and `scatter`.

A program takes every P-th of the sources that sent and every S-th block of their rows, so that long
rows are shared out, and adds by atomics. Their order, and with it the last digits of a sum, changes
from run to run.
"""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax_cuda import _slots
from spikax_cuda._active import active
from spikax_cuda._pallas import (
    launch,
    load,
    program,
    scatter_add,
    shared_out,
    sums_of,
    warps_of,
)
from spikax_cuda._rows import Reader, Rows, Synapses, arrays, block_for, walk
from spikax_cuda._slots import Slots
from spikax_cuda._supports import supporting

# Programs for the sources that sent: enough for every multiprocessor of an H100, eight each.
PROGRAMS = 1024
# Blocks of a row for one program; no GPU has timed another choice.
BLOCKS_EACH = 4


@supporting("forward")
def forward(fmt: Rows, weight: Array, x: Array) -> Array:
    """The operator `forward`."""
    nothing = jnp.zeros((1, fmt.n_post), sums_of(x.dtype))
    return _pushed(fmt, weight, x, jnp.int32(0), nothing, jnp.int32(0))[0].astype(x.dtype)


@supporting("scatter")
def scatter(fmt: Rows, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`, in place."""
    if ring.dtype == sums_of(ring.dtype):
        return _pushed(fmt, weight, x, delay, ring, t)
    # Not every GPU adds to bfloat16 by atomics.
    return _slots.with_row(ring, forward(fmt, weight, x), delay, t)


def _pushed(fmt: Rows, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    if 0 in (fmt.n_pre, fmt.n_synapses):
        return ring
    where = _slots.operands(delay, t, ring)
    given = (*active(x), x, weight.reshape(-1), *arrays(fmt), *where)
    push = functools.partial(
        _push, fmt=fmt, shape=ring.shape, one_weight=not weight.ndim, n_arrays=len(arrays(fmt))
    )
    (added,) = launch(
        push,
        [((ring.size,), ring.dtype)],
        *given,
        ring.reshape(-1),
        grid=(min(fmt.n_pre, PROGRAMS), parts_of(fmt)),
        warps=warps_of(block_for(fmt)),
        aliases={len(given): 0},
    )
    return added.reshape(ring.shape)


def parts_of(fmt: Rows) -> int:
    """Into how many programs the row of a source is split."""
    return max(1, min(16, fmt.n_synapses // (fmt.n_pre * block_for(fmt) * BLOCKS_EACH)))


def _push(
    count: Any,
    index: Any,
    x: Any,
    weight: Any,
    *refs: Any,
    fmt: Rows,
    shape: tuple[int, int],
    one_weight: bool,
    n_arrays: int,
) -> None:
    *given, _, ring = refs
    reader, slots = Reader(fmt, tuple(given[:n_arrays])), Slots(*shape, tuple(given[n_arrays:]))
    block, part = block_for(fmt), (program(1), parts_of(fmt))

    def of_source(k: Array) -> None:
        source = index[k]
        sent = x[source].astype(ring.dtype)

        def add(synapses: Synapses, _: None) -> None:
            each = weight[0] if one_weight else load(weight, synapses.weight, synapses.inside)
            value = jnp.broadcast_to(sent * each.astype(ring.dtype), (block,))
            scatter_add(ring, slots.places(synapses), value, synapses.inside)

        walk(reader, source, block, add, None, part)

    shared_out(count[0], of_source)
