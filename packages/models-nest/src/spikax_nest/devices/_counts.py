"""Poisson counts of any mean."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from spikax.noise import POISSON_LIMIT, poisson


def counts(stream: Array, t: Array, mean: Array) -> Array:
    """Poisson counts of means (N,): a large one is the sum of equal ones that can be drawn."""
    mean = lax.stop_gradient(mean)
    parts = jnp.maximum(jnp.ceil(mean / POISSON_LIMIT), 1.0)
    first = poisson(stream, t, mean / parts)

    def more(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        k, total = carry
        drawn = poisson(stream, t, jnp.where(k < parts, mean / parts, 0.0), draw=k)
        return k + 1, total + drawn

    most = jnp.max(parts)
    return lax.while_loop(lambda carry: carry[0] < most, more, (jnp.ones_like(most), first))[1]
