"""Along which axes of a mesh values vary under `jax.shard_map`, as a compiled call has to say."""

from __future__ import annotations

import jax
from jax import Array, lax


def axes_of(*values: Array) -> frozenset[str]:
    """The axes along which any of the values varies."""
    return frozenset[str]().union(*(jax.typeof(v).manual_axis_type.varying for v in values))


def spread(value: Array, axes: frozenset[str]) -> Array:
    """The same value, said to vary along these axes: a call wants operands that all do."""
    missing = axes - jax.typeof(value).manual_axis_type.varying
    return lax.pcast(value, tuple(missing), to="varying")
