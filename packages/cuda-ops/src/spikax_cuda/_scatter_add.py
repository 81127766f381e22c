"""The one place that writes with atomics."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.experimental.pallas import triton


def scatter_add(ref: Any, index: Array, value: Array, mask: Array, *, interpret: bool) -> None:
    """Add each value where its mask holds to `ref` at its index; indices may repeat.

    Args:
        ref: (n,), a reference inside a Pallas kernel that other programs may add to as well.
        index: (block,) int32, below n, also where the mask does not hold.
        value: (block,), of the dtype of `ref`.
        mask: (block,) bool.
        interpret: Whether the kernel is interpreted.
    """
    if interpret:
        # The interpreter runs one program at a time, but its atomics lose repeated indices and
        # know no mask.
        ref[...] = ref[...].at[index].add(jnp.where(mask, value, 0))
    else:
        triton.atomic_add(ref, index, value, mask=mask)
