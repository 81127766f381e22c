"""Which calls the kernels take: shapes and dtypes, since values are not known when core asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax.ops import Plastic, Procedural, fits

_MOST = 2**31  # synapses: kernels count them in int32
FLOATS = (jnp.float32, jnp.float64, jnp.bfloat16)


def supporting(op: str) -> Callable[[Any], Any]:
    """Say of a kernel of an operator which calls it takes."""

    def mark(kernel: Any) -> Any:
        kernel.supports = lambda fmt, *operands: _takes(op, fmt, operands)
        return kernel

    return mark


def _takes(op: str, fmt: Any, operands: tuple[Array, ...]) -> bool:
    integers = (jnp.uint32,) if isinstance(fmt, Procedural) else (jnp.int32,)
    known = all(leaf.dtype in integers for leaf in jax.tree.leaves(fmt))
    if op == "scatter" and operands[0].dtype == jnp.bfloat16 and operands[2].shape:
        return False  # not every GPU adds to bfloat16 by atomics
    return known and fmt.n_synapses < _MOST and fits(op, fmt, operands, FLOATS)


def plastic(which: Plastic, *operands: Array) -> bool:
    """Whether `learn` takes a call: stored synapses, one dtype, a rule of core.

    Those are compiled for GPUs by the tests. What a rule of another package does may be beyond what
    a kernel can, which would show only when a network is compiled.
    """
    events, fmt = which.events(operands), which.fmt
    floats = {v.dtype for v in operands if jnp.issubdtype(v.dtype, jnp.floating)}
    return (
        0 < fmt.n_synapses < _MOST
        and type(events.rule).__module__.startswith("spikax.")
        and events.stream is None
        and len(floats) == 1
        and floats.pop() in (jnp.float32, jnp.float64)
        and all(leaf.dtype == jnp.int32 for leaf in jax.tree.leaves((fmt, which.columns)))
    )
