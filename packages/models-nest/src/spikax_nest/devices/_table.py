"""Vectors of a device, one for all its neurons or one column for each, looked up by time."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax.errors import ConfigError, ShapeError


def check_table(device: Any, times: str, *others: str) -> None:
    """Raise unless the times are sorted and the other vectors have as many entries, or none."""
    model, table = type(device).__name__, getattr(device, times)
    if isinstance(table, np.ndarray) and np.any(np.diff(table, axis=0) < 0):
        raise ConfigError(f"{model}.{times} must be sorted in non-descending order.")
    for name in others:
        shape = np.shape(getattr(device, name))
        if shape[0] != np.shape(table)[0]:
            raise ShapeError(
                f"{model}.{name} has shape {shape} and {times} has shape {np.shape(table)}; they "
                "must have the same size."
            )


def passed(times: Array, until: Array) -> Array:
    """How many entries of each column lie at `until` or before, () or (N,)."""
    if times.ndim == 1:
        return jnp.searchsorted(times, until, side="right")
    until = jnp.broadcast_to(until, times.shape[1:])
    return jax.vmap(lambda t, x: jnp.searchsorted(t, x, side="right"), in_axes=(1, 0))(times, until)


def column(table: Array, index: Array) -> Array:
    """The entry `index` of each column, an index in bounds; of one vector for all likewise."""
    if table.ndim == 1:
        return table.at[index].get(mode="promise_in_bounds")
    where = jnp.broadcast_to(index, table.shape[1:])
    return table.at[where, jnp.arange(where.size, dtype=where.dtype)].get(mode="promise_in_bounds")
