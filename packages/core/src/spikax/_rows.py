"""Procedural operators on a CPU: the rows of the sources that sent, computed one after the other.

A spike costs a hash for each synapse. The sums are those of the reference, in its order.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from spikax._event_driven import (
    BLOCK,
    active,
    first_block,
    next_block,
    place_of,
    value_at,
    varying,
)
from spikax._ops import Formats
from spikax._procedural import Procedural, delay_of, weight_of


def together(which: Formats, t: Array, *given: Array) -> tuple[Array, ...]:
    """The operator `scatter` for several projections."""
    weights, delays, xs, rings = which.split(given)
    found = [active(x) for x in xs]
    each = zip(which.fmts, weights, delays, which.sources, which.rings, strict=True)
    for fmt, weight, delay, source, k in each:
        rings[k] = _walk(fmt, weight, xs[source], delay, rings[k], t, found[source])
    return tuple(rings)


def scatter(fmt: Procedural, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`."""
    return together(Formats((fmt,), (0,), (0,)), t, weight, delay, x, ring)[0]


def forward(fmt: Procedural, weight: Array, x: Array) -> Array:
    """The operator `forward`."""
    nothing = jnp.zeros((1, fmt.n_post), x.dtype)
    return scatter(fmt, weight, x, jnp.int32(0), nothing, jnp.int32(0))[0]


vars(scatter)["together"] = together


def _walk(
    fmt: Any,
    weight: Array,
    x: Array,
    delay: Array,
    ring: Array,
    t: Array,
    found: tuple[Array, Array],
) -> Array:
    """Block after block of the synapses of each source, added to their targets in place."""
    (count, index), size = found, min(BLOCK, fmt.k)
    if not size:
        return ring

    def body(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        (j, k), flat = carry
        source = value_at(index, j)
        slot = k * size + jnp.arange(size, dtype=jnp.int32)
        target, word = fmt.row(source, slot)
        each = weight_of(weight, word) if weight.ndim else weight
        sent = jnp.where(slot < fmt.k, value_at(x, source) * each, 0.0)
        steps = delay_of(delay, word) if delay.ndim else delay
        after = next_block(j, k, (k + 1) * size >= fmt.k)
        place = place_of(target, steps, ring, t)
        return after, flat.at[place].add(sent, mode="promise_in_bounds")

    begin = first_block(t), ring.reshape(-1)
    begin = varying(begin, fmt, weight, x, delay, t, found, ring)
    return lax.while_loop(lambda c: c[0][0] < count, body, begin)[1].reshape(ring.shape)
