"""A dense matrix: each program sums some columns over the sources that sent. Nothing is atomic."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

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

BLOCK = 128  # columns of a program
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
        [((fmt.n_post,), x.dtype)],
        *active(x),
        x,
        weight.reshape(-1),
        grid=(blocks(fmt.n_post, BLOCK),),
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
    n_post = arrived.shape[0]
    column = program(0) * BLOCK + lanes(BLOCK)
    inside = column < n_post
    wide = sums_of(arrived.dtype)

    def of_source(k: Array, sums: Array) -> Array:
        source = index[k]
        row = load(weight, source * n_post + column, inside).astype(wide)
        return sums + x[source].astype(wide) * row

    sums = repeat(count[0], of_source, jnp.zeros(BLOCK, wide))
    store(arrived, column, sums.astype(arrived.dtype), inside)
