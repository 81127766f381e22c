"""In which slot of a ring what a synapse sends arrives."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax_cuda._pallas import load
from spikax_cuda._rows import Synapses


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["first", "delay"],
    meta_fields=["length", "width"],
)
@dataclass(frozen=True)
class Slots:
    """The slots of a ring that is laid flat, as a kernel is given them.

    Attributes:
        first: (1,), the first place of the one slot of all synapses, or the slot of this step.
        delay: The delays, where synapses have their own; else None.
        length: Number of slots.
        width: Numbers in each.
    """

    first: Any
    delay: Any
    length: int
    width: int

    def places(self, synapses: Synapses) -> Array:
        """Where the target of each synapse stands."""
        if self.delay is None:
            return self.first[0] + synapses.target
        slot = self.first[0] + load(self.delay, synapses.delay, synapses.inside).astype(jnp.int32)
        slot = jnp.where(slot < self.length, slot, slot - self.length)
        return slot * self.width + synapses.target


def slots(delay: Array, t: Array, ring: Array) -> Slots:
    """What a kernel has to be given to find slots."""
    length, width = ring.shape
    if delay.ndim:
        return Slots(lax.rem(t, jnp.int32(length))[None], delay.reshape(-1), length, width)
    slot = lax.rem(t + delay.astype(jnp.int32), jnp.int32(length))
    return Slots((slot * jnp.int32(width))[None], None, length, width)


def with_row(ring: Array, row: Array, delay: Array, t: Array) -> Array:
    """The ring with a row added to the one slot of all synapses."""
    slot = lax.rem(t + delay.astype(jnp.int32), jnp.int32(len(ring)))
    flat, at = ring.reshape(-1), (slot * jnp.int32(row.size),)
    row = lax.dynamic_slice(flat, at, row.shape) + row
    return lax.dynamic_update_slice(flat, row, at).reshape(ring.shape)
