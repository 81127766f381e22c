"""The spikes of one step, which are a count."""

from __future__ import annotations

import jax.numpy as jnp

from spikax._system import Array


def first_and_more(spikes: Array) -> tuple[Array, Array]:
    """The first spike of a step and the number of those after it.

    Linear about 0 and 1, where a surrogate or a sigmoid takes its slope.
    """
    more = jnp.where(spikes > 1.5, spikes - 1, 0.0)
    return spikes - more, more
