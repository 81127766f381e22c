"""What each synapse takes of both its ends: `weight_gradient` and `add_weight_gradient`.

Only the rows of the sources that sent are touched; no two programs write the same synapse.
"""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax_cuda import _slots
from spikax_cuda._active import active
from spikax_cuda._pallas import launch, load, program, shared_out, store, warps_of
from spikax_cuda._rows import Reader, Rows, Synapses, arrays, block_for, walk
from spikax_cuda._slots import Slots
from spikax_cuda._supports import supporting
from spikax_cuda.push import PROGRAMS, parts_of


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
    where = _slots.operands(delay, t, ring)
    given = (*active(x), x, ring.reshape(-1), *arrays(fmt), *where)
    outer = functools.partial(_outer, fmt=fmt, shape=ring.shape, n_arrays=len(arrays(fmt)))
    (added,) = launch(
        outer,
        [((total.size,), total.dtype)],
        *given,
        total.reshape(-1),
        grid=(min(fmt.n_pre, PROGRAMS), parts_of(fmt)),
        warps=warps_of(block_for(fmt)),
        aliases={len(given): 0},
    )
    return added.reshape(total.shape)


def _outer(
    count: Any,
    index: Any,
    x: Any,
    arriving: Any,
    *refs: Any,
    fmt: Rows,
    shape: tuple[int, int],
    n_arrays: int,
) -> None:
    *given, _, total = refs
    reader, slots = Reader(fmt, tuple(given[:n_arrays])), Slots(*shape, tuple(given[n_arrays:]))
    part = program(1), parts_of(fmt)

    def of_source(k: Array) -> None:
        source = index[k]
        sent = x[source]

        def add(synapses: Synapses, _: None) -> None:
            at, inside = synapses.at, synapses.inside
            taken = sent * load(arriving, slots.places(synapses), inside)
            store(total, at, load(total, at, inside) + taken, inside)

        walk(reader, source, block_for(fmt), add, None, part)

    shared_out(count[0], of_source)
