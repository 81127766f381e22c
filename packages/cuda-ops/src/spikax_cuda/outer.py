"""What each synapse takes of both its ends: `weight_gradient` and `add_weight_gradient`.

Only the rows of the sources that sent are touched; no two programs write the same synapse.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax_cuda._active import active
from spikax_cuda._pallas import (
    launch,
    load,
    program,
    programs,
    shared_out,
    store,
    warps_of,
)
from spikax_cuda._rows import Reader, Rows, Synapses, reader, walk
from spikax_cuda._slots import Slots, slots
from spikax_cuda._supports import supporting
from spikax_cuda.push import PROGRAMS


@supporting("weight_gradient")
def weight_gradient(fmt: Rows, x: Array, y: Array) -> Array:
    """The operator `weight_gradient`."""
    zero = jnp.int32(0)
    return add_weight_gradient(fmt, x, zero, y[None], zero, jnp.zeros(fmt.shape, x.dtype))


@supporting("add_weight_gradient")
def add_weight_gradient(
    fmt: Rows, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    """The operator `add_weight_gradient`, in place."""
    if 0 in (fmt.n_pre, fmt.n_synapses):
        return total
    rows = reader(fmt)
    (added,) = launch(
        _outer,
        *active(x),
        x,
        ring.reshape(-1),
        rows,
        slots(delay, t, ring),
        changed=[total.reshape(-1)],
        grid=(min(fmt.n_pre, PROGRAMS), rows.parts),
        warps=warps_of(rows.block),
    )
    return added.reshape(total.shape)


def _outer(
    count: Any, index: Any, x: Any, arriving: Any, rows: Reader, place: Slots, total: Any
) -> None:
    part = program(1), programs(1)

    def of_source(k: Array) -> None:
        source = index[k]
        sent = x[source]

        def add(synapses: Synapses, _: None) -> None:
            at, inside = synapses.at, synapses.inside
            taken = sent * load(arriving, place.places(synapses), inside)
            store(total, at, load(total, at, inside) + taken, inside)

        walk(rows, source, add, None, part)

    shared_out(count[0], of_source, program(0), programs(0))
