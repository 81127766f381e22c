"""Which sources sent: their number and a list of them, in order, without atomics."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax_cuda._pallas import blocks, lanes, launch, load, program, store

BLOCK = 1024
_WARPS = 4


def active(x: Array) -> tuple[Array, Array]:
    """The number of entries that are not zero, (1,), and their indices, (n,) or more.

    Each program counts its block; from the sums of the counts it knows where its own begin.
    """
    n = blocks(x.size, BLOCK)
    if not n:
        return jnp.zeros(1, jnp.int32), jnp.zeros(1, jnp.int32)
    (counts,) = launch(_count_active, x, grid=(n,), warps=_WARPS, new=[((n,), jnp.int32)])
    before = jnp.cumsum(counts) - counts
    places = [(x.shape, jnp.int32)]
    (index,) = launch(_list_active, x, before, grid=(n,), warps=_WARPS, new=places)
    return (before + counts)[-1:], index


def _flags(x: Any) -> tuple[Array, Array]:
    at = program(0) * BLOCK + lanes(BLOCK)
    inside = at < x.shape[0]
    return at, (load(x, at, inside) != 0) & inside


def _count_active(x: Any, counts: Any) -> None:
    counts[program(0)] = jnp.sum(_flags(x)[1].astype(jnp.int32))


def _list_active(x: Any, before: Any, index: Any) -> None:
    at, sent = _flags(x)
    earlier = jnp.cumsum(sent.astype(jnp.int32)) - 1
    store(index, before[program(0)] + earlier, at, sent)
