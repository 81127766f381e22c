"""A dense matrix: each program sums some columns over the sources that sent. Nothing is atomic."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from spikax.ops import Dense
from spikax_cuda import push
from spikax_cuda._active import active
from spikax_cuda._pallas import (
    blocks,
    lanes,
    launch,
    load,
    program,
    repeat,
    store,
    sums_of,
)
from spikax_cuda._slots import with_row
from spikax_cuda._supports import supporting

COLUMNS, SOURCES = 128, 16  # of a program at a time; no GPU has timed another choice
_WARPS = 4


@supporting("forward")
def forward(fmt: Dense, weight: Array, x: Array) -> Array:
    """The operator `forward`."""
    if not weight.ndim:
        return jnp.broadcast_to(weight * jnp.sum(x), (fmt.n_post,))
    if 0 in fmt.shape:
        return jnp.zeros(fmt.n_post, x.dtype)
    (arrived,) = launch(
        _sum_columns,
        *active(x),
        x,
        weight.reshape(-1),
        new=[((fmt.n_post,), x.dtype)],
        grid=(blocks(fmt.n_post, COLUMNS),),
        warps=_WARPS,
    )
    return arrived


@supporting("scatter")
def scatter(fmt: Dense, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`: with one delay for all, one slot of the ring gets the sums."""
    if delay.ndim:
        return push.scatter(fmt, weight, x, delay, ring, t)
    return with_row(ring, forward(fmt, weight, x), delay, t)


def _sum_columns(count: Any, index: Any, x: Any, weight: Any, arrived: Any) -> None:
    n_post, wide = arrived.shape[0], sums_of(arrived.dtype)
    column = program(0) * COLUMNS + lanes(COLUMNS)
    inside, across = column < n_post, (SOURCES, COLUMNS)

    def add(k: Array, sums: Array) -> Array:
        """The columns of some rows at once, so that many loads are on their way."""
        place = k * SOURCES + lanes(SOURCES)
        there = place < count[0]
        source = load(index, place, there)
        sent = load(x, source, there).astype(wide)
        at = jnp.broadcast_to((source * n_post)[:, None], across) + column[None, :]
        rows = load(weight, at, there[:, None] & inside[None, :]).astype(wide)
        return sums + sent[:, None] * rows

    turns = lax.div(count[0] + (SOURCES - 1), jnp.int32(SOURCES))
    sums = jnp.sum(repeat(turns, add, jnp.zeros(across, wide)), axis=0)
    store(arrived, column, sums.astype(arrived.dtype), inside)
