"""The synapses of a source as a kernel meets them: block after block, from any format.

A row is cut where the layout is, at multiples of the block, so that all blocks but its first and
last are whole: these are loaded without a mask, four words for each thread at once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax.ops import CSR, Dense, FixedFanOut, Procedural, delay_place, scramble, weight_place
from spikax_cuda._pallas import block_of, lanes, load, repeat

Rows = CSR | FixedFanOut | Dense | Procedural
BLOCKS_EACH = 4  # blocks of a row for one program; no GPU has timed another choice


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


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["arrays"],
    meta_fields=["form", "n_pre", "n_post", "n_synapses", "no_autapses", "block"],
)
@dataclass(frozen=True)
class Reader:
    """A format as a kernel is given it: its arrays, laid flat, and what is known without them.

    Attributes:
        arrays: Those of the format; references within a kernel.
        form: Its class.
        block: How many synapses a program takes at a time.
    """

    arrays: tuple[Any, ...]
    form: type
    n_pre: int
    n_post: int
    n_synapses: int
    no_autapses: bool
    block: int

    @property
    def k(self) -> int:
        """Synapses of every source, where all have as many."""
        return self.n_synapses // self.n_pre

    @property
    def parts(self) -> int:
        """Into how many programs the row of a source is split."""
        return max(1, min(16, self.n_synapses // (self.n_pre * self.block * BLOCKS_EACH)))

    def span(self, source: Array) -> tuple[Array, Array]:
        """Where in the layout the synapses of a source begin and end."""
        if self.form is CSR:
            return self.arrays[0][source], self.arrays[0][source + 1]
        return source * self.k, source * self.k + self.k

    def synapses(self, source: Array, at: Array, inside: Array | None) -> Synapses:
        """The synapses at some places of the layout."""
        if self.form is Procedural:
            target, word = self._computed(source, at)
            return Synapses(at, inside, target, weight_place(word), delay_place(word))
        target = at - source * self.n_post
        if self.form is not Dense:
            target = load(self.arrays[-1], at, inside)
        return Synapses(at, inside, target, at, at)

    def _computed(self, source: Array, at: Array) -> Any:
        key: Any = self.arrays[0][0], self.arrays[0][1]
        fmt = Procedural(key, self.n_pre, self.n_post, self.no_autapses, self.k)
        return fmt.slots(scramble(*fmt.words(source)), source, at - source * self.k)


def reader(fmt: Rows) -> Reader:
    """What a kernel has to be given of a format."""
    block = block_of(fmt.n_synapses / max(1, fmt.n_pre))
    no_autapses = getattr(fmt, "no_autapses", False)
    arrays = tuple(leaf.reshape(-1) for leaf in jax.tree.leaves(fmt))
    return Reader(arrays, type(fmt), fmt.n_pre, fmt.n_post, fmt.n_synapses, no_autapses, block)


def walk(
    reader: Reader,
    source: Array,
    do: Callable[[Synapses, Any], Any],
    carry: Any = None,
    part: tuple[Array | int, Array | int] = (0, 1),
) -> Any:
    """`carry = do(synapses, carry)` for block after block of a row.

    Args:
        reader: The format.
        source: Whose row.
        do: What to do with them.
        carry: What it begins with.
        part: (p, n): only every n-th block, from the p-th on.
    """

    def at_places(at: Array, inside: Array | None, carry: Any) -> Any:
        return do(reader.synapses(source, at, inside), carry)

    return walk_span(*reader.span(source), reader.block, at_places, carry, part)


def walk_span(
    start: Array,
    stop: Array,
    block: int,
    do: Callable[[Array, Array | None, Any], Any],
    carry: Any = None,
    part: tuple[Array | int, Array | int] = (0, 1),
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
    carry = repeat(lax.div(left + (parts - 1), jnp.asarray(parts, jnp.int32)), whole, carry)
    return repeat(jnp.where(mine == 0, jnp.int32(2), jnp.int32(0)), edge, carry)
