"""Plasticity that touches only the synapses that an event changes: what core uses on a CPU.

A spike of a target that arrives changes the column of its synapses, or those of them whose delay is
over; a spike of a source changes its row. Each is a loop over blocks of the rows or columns, which
changes the weights in place. In a row synapses stand one after the other, in a column they are
found by their index.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from spikax._event_driven import (
    FEWEST,
    active,
    block_of,
    flattened,
    next_block,
    row_of,
    slice_of,
    target_list,
    targets_of,
    value_at,
    varying,
)
from spikax._learning import ON_POST, ON_PRE, Events, Plastic
from spikax._plasticity import Plasticity

Flat = dict[str, Array]


class Block(NamedTuple):
    """Synapses next to each other in a row, or in a column: of one event, save where masked."""

    event: Array
    start: Array
    due: Array


def learn(which: Plastic, *operands: Array) -> dict[str, Array]:
    """The operator `learn`."""
    return _walked(which, operands)[0]


def touched(which: Plastic, *operands: Array) -> Array:
    """The number of synapses that the loops of `learn` change or leave as they are, int32."""
    return _walked(which, operands)[1]


def _walked(which: Plastic, operands: Any) -> tuple[dict[str, Array], Array]:
    events = which.events(operands)
    flat, count = {n: v.reshape(-1) for n, v in events.synapse.items()}, jnp.int32(0)
    for walk, method in ((_by_columns, "on_post"), (_by_rows, "on_pre")):
        if getattr(type(events.rule), method) is not getattr(Plasticity, method):
            flat, more = walk(which, events, flat)
            count = count + more
    return {n: v.reshape(which.fmt.shape) for n, v in flat.items()}, count


def _by_rows(which: Plastic, events: Events, flat: Flat) -> tuple[Flat, Array]:
    fmt, history = which.fmt, _history(events)
    post = {n: history[n] for n in events.rule.post_traces}
    targets, delay = target_list(fmt), flattened(events.delay)
    whole = events.of_synapses(flattened)

    def change(block: Block, flat: Flat) -> Flat:
        size = block.due.size
        own = whole.of_synapses(lambda v: slice_of(v, block.start, size))
        here = {n: slice_of(v, block.start, size) for n, v in flat.items()}
        seen = _seen_of_source(events, block.event)

        def synapses() -> Array:
            return block.start + jnp.arange(size, dtype=jnp.int32)

        seen |= events.chance(synapses, ON_PRE)
        if post:
            ends = targets_of(targets, block.start, size)
            place = ends + _slots(events, delay, block) * fmt.n_post
            seen |= {n: value_at(ring, place) for n, ring in post.items()}
        spikes = value_at(events.pre["spike"], block.event)
        new = own.changed(
            here, {**seen, **events.mod}, own.rule.on_pre, spikes, events.pre_again(synapses)
        )
        kept = {n: jnp.where(block.due, v, here[n]) for n, v in new.items()}
        start = (block.start,)
        return flat | {n: lax.dynamic_update_slice(flat[n], v, start) for n, v in kept.items()}

    size, segment = block_of(fmt.n_synapses, fmt.n_pre), functools.partial(row_of, fmt)
    return _walk(active(events.pre["spike"]), segment, size, change, flat, (which, events))


def _seen_of_source(events: Events, source: Array) -> Flat:
    return {n: value_at(events.pre[n], source) for n in events.rule.seen_of_source}


def _slots(events: Events, delay: Array, block: Block) -> Array | int:
    """The slot that each synapse sees, of those that `_history` gives."""
    if delay.ndim == 0:
        return 0
    steps = slice_of(delay, block.start, block.due.size).astype(jnp.int32)
    return _ago(_now(events), steps, events.length)


def _by_columns(which: Plastic, events: Events, flat: Flat) -> tuple[Flat, Array]:
    post, whole = _history(events), events.of_synapses(flattened)

    def change(block: Block, flat: Flat) -> Flat:
        place, sources = _column(which, block)
        own = whole.of_synapses(lambda v: value_at(v, place))
        here = {n: value_at(v, place) for n, v in flat.items()}
        seen = _seen_of_source(events, sources) | events.chance(lambda: place, ON_POST)
        seen |= {n: value_at(post[n], block.event) for n in events.rule.post_traces}
        spikes = value_at(post["spike"], block.event)
        new = own.changed(
            here, {**seen, **events.mod}, own.rule.on_post, spikes, own.post_again(seen)
        )
        kept = {n: jnp.where(block.due, v, here[n]) for n, v in new.items()}
        return flat | {
            n: flat[n].at[place].set(v, mode="promise_in_bounds", unique_indices=True)
            for n, v in kept.items()
        }

    steps = events.length - 1 if events.delay.ndim else 1
    size = block_of(which.fmt.n_synapses, which.fmt.n_post * steps)
    segment = _segment(which, events)
    return _walk(_arriving(events, post), segment, size, change, flat, (which, events))


def _history(events: Events) -> Flat:
    """What synapses see of the history, end to end: one slot if all have the same delay."""
    if events.delay.ndim:
        return {n: ring.reshape(-1) for n, ring in events.post.items()}
    slot = _ago(_now(events), events.delay, events.length)
    # The loops get a slot of their own: of a ring that was written in this step XLA makes copies.
    return {n: lax.dynamic_index_in_dim(v, slot, 0, False) for n, v in events.post.items()}


def _arriving(events: Events, history: Flat) -> tuple[Array, Array]:
    """The spikes of targets that synapses see now: their number, and where they stand."""
    if events.delay.ndim == 0:
        return active(history["spike"])
    earlier = jnp.arange(events.length, dtype=jnp.int32) != _now(events)
    return active(jnp.where(earlier[:, None], events.post["spike"], 0.0).reshape(-1))


def _now(events: Events) -> Array:
    return lax.rem(events.t, jnp.int32(events.length))


def _ago(now: Array, steps: Array, length: int) -> Array:
    return jnp.where(now < steps, now - steps + length, now - steps)


def _segment(which: Plastic, events: Events) -> Callable[[Array], tuple[Array, Array]]:
    """Where the synapses begin and end, by target, that an entry of the history changes."""
    indptr, n_pre, n_post = which.columns.indptr, which.fmt.n_pre, jnp.int32(which.fmt.n_post)
    now, length = _now(events), events.length

    def of(entry: Array) -> tuple[Array, Array]:
        if indptr is None:
            return entry * n_pre, (entry + 1) * n_pre
        if events.delay.ndim:
            age = _ago(now, lax.div(entry, n_post), length)
            entry = lax.rem(entry, n_post) * (length - 1) + age - 1
        return value_at(indptr, entry), value_at(indptr, entry + 1)

    return of


def _column(which: Plastic, block: Block) -> tuple[Array, Array]:
    """Where the synapses of a block stand in the layout, and their sources."""
    fmt, columns, size = which.fmt, which.columns, block.due.size
    if columns.synapses is None:
        entry = block.start + jnp.arange(size, dtype=jnp.int32)
        target, source = lax.div(entry, jnp.int32(fmt.n_pre)), lax.rem(entry, jnp.int32(fmt.n_pre))
        return source * fmt.n_post + target, source
    place = slice_of(columns.synapses, block.start, size)
    if columns.sources is None:
        return place, lax.div(place, jnp.int32(fmt.shape[1]))
    return place, slice_of(columns.sources, block.start, size)


def _walk(
    found: tuple[Array, Array],
    segment: Callable[[Array], tuple[Array, Array]],
    size: int,
    change: Callable[[Block, Flat], Flat],
    flat: Flat,
    operands: Any,
) -> tuple[Flat, Array]:
    """Change the synapses of each event found, block by block; how many that were.

    `operands` are all arrays that `segment` and `change` look at.
    """
    (count, index), n_synapses = found, flat["weight"].size

    def body(carry: tuple[Array, Flat]) -> tuple[Array, Flat]:
        (j, k, touched), flat = carry
        event = value_at(index, j)
        begin, end = segment(event)
        begin = begin + k * size
        # At the end of the layout a block reaches back to synapses of other events.
        start = jnp.minimum(begin, n_synapses - size)
        where = start + jnp.arange(size, dtype=jnp.int32)
        flat = change(Block(event, start, (where >= begin) & (where < end)), flat)
        touched = touched + jnp.clip(end - begin, 0, size)
        last = begin + size >= end
        return jnp.append(next_block(j, k, last), touched), flat

    begin = varying((jnp.zeros(3, jnp.int32), flat), found, operands)
    (_, _, touched), flat = lax.while_loop(lambda carry: carry[0][0] < count, body, begin)
    return flat, touched


def _large(which: Plastic, *operands: Array) -> bool:
    del operands
    return which.fmt.n_synapses >= FEWEST


vars(learn)["supports"] = _large
