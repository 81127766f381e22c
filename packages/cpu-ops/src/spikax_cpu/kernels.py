"""The operators, by the C++ of this pack; importing this loads it.

What each computes is said in `spikax.ops`. Only the synapses of the sources that sent are touched,
and sums are made in the order of the reference, whatever the number of threads.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

import spikax_cpu
from spikax.ops import CSR, FixedFanOut, Formats, axes_of, fits, spread
from spikax_cpu import _library
from spikax_cpu._call import run

_library.register(spikax_cpu.__path__)

Sparse = CSR | FixedFanOut

CHUNKS = 0
"""In how many chunks to work: 0 for as many as XLA has threads, where there is enough to do."""

_FLOATS = (jnp.float32, jnp.float64)


def forward(fmt: Sparse, weight: Array, x: Array) -> Array:
    """The operator `forward`."""
    return _operator("forward", fmt, (fmt.n_post,), weight, x)


def scatter(fmt: Sparse, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`, in place."""
    return together(Formats((fmt,), (0,), (0,)), t, weight, delay, x, ring)[0]


def together(which: Formats, t: Array, *given: Array) -> tuple[Array, ...]:
    """The operator `scatter` for several projections, in place, by one call."""
    weights, delays, xs, rings = which.split(given)
    axes = axes_of(*jax.tree.leaves((which, t, given)))
    projections = [
        operand
        for fmt, weight, delay in zip(which.fmts, weights, delays, strict=True)
        for operand in (*_arrays(fmt), weight, delay)
    ]
    numbers = {"sources": which.sources, "rings": which.rings}
    numbers["n_post"] = tuple(fmt.n_post for fmt in which.fmts)
    first = 1 + len(xs)

    def add(*flat: Array) -> list[Array]:
        return run(
            "scatter",
            [(ring.shape, ring.dtype) for ring in flat],
            *(t, *xs, *flat, *projections),
            aliases={first + k: k for k in range(len(flat))},
            chunks=np.int64(CHUNKS),
            **{name: np.array(value, np.int64) for name, value in numbers.items()},
        )

    # XLA would copy a ring that was changed in this step before a call that works in place, and
    # once more after it; not where the call stands in a branch, and the ring is flat as in core's
    # loop (a change of shape would be fused with what came before, into another copy).
    before = [spread(ring.reshape(-1), axes) for ring in rings]
    after = lax.cond(t >= 0, add, lambda *flat: [*flat], *before)
    return tuple(flat.reshape(ring.shape) for flat, ring in zip(after, rings, strict=True))


def transpose(fmt: Sparse, weight: Array, y: Array) -> Array:
    """The operator `transpose`."""
    return _operator("transpose", fmt, (fmt.n_pre,), weight, y)


def weight_gradient(fmt: Sparse, x: Array, y: Array) -> Array:
    """The operator `weight_gradient`."""
    return _operator("weight_gradient", fmt, fmt.shape, x, y)


def _operator(op: str, fmt: Any, shape: tuple[int, ...], *operands: Array) -> Array:
    results = [(shape, operands[0].dtype)]
    return run(op, results, *_arrays(fmt), *operands, chunks=np.int64(CHUNKS))[0]


def _arrays(fmt: Any) -> tuple[Array, Array]:
    # A fixed fan-out has no indptr; the library sees it by the rank of the indices.
    return fmt.indptr if isinstance(fmt, CSR) else jnp.zeros(0, jnp.int32), fmt.indices


def _supports(op: str) -> Any:
    """What core asks before it takes a kernel: by shape and dtype, since values are unknown."""

    def supports(fmt: Sparse, *operands: Array) -> bool:
        indices = (leaf.dtype == jnp.int32 for leaf in jax.tree.leaves(fmt))
        return all(indices) and fits(op, fmt, operands, _FLOATS)

    return supports


for _kernel in (forward, scatter, transpose, weight_gradient):
    vars(_kernel)["supports"] = _supports(_kernel.__name__)
vars(scatter)["together"] = together
