"""From targets back to sources: the operators `transpose` and `collect`. Nothing is atomic.

A program sums the row of one source, so a sum is the same in every run.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax_cuda._pallas import launch, load, program, read, sums_of, warps_of, when
from spikax_cuda._rows import Reader, Rows, Synapses, reader, walk
from spikax_cuda._slots import Slots, slots
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
    asked, rows = ((x != 0) | ~jnp.signbit(x)).astype(jnp.int32), reader(fmt)
    given = asked, ring.reshape(-1), weight.reshape(-1), rows, slots(delay, t, ring)
    grid, warps = (fmt.n_pre,), warps_of(rows.block)
    return launch(_pull, *given, changed=[total], grid=grid, warps=warps)[0]


def _pull(asked: Any, arriving: Any, weight: Any, rows: Reader, place: Slots, total: Any) -> None:
    source, wide = program(0), sums_of(total.dtype)

    @when(asked[source] != 0)
    def _() -> None:
        def add(synapses: Synapses, sums: Array) -> Array:
            taken = load(arriving, place.places(synapses), synapses.inside).astype(wide)
            return sums + taken * read(weight, synapses.weight, synapses.inside).astype(wide)

        taken = jnp.sum(walk(rows, source, add, jnp.zeros(rows.block, wide)))
        total[source] = (total[source].astype(wide) + taken).astype(total.dtype)
