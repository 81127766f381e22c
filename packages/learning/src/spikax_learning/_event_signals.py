"""Spikes that enter an exact run, and what a loss reads of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork
from spikax.errors import ShapeError, unknown
from spikax.units import ms, to_coherent
from spikax_learning._event_network import Layout
from spikax_learning._events import Given, Spikes, index
from spikax_learning._inputs import steps


def is_time(value: Any) -> bool:
    """Whether a value has a unit."""
    return hasattr(value, "unit") or hasattr(value, "mantissa")


def entering(
    net: BuiltNetwork, plan: Layout, inputs: Mapping[str, Any]
) -> tuple[Array, Array, Array]:
    """Times of the spikes from outside, in order and ended by inf; their sources; any odd ones."""
    paths = {f"{name}.spike": (first, dict(net.sizes)[name]) for name, first in plan.inputs}
    times, sources = [jnp.array([jnp.inf])], [jnp.zeros(1, jnp.int32)]
    odd = jnp.array(False)
    for path, value in inputs.items():
        if path not in paths:
            raise unknown("input for spikes", path, paths)
        first, size = paths[path]
        numbers = jnp.asarray(to_coherent(value, ms, path) if is_time(value) else value, float)
        if numbers.ndim != 2 or numbers.shape[1] != size:
            raise ShapeError(
                f"input {path!r} has shape {numbers.shape}; expected (spikes, {size}) for times, "
                f"or one row of {size} for each step."
            )
        if is_time(value):
            odd |= jnp.any(numbers < 0)
        else:
            odd |= jnp.any((numbers != 0) & (numbers != 1))
            stamps = (jnp.arange(len(numbers), dtype=numbers.dtype) + 1) * net.dt
            numbers = jnp.where(numbers > 0, stamps[:, None], jnp.inf)
        times.append(numbers.ravel())
        own = (first + index(size))[None]
        sources.append(jnp.broadcast_to(own, numbers.shape).ravel())
    time, source = jnp.concatenate(times), jnp.concatenate(sources)
    order = jnp.argsort(time)
    return time[order], source[order], odd


def first_spikes(made: Spikes, offset: int, count: int, first: int) -> Array:
    """(first, count), the first spikes of each neuron of a population, inf for none."""
    fired = index(len(made.time)) < made.number
    own = (made.source[:, None] == offset + index(count)[None]) & fired[:, None]
    rank = jnp.sum(jnp.where(own, jnp.cumsum(own, axis=0), 0), axis=1) - 1
    row = jnp.where(jnp.any(own, axis=1), rank, first)  # beyond the end: dropped
    empty = jnp.full((first, count), jnp.inf)
    return empty.at[row, made.source - offset].set(made.time, mode="drop")


def means(
    net: BuiltNetwork,
    made: Spikes,
    jumps: Array,
    given: Given,
    y: Array,
    population: str,
    targets: Any,
) -> Array:
    """(rows, N), the mean of a readout over each of as many equal parts as targets has rows."""
    readout: Any = net.whole().nodes[population]
    rows = steps(targets)
    edges = jnp.linspace(0.0, 1.0, rows + 1) * given.end
    tau = jnp.broadcast_to(readout.tau, y.shape)[None, None, :]

    def area(since: Array) -> Array:
        """(rows, K, N), the integral over each part of 1 that decays from `since`, (K,), on."""
        passed = jnp.maximum(edges[:, None] - since[None, :], 0.0)[:, :, None]
        return jnp.diff(-tau * jnp.expm1(-passed / tau), axis=0)

    def add(total: Array, by_delay: tuple[Array, Array]) -> tuple[Array, None]:
        lag, table = by_delay
        return total + jnp.sum(area(made.time + lag) * table[made.source][None], axis=1), None

    total = jnp.sum(area(jnp.zeros(1)) * y[None, None, :], axis=1)
    total, _ = jax.lax.scan(add, total, (given.lags, jumps))
    return total / (given.end / rows)
