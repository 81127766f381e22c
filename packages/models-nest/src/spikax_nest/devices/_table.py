"""Vectors of a device, one for all its neurons or one column for each, looked up by time."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax.errors import ConfigError, ShapeError
from spikax_nest.devices._stimulator import NEVER, TIC, check_grid


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


def check_increasing(device: Any, name: str, dt: float) -> None:
    """Raise unless times are on the grid, or may be off it, and each lies in a step of its own."""
    times, where = getattr(device, name), f"{type(device).__name__}.{name}"
    if not isinstance(times, np.ndarray):
        return
    free = np.broadcast_to(device.allow_offgrid_times, times.shape) != 0
    check_grid(np.where(free, NEVER, times), dt, where)
    steps = np.ceil((times - TIC / 2) / dt)
    if np.any((np.diff(steps, axis=0) <= 0) & (times[1:] < NEVER)):
        raise ConfigError(f"{where} must be at strictly increasing time steps.")


def on_grid(times: np.ndarray, dt: float, upwards: bool) -> np.ndarray:
    """Times in whole steps: the nearest within half a microsecond, else the next if `upwards`."""
    steps = np.round(times / dt)
    off = np.abs(times - steps * dt) > TIC / 2 + 1e-9 * times
    if off.any() and not upwards:
        raise ConfigError(
            f"Time point {times[off][0]:g} is not representable in current resolution, {dt:g} ms; "
            "set allow_offgrid_times to have it rounded up."
        )
    return np.where(off, np.ceil(times / dt), steps)


def latest(times: Array, values: Array, until: Array) -> Array:
    """Of each column the value of the last time at `until` or before; 0 if there is none."""
    if not np.shape(times)[0]:
        return jnp.zeros((), until.dtype)
    k = passed(times, until)
    return jnp.where(k > 0, column(values, jnp.maximum(k - 1, 0)), 0.0)


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
