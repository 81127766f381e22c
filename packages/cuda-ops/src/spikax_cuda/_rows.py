"""The synapses of a source as a kernel meets them: block after block, from any format.

A row is cut where the layout is, at multiples of the block, so that all blocks but its first and
last are whole: these are loaded without a mask, four words for each thread at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from spikax.ops import CSR, Dense, FixedFanOut, Procedural, delay_place, scramble, weight_place
from spikax_cuda._pallas import block_of, lanes, load, repeat

Rows = CSR | FixedFanOut | Dense | Procedural


class Synapses(NamedTuple):
    """Some synapses of one source.

    Attributes:
        at: Where they stand in the layout.
        inside: Which of them are of this source; None for all.
        target: Index of each one's target.
        weight: Where the weight of each stands.
        delay: Where its delay does.
    """

    at: Array
    inside: Array | None
    target: Array
    weight: Array
    delay: Array


def arrays(fmt: Rows) -> tuple[Array, ...]:
    """What a kernel has to be given of the format."""
    if isinstance(fmt, CSR):
        return fmt.indptr, fmt.indices
    if isinstance(fmt, FixedFanOut):
        return (fmt.indices.reshape(-1),)
    return () if isinstance(fmt, Dense) else (fmt.key,)


def block_for(fmt: Rows) -> int:
    """How many synapses to take at a time."""
    return block_of(fmt.n_synapses / fmt.n_pre)


class Reader(NamedTuple):
    """A format within a kernel: `refs` are those of `arrays`."""

    fmt: Rows
    refs: tuple[Any, ...]

    def span(self, source: Array) -> tuple[Array, Array]:
        """Where in the layout the synapses of a source begin and end."""
        if isinstance(self.fmt, CSR):
            return self.refs[0][source], self.refs[0][source + 1]
        k = self.fmt.shape[1]
        return source * k, source * k + k

    def synapses(self, source: Array, at: Array, inside: Array | None) -> Synapses:
        """The synapses at some places of the layout."""
        if isinstance(self.fmt, Procedural):
            fmt = self._format()
            target, word = fmt.slots(scramble(*fmt.words(source)), source, at - source * fmt.k)
            return Synapses(at, inside, target, weight_place(word), delay_place(word))
        target = at - source * self.fmt.n_post
        if not isinstance(self.fmt, Dense):
            target = load(self.refs[-1], at, inside)
        return Synapses(at, inside, target, at, at)

    def _format(self) -> Any:
        (key,) = self.refs
        return dataclasses.replace(self.fmt, key=(key[0], key[1]))


def walk(
    reader: Reader,
    source: Array,
    block: int,
    do: Callable[[Synapses, Any], Any],
    carry: Any = None,
    part: tuple[Array | int, int] = (0, 1),
) -> Any:
    """`carry = do(synapses, carry)` for block after block of a row.

    Args:
        reader: The format.
        source: Whose row.
        block: How many at a time.
        do: What to do with them.
        carry: What it begins with.
        part: (p, n): only every n-th block, from the p-th on.
    """

    def at_places(at: Array, inside: Array | None, carry: Any) -> Any:
        return do(reader.synapses(source, at, inside), carry)

    return walk_span(*reader.span(source), block, at_places, carry, part)


def walk_span(
    start: Array,
    stop: Array,
    block: int,
    do: Callable[[Array, Array | None, Any], Any],
    carry: Any = None,
    part: tuple[Array | int, int] = (0, 1),
) -> Any:
    """`carry = do(places, inside, carry)` for block after block of the places start to stop - 1."""
    lane, (mine, parts) = lanes(block), part
    first, last = lax.div(start + (block - 1), jnp.int32(block)), lax.div(stop, jnp.int32(block))

    def whole(k: Array, carry: Any) -> Any:
        return do((first + mine + k * parts) * block + lane, None, carry)

    def edge(k: Array, carry: Any) -> Any:
        """The places before the first whole block, then those after the last."""
        after = jnp.maximum(first, last)
        at = jnp.where(k == 0, lax.div(start, jnp.int32(block)), after) * block + lane
        low = jnp.where(k == 0, start, after * block)
        high = jnp.where(k == 0, jnp.minimum(first * block, stop), stop)
        return do(at, (at >= low) & (at < high), carry)

    left = jnp.maximum(last - first - mine, 0)
    carry = repeat(lax.div(left + (parts - 1), jnp.int32(parts)), whole, carry)
    return repeat(jnp.where(mine == 0, jnp.int32(2), jnp.int32(0)), edge, carry)
