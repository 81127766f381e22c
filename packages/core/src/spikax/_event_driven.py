"""Operators that touch only the synapses of the sources that sent: what core uses on a CPU.

The sources are found by packing 32 flags into a word and peeling off its bits; a loop then adds
block after block of their synapses in place, for all projections of a source at once. Both loops
are bounded by the number of sources, so nothing can overflow. The sums are those of the reference,
in the same order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax._formats import CSR, Dense, FixedFanOut, Format
from spikax._ops import REFERENCE, Formats, learns

FEWEST = 4096  # synapses; below, all of them at once are as fast
BLOCK = 512  # synapses at a time, at most
# Projections in one loop. XLA's CPU runtime executes a loop body of up to eight kernels one after
# the other, a longer one through a scheduler that costs more than these kernels; three each.
_AT_ONCE = 2
_WORTH_A_THREAD = 500  # synapses of a source
_IN_BOUNDS = "promise_in_bounds"


def varying(tree: Any, *operands: Any) -> Any:
    """The same values; under `shard_map` they vary over the mesh where an operand does.

    A loop has to begin with variables of the kind that it ends with. XLA drops the selection.
    """
    first = [leaf.reshape(-1)[0] != 0 for leaf in jax.tree.leaves(operands)]
    either = functools.reduce(jnp.logical_or, first)
    return jax.tree.map(lambda v: lax.select(either, v, v), tree)


def active(x: Array, t: Array | int = 0) -> tuple[Array, Array]:
    """Number of the entries that are not zero, and their indices, (n,) with what follows unused.

    The search waits until `t`, which is not negative, is known.
    """
    # The words as an array of their own: a loop would pack a word anew whenever it looks at it.
    words = lax.optimization_barrier(_words(x != 0))
    of_words = _words(words != 0)

    def note(i: Array, found: tuple[Array, Array]) -> tuple[Array, Array]:
        count, index = found
        return count + 1, index.at[count].set(i, mode=_IN_BOUNDS)

    def in_word(k: Array, found: Any) -> Any:
        return _each_bit(value_at(words, k), k * 32, note, found)

    def in_words(k: Array, found: Any) -> Any:
        return _each_bit(value_at(of_words, k), k * 32, in_word, found)

    zero = jnp.minimum(jnp.asarray(t, jnp.int32), 0)
    start = varying((zero, jnp.broadcast_to(zero, x.shape)), x)
    return lax.fori_loop(jnp.int32(0), jnp.int32(of_words.shape[0]), in_words, start)


def _words(flags: Array) -> Array:
    """Flags, 32 to a word, the last one with what is left over."""
    whole = flags.shape[0] // 32 * 32
    # Padding the flags instead would keep XLA from vectorising this.
    words, rest = _word(flags[:whole].reshape(-1, 32)), flags[whole:]
    return jnp.concatenate([words, _word(rest[None])]) if rest.size else words


def _word(flags: Array) -> Array:
    bits = jnp.arange(flags.shape[-1], dtype=jnp.uint32)[None]
    return jnp.sum(flags.astype(jnp.uint32) << bits, axis=-1, dtype=jnp.uint32)


def _each_bit(word: Array, base: Array, do: Callable[[Array, Any], Any], carry: Any) -> Any:
    """Call `do(base + bit, carry)` for the bits of a word that are set, the lowest first."""

    def lowest(state: tuple[Array, Any]) -> tuple[Array, Any]:
        word, carry = state
        bit = lax.population_count((word & (~word + 1)) - 1).astype(jnp.int32)
        return word & (word - 1), do(base + bit, carry)

    return lax.while_loop(lambda state: state[0] != 0, lowest, (word, carry))[1]


def value_at(values: Array, index: Array) -> Array:
    """Values at an index or several, which are trusted."""
    return values.at[index].get(mode=_IN_BOUNDS)


def flattened(values: Array) -> Array:
    """One value per synapse end to end, as a loop takes them; what is one number stays one.

    A change of shape within the loop would be undone index by index, eight times slower.
    """
    return values.reshape(-1) if values.ndim else values


def slice_of(values: Array, start: Array, size: int) -> Array:
    """Values next to each other."""
    # One contiguous slice: a gather would check and load index by index.
    return lax.dynamic_slice(values, (start,), (size,))


def block_of(n_synapses: int, n_rows: int) -> int:
    """Synapses of a row or column that are taken at a time: most fit into one block."""
    mean = n_synapses / n_rows
    usual = 8 * math.ceil((mean + 2 * math.sqrt(mean)) / 8)
    return min(BLOCK, n_synapses, usual)


def _block(fmt: Format) -> int:
    if isinstance(fmt, FixedFanOut | Dense):
        return min(BLOCK, fmt.shape[1])
    return block_of(fmt.n_synapses, fmt.n_pre)


def row_of(fmt: Any, source: Array) -> tuple[Array, Array]:
    """Where the synapses of a source begin and end."""
    if isinstance(fmt, FixedFanOut | Dense):
        return source * fmt.shape[1], (source + 1) * fmt.shape[1]
    return value_at(fmt.indptr, source), value_at(fmt.indptr, source + 1)


def target_list(fmt: Format) -> Array | int:
    """Targets of all synapses; of a dense matrix, whose layout tells them, their number."""
    return fmt.n_post if isinstance(fmt, Dense) else flattened(fmt.targets)


def targets_of(targets: Array | int, start: Array, size: int) -> Array:
    """Targets of synapses that stand next to each other."""
    if isinstance(targets, int):
        return lax.rem(start + jnp.arange(size, dtype=jnp.int32), jnp.int32(targets))
    return slice_of(targets, start, size)


def place_of(targets: Array, steps: Array, ring: Array, t: Array) -> Array:
    """Index into the flat ring for synapses that send at step t, with delays of so many steps."""
    length, n_post = ring.shape
    if length == 1:
        return targets
    slot = lax.rem(t, jnp.int32(length)) + steps.astype(jnp.int32)
    return jnp.where(slot < length, slot, slot - length) * n_post + targets


def first_block(t: Array) -> Array:
    """Event 0, block 0: zeros that are known when `t` is, so that a loop can wait for another."""
    return jnp.broadcast_to(jnp.minimum(t, 0), (2,))


def next_block(j: Array, k: Array, last: Array) -> Array:
    """The next block of event j, or the first of the next event after its last."""
    return jnp.where(last, jnp.stack([j + 1, jnp.int32(0)]), jnp.stack([j, k + 1]))


class Part(NamedTuple):
    """What one projection sends: its place among the rings comes with it."""

    fmt: Format
    targets: Array | int
    weight: Array
    delay: Array
    ring: int

    def block(self, source: Array, k: Array, x: Array) -> tuple[Array, Array, Array]:
        """Start of block `k` of a source, what its synapses send, whether it is the last."""
        size = _block(self.fmt)
        begin, end = row_of(self.fmt, source)
        begin = begin + k * size
        # At the end of the layout a block reaches back to synapses that had their turn.
        start = jnp.minimum(begin, self.fmt.n_synapses - size)
        where = start + jnp.arange(size, dtype=jnp.int32)
        weight = slice_of(self.weight, start, size) if self.weight.ndim else self.weight
        sent = jnp.where((where >= begin) & (where < end), value_at(x, source) * weight, 0.0)
        return start, sent, begin + size >= end

    def place(self, start: Array, ring: Array, t: Array) -> Array:
        """Index into the flat ring for each synapse of a block."""
        size = _block(self.fmt)
        steps = slice_of(self.delay, start, size) if self.delay.ndim else self.delay
        return place_of(targets_of(self.targets, start, size), steps, ring, t)


def together(which: Formats, t: Array, *given: Array) -> tuple[Array, ...]:
    """The operator `scatter` for several projections."""
    weights, delays, xs, rings = which.split(given)
    each = zip(which.fmts, weights, delays, which.sources, which.rings, strict=True)
    parts = [
        (source, Part(fmt, target_list(fmt), flattened(weight), flattened(delay), ring))
        for fmt, weight, delay, source, ring in each
    ]
    now = t
    for k, x in enumerate(xs):
        members = [part for source, part in parts if source == k]
        found = active(x, now)
        for first in range(0, len(members), _AT_ONCE):
            rings = _walk(members[first : first + _AT_ONCE], found, x, now, rings)
        if sum(part.fmt.n_synapses / part.fmt.n_pre for part in members) < _WORTH_A_THREAD:
            now = t + _zero_after(rings[members[0].ring])
    return tuple(rings)


def _zero_after(ring: Array) -> Array:
    """Zero, but known only when this ring is.

    The runtime of a CPU would hand loops of a few microseconds, one for each source, to several
    threads, and wait longer for these than the loops take.
    """
    first = ring.reshape(-1)[0]
    return (first != first).astype(jnp.int32)


def _walk(
    parts: Sequence[Part], found: tuple[Array, Array], x: Array, t: Array, rings: Sequence[Array]
) -> list[Array]:
    """One loop over the sources that sent and the blocks of their synapses."""
    count, index = found

    def body(carry: tuple[Array, dict[int, Array]]) -> tuple[Array, dict[int, Array]]:
        (j, k), flat = carry[0], {**carry[1]}
        last = jnp.asarray(True)
        for part in parts:
            start, sent, ends = part.block(value_at(index, j), k, x)
            place = part.place(start, rings[part.ring], t)
            flat[part.ring] = flat[part.ring].at[place].add(sent, mode=_IN_BOUNDS)
            last = last & ends
        return next_block(j, k, last), flat

    begin = first_block(t), {k: rings[k].reshape(-1) for k in {part.ring for part in parts}}
    begin = varying(begin, [(part.fmt, part.weight, part.delay) for part in parts], x, t, rings)
    added = lax.while_loop(lambda carry: carry[0][0] < count, body, begin)[1]
    return [added[k].reshape(r.shape) if k in added else r for k, r in enumerate(rings)]


def scatter(fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`."""
    return together(Formats((fmt,), (0,), (0,)), t, weight, delay, x, ring)[0]


def forward(fmt: Format, weight: Array, x: Array) -> Array:
    """The operator `forward`."""
    nothing = jnp.zeros((1, fmt.n_post), x.dtype)
    return scatter(fmt, weight, x, jnp.int32(0), nothing, jnp.int32(0))[0]


def add_weight_gradient(
    fmt: Format, x: Array, delay: Array, ring: Array, t: Array, weight: Array
) -> Array:
    """`weight`, in the layout, and to each synapse what it took from `x` to the ring, in place.

    w_s + x_i(s) ring[(t + d_s) mod D, j(s)].
    """
    (count, index), size = active(x), _block(fmt)
    one, flat = jnp.ones((), x.dtype), ring.reshape(-1)
    part = Part(fmt, target_list(fmt), one, flattened(delay), 0)

    def body(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        (j, k), sums = carry
        start, sent, last = part.block(value_at(index, j), k, x)
        arrived = value_at(flat, part.place(start, ring, t))
        added = slice_of(sums, start, size) + sent * arrived
        sums = lax.dynamic_update_slice(sums, added, (start,))
        return next_block(j, k, last), sums

    begin = varying((first_block(t), weight.reshape(-1)), fmt, x, delay, ring, t, weight)
    return lax.while_loop(lambda c: c[0][0] < count, body, begin)[1].reshape(weight.shape)


def collect(
    fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    """The operator `collect`."""
    operands = weight, x, delay, ring, t, total
    if isinstance(fmt, CSR):  # a sum by segments is slower than any number of rows
        return _collect_rows(fmt, *operands)
    few = jnp.sum(learns(x)) * 2 < fmt.n_pre
    return lax.cond(few, _collect_rows, REFERENCE["collect"], fmt, *operands)


def _collect_rows(
    fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array, total: Array
) -> Array:
    asked, flat = learns(x).astype(x.dtype), ring.reshape(-1)
    count, index = active(asked)
    part = Part(fmt, target_list(fmt), flattened(weight), flattened(delay), 0)

    def body(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        (j, k), sums = carry
        source = value_at(index, j)
        start, sent, last = part.block(source, k, asked)
        arrived = value_at(flat, part.place(start, ring, t))
        sums = sums.at[source].add(jnp.sum(sent * arrived), mode=_IN_BOUNDS)
        return next_block(j, k, last), sums

    return lax.while_loop(lambda c: c[0][0] < count, body, (first_block(t), total))[1]


def large(fmt: Format, *operands: Array) -> bool:
    """Whether there are so many synapses that a loop over some pays."""
    # A source with one synapse costs more to find than all of them to add.
    return fmt.n_synapses >= max(FEWEST, 2 * fmt.n_pre)


def _better_than_a_product(fmt: Format, weight: Array, x: Array, delay: Array, *on: Array) -> bool:
    return large(fmt) and (delay.ndim > 0 or not isinstance(fmt, Dense))


vars(forward)["supports"] = large
vars(add_weight_gradient)["supports"] = large
vars(scatter)["supports"] = _better_than_a_product
vars(scatter)["together"] = together
vars(collect)["supports"] = _better_than_a_product
