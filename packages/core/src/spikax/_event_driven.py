"""Operators that touch only the synapses of the sources that sent: what core uses on a CPU.

The sources are found by packing 32 flags into a word and peeling off its bits; a loop then adds
block after block of their synapses in place. Both loops are bounded by the number of sources, so
nothing can overflow. The sums are those of the reference, in the same order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax._formats import CSR, FixedFanOut, Format

_FEWEST = 4096  # synapses; below, all of them at once are as fast
_BLOCK = 256  # synapses at a time, at most


def _varying(tree: Any, *operands: Any) -> Any:
    """The same values; under `shard_map` they vary over the mesh where an operand does.

    A loop has to begin with variables of the kind that it ends with. XLA drops the selection.
    """
    first = [leaf.reshape(-1)[0] != 0 for leaf in jax.tree.leaves(operands)]
    either = functools.reduce(jnp.logical_or, first)
    return jax.tree.map(lambda v: lax.select(either, v, v), tree)


def active(x: Array) -> tuple[Array, Array]:
    """Number of the entries that are not zero, and their indices, (n,) with what follows unused."""
    n = x.shape[0]
    words = -(-n // 32)
    flags = jnp.pad(x != 0, (0, words * 32 - n)).reshape(words, 32).astype(jnp.uint32)
    packed = jnp.sum(flags << jnp.arange(32, dtype=jnp.uint32)[None], axis=1, dtype=jnp.uint32)

    def peel(carry: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        word, k, count, index = carry
        low = lax.population_count((word & (~word + 1)) - 1).astype(jnp.int32)
        index = index.at[count].set(k * 32 + low, mode="promise_in_bounds")
        return word & (word - 1), k, count + 1, index

    def next_word(k: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        start = packed[k], jnp.asarray(k, jnp.int32), *carry
        return lax.while_loop(lambda c: c[0] != 0, peel, start)[2:]

    start = _varying((jnp.int32(0), jnp.zeros(n, jnp.int32)), x)
    return lax.fori_loop(jnp.int32(0), jnp.int32(words), next_word, start)


Add = Callable[[Any, Array, Array, Array], Any]
"""`add(sum, source, where, live)`: add one block of synapses, those that are `live`."""


def _over_csr(fmt: CSR, found: tuple[Array, Array], add: Add, start: Any) -> Any:
    """Go over the synapses of the active sources in blocks; `where` indexes the layout."""
    total = fmt.n_synapses
    block = min(_BLOCK, total, max(8, 2 ** (total // fmt.n_pre).bit_length()))
    count, index = found
    lanes = jnp.arange(block, dtype=jnp.int32)

    def body(carry: tuple[Array, Array, Any]) -> tuple[Array, Array, Any]:
        j, at, y = carry
        source = index[j]
        end = fmt.indptr[source + 1]
        where = jnp.minimum(at, total - block) + lanes
        y = add(y, source, where, (where >= at) & (where < end))
        done = at + block >= end
        j = j + done.astype(jnp.int32)
        following = fmt.indptr[index[jnp.minimum(j, index.shape[0] - 1)]]
        return j, jnp.where(done, following, at + block), y

    zero, empty = start
    carry = zero, fmt.indptr[index[0]] + zero, empty
    return lax.while_loop(lambda c: c[0] < count, body, carry)[2]


def _over_fan_out(fmt: FixedFanOut, found: tuple[Array, Array], add: Add, start: Any) -> Any:
    """Go over the rows of the active sources; `where` is a row of the flat layout."""
    count, index = found
    k = fmt.shape[1]
    lanes = jnp.arange(k, dtype=jnp.int32)

    def body(carry: tuple[Array, Any]) -> tuple[Array, Any]:
        j, y = carry
        source = index[j]
        return j + 1, add(y, source, source * k + lanes, jnp.ones(k, bool))

    return lax.while_loop(lambda c: c[0] < count, body, start)[1]


def _over(fmt: Format, x: Array, add: Add, empty: Any, *operands: Array) -> Any:
    walk: Any = _over_csr if isinstance(fmt, CSR) else _over_fan_out
    return walk(fmt, active(x), add, _varying((jnp.int32(0), empty), fmt, x, *operands))


def _pick(values: Array, where: Array) -> Array:
    # One contiguous slice: a gather would check and load index by index.
    return lax.dynamic_slice(values.reshape(-1), (where[0],), where.shape)


def forward(fmt: Format, weight: Array, x: Array) -> Array:
    """The operator `forward`."""

    def add(y: Array, source: Array, where: Array, live: Array) -> Array:
        sent = x[source] * (_pick(weight, where) if weight.ndim else 1.0)
        targets = _pick(fmt.targets, where)
        return y.at[targets].add(jnp.where(live, sent, 0.0), mode="promise_in_bounds")

    arrived = _over(fmt, x, add, jnp.zeros(fmt.n_post, x.dtype), weight)
    return arrived if weight.ndim else weight * arrived


def scatter(fmt: Format, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`, for a delay per synapse."""

    def add(y: Array, source: Array, where: Array, live: Array) -> Array:
        sent = x[source] * (_pick(weight, where) if weight.ndim else weight)
        slot = (t + _pick(delay, where)) % ring.shape[0]
        place = slot, _pick(fmt.targets, where)
        return y.at[place].add(jnp.where(live, sent, 0.0), mode="promise_in_bounds")

    return _over(fmt, x, add, ring, weight, delay, ring, t)


def _large(fmt: Format, *operands: Array) -> bool:
    return fmt.n_synapses >= _FEWEST


def _delays_differ(fmt: Format, weight: Array, x: Array, delay: Array, *more: Array) -> bool:
    return _large(fmt) and delay.ndim > 0


vars(forward)["supports"] = _large
vars(scatter)["supports"] = _delays_differ
