"""Counts by chance: Poisson of any mean, binomial of any number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from spikax.noise import POISSON_LIMIT, poisson, uniform

FAILURES = 50.0
"""Largest -log of the probability that all trials fail, which float32 still holds."""
PARTS = 1 << 16
"""How far apart the draws of the parts of a binomial count are."""


def counts(stream: Array, t: Array, mean: Array, draw: int = 0) -> Array:
    """Poisson counts of means (N,): a large one is the sum of equal ones that can be drawn."""
    mean = lax.stop_gradient(mean)
    parts = jnp.maximum(jnp.ceil(mean / POISSON_LIMIT), 1.0)
    return summed(
        parts, lambda k: poisson(stream, t, jnp.where(k < parts, mean / parts, 0.0), draw=draw + k)
    )


def binomial(stream: Array, t: Array, n: Array, p: Array, draw: Any = 0) -> Array:
    """How many of n (N,) trials succeed, each with probability p, 1 at most; no gradient flows.

    By inversion, in parts small enough for the probability of no success to be a number.
    """
    n, p = jnp.round(lax.stop_gradient(n)), lax.stop_gradient(p)
    certain = p >= 1
    p = jnp.where(certain, 0.0, p)
    parts = jnp.maximum(jnp.ceil(-n * jnp.log1p(-p) / FAILURES), 1.0)

    def part(k: Any) -> Array:
        trials = jnp.floor(n / parts) + (k < n % parts).astype(n.dtype)
        u = uniform(stream, t, jnp.int32(draw) + jnp.int32(k) * PARTS, n.dtype)
        return _inverted(u, jnp.where(k < parts, trials, 0.0), p)

    return jnp.where(certain, n, summed(parts, part))


def summed(parts: Array, part: Callable[[Any], Array]) -> Array:
    """part(0) + part(1) + ..., as many as the largest of `parts`."""

    def more(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        k, total = carry
        return k + 1, total + part(k)

    most = jnp.max(parts)
    return lax.while_loop(lambda carry: carry[0] < most, more, (jnp.ones_like(most), part(0)))[1]


def _inverted(u: Array, n: Array, p: Array) -> Array:
    """The smallest k whose cumulative binomial probability exceeds u."""
    odds, least = p / (1 - p), jnp.exp(n * jnp.log1p(-p))

    def more(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        k, mass, below, count = carry
        mass = mass * odds * (n - k) / (k + 1)
        return k + 1, mass, below + mass, count + beyond(carry)

    def beyond(carry: tuple[Array, Array, Array, Array]) -> Array:
        k, _, below, _ = carry
        return ((u >= below) & (k < n)).astype(n.dtype)

    start = jnp.zeros((), n.dtype), least, least, jnp.zeros_like(n)
    return lax.while_loop(lambda carry: jnp.any(beyond(carry) > 0), more, start)[3]
