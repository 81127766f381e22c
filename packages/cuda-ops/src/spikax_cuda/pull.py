"""From targets back to sources: the operators `transpose` and `collect`. Nothing is atomic.

A program sums the row of one source, so a sum is the same in every run.
"""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax_cuda import _slots
from spikax_cuda._pallas import launch, load, program, sums_of, warps_of, when
from spikax_cuda._rows import Reader, Rows, Synapses, arrays, block_for, walk
from spikax_cuda._slots import Slots
from spikax_cuda._supports import supporting


@supporting("transpose")
def transpose(fmt: Rows, weight: Array, y: Array) -> Array:
    """The operator `transpose`."""
    zero = jnp.int32(0)
    nothing, asked = jnp.zeros(fmt.n_pre, y.dtype), jnp.ones(fmt.n_pre, y.dtype)
    return collect(fmt, weight, asked, zero, y[None], zero, nothing)


@supporting("collect")
def collect(
    fmt: Rows, weight: Array, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    """The operator `collect`, in place."""
    if 0 in (fmt.n_pre, fmt.n_synapses):
        return total
    asked = ((x != 0) | ~jnp.signbit(x)).astype(jnp.int32)
    where = _slots.operands(delay, t, ring)
    given = (asked, ring.reshape(-1), weight.reshape(-1), *arrays(fmt), *where)
    pull = functools.partial(
        _pull, fmt=fmt, shape=ring.shape, one_weight=not weight.ndim, n_arrays=len(arrays(fmt))
    )
    (taken,) = launch(
        pull,
        [(total.shape, total.dtype)],
        *given,
        total,
        grid=(fmt.n_pre,),
        warps=warps_of(block_for(fmt)),
        aliases={len(given): 0},
    )
    return taken


def _pull(
    asked: Any,
    arriving: Any,
    weight: Any,
    *refs: Any,
    fmt: Rows,
    shape: tuple[int, int],
    one_weight: bool,
    n_arrays: int,
) -> None:
    *given, _, total = refs
    reader, slots = Reader(fmt, tuple(given[:n_arrays])), Slots(*shape, tuple(given[n_arrays:]))
    source, block = program(0), block_for(fmt)
    wide = sums_of(total.dtype)

    @when(asked[source] != 0)
    def _() -> None:
        def add(synapses: Synapses, sums: Array) -> Array:
            taken = load(arriving, slots.places(synapses), synapses.inside).astype(wide)
            if one_weight:
                return sums + taken
            return sums + taken * load(weight, synapses.weight, synapses.inside).astype(wide)

        taken = jnp.sum(walk(reader, source, block, add, jnp.zeros(block, wide)))
        taken = taken * weight[0].astype(wide) if one_weight else taken
        total[source] = (total[source].astype(wide) + taken).astype(total.dtype)
