"""Spikes by chance: a rate that grows with the potential, as a threshold that is drawn anew.

A neuron that spikes in a step where an expected count, or a probability, `expected` exp((V - V_T) /
scale) exceeds a number `drawn` is one that spikes where V exceeds V_T + scale log(drawn /
expected): so it has the surrogate gradient of any other.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from spikax.noise import uniform

NEVER = 1e9
"""mV above any potential; infinity would make a gradient of 0 a NaN."""


def drawn_probability(stream: Array, t: Array, like: Array, draw: ArrayLike = 0) -> Array:
    """Uniform numbers in (0, 1]."""
    return 1 - uniform(stream, t, draw, like.dtype)


def drawn_exponential(stream: Array, t: Array, like: Array, draw: ArrayLike = 0) -> Array:
    """Exponential numbers of mean 1, above 0: a count of mean x is not zero where x exceeds one."""
    number = -jnp.log1p(-uniform(stream, t, draw, like.dtype))
    return jnp.maximum(number, jnp.finfo(like.dtype).tiny)


def drawn_threshold(V_T: Array, scale: Array, expected: Array, drawn: ArrayLike) -> Array:
    """The potential where `expected` exp((V - V_T) / scale) comes up to `drawn`."""
    possible = expected > 0
    height = scale * (jnp.log(drawn) - jnp.log(jnp.where(possible, expected, 1.0)))
    return V_T + jnp.where(possible, height, NEVER)
