"""In which slot of a ring what a synapse sends arrives."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from spikax_cuda._pallas import load
from spikax_cuda._rows import Synapses


class Slots(NamedTuple):
    """The slots of a ring of `length`, each of `width` numbers, in a ring that is laid flat.

    `refs` are those of `operands`: the first number of the one slot of all, or the slot of now and
    the delays.
    """

    length: int
    width: int
    refs: tuple[Any, ...]

    def places(self, synapses: Synapses) -> Array:
        """Where the target of each synapse stands."""
        first = self.refs[0][0]
        if len(self.refs) == 1:
            return first + synapses.target
        steps = load(self.refs[1], synapses.delay, synapses.inside).astype(jnp.int32)
        slot = first + steps
        slot = jnp.where(slot < self.length, slot, slot - self.length)
        return slot * self.width + synapses.target


def operands(delay: Array, t: Array, ring: Array) -> tuple[Array, ...]:
    """What a kernel has to be given to find slots."""
    length, width = (jnp.int32(size) for size in ring.shape)
    if delay.ndim:
        return lax.rem(t, length)[None], delay.reshape(-1)
    return ((lax.rem(t + delay.astype(jnp.int32), length) * width)[None],)


def with_row(ring: Array, row: Array, delay: Array, t: Array) -> Array:
    """The ring with a row added to the one slot of all synapses."""
    slot = lax.rem(t + delay.astype(jnp.int32), jnp.int32(len(ring)))
    flat, at = ring.reshape(-1), (slot * jnp.int32(row.size),)
    row = lax.dynamic_slice(flat, at, row.shape) + row
    return lax.dynamic_update_slice(flat, row, at).reshape(ring.shape)
