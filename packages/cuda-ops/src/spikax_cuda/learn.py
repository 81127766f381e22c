"""Plastic synapses: the operator `learn`, by the columns and rows of the neurons that spiked.

The rule itself is part of the kernel: `on_post` and `on_pre` are traced for a block of synapses. A
spike of a target that arrives changes its column, or those of its synapses whose delay is over; a
spike of a source changes its row. No synapse is written twice by either, so nothing is atomic.
Rules of other packages, and those with random numbers, are left to the reference.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from spikax import Plasticity
from spikax.ops import Events, Plastic
from spikax_cuda._changes import Flat, Refs, Task, change_each
from spikax_cuda._pallas import block_of, load, read
from spikax_cuda._rows import Synapses, reader, walk, walk_span
from spikax_cuda._supports import plastic


def learn(which: Plastic, *operands: Array) -> Flat:
    """The operator `learn`, in place."""
    events = which.events(operands)
    synapse = {n: v.reshape(-1) for n, v in events.synapse.items()}
    for change, method in ((_by_columns, "on_post"), (_by_rows, "on_pre")):
        if getattr(type(events.rule), method) is not getattr(Plasticity, method):
            synapse = change(which, events, synapse)
    return {n: v.reshape(which.fmt.shape) for n, v in synapse.items()}


vars(learn)["supports"] = plastic


def _by_rows(which: Plastic, events: Events, synapse: Flat) -> Flat:
    fmt: Any = which.fmt
    given = {
        "rows": reader(fmt),
        "pre": _of_source(events),
        "post": {n: events.post[n].reshape(-1) for n in events.rule.post_traces},
        "delay": events.delay.astype(jnp.int32).reshape(-1),
    }

    def learn_row(task: Task, spike: Array, source: Array, part: Any, _: int) -> None:
        given = task.given
        pre = {n: ref[source] for n, ref in given["pre"].items()}

        def change(synapses: Synapses, _: None = None) -> None:
            at, inside = synapses.at, synapses.inside
            slot = _ago(task.now[0], read(given["delay"], at, inside), events.length)
            place = slot * fmt.n_post + synapses.target
            post = {n: load(ref, place, inside) for n, ref in given["post"].items()}
            task.change("on_pre", spike, pre | post, at, inside)

        walk(given["rows"], source, change, None, part)

    spikes = events.pre["spike"]
    block = given["rows"].block
    return change_each(learn_row, which, events, synapse, spikes, given, block)


def _by_columns(which: Plastic, events: Events, synapse: Flat) -> Flat:
    fmt, one_delay = which.fmt, events.delay.ndim == 0
    post = _arriving(events)
    columns = {n: v for n, v in vars(which.columns).items() if v is not None}
    given = {"columns": columns, "pre": _of_source(events), "post": post}

    def learn_column(task: Task, spike: Array, entry: Array, part: Any, block: int) -> None:
        given = task.given
        post = {n: given["post"][n][entry] for n in events.rule.post_traces}

        def change(listed: Array, inside: Array | None, _: None) -> None:
            at, source = _column(fmt, given["columns"], listed, inside)
            pre = {n: load(ref, source, inside) for n, ref in given["pre"].items()}
            task.change("on_post", spike, pre | post, at, inside)

        key = entry if one_delay else _key(fmt, entry, task.now[0], events.length)
        walk_span(*_span(fmt, given["columns"], key), block, change, None, part)

    n_columns = fmt.n_post * (1 if one_delay else events.length - 1)
    block = block_of(fmt.n_synapses / n_columns)
    return change_each(learn_column, which, events, synapse, post["spike"], given, block)


def _of_source(events: Events) -> Flat:
    return {n: events.pre[n] for n in events.rule.seen_of_source}


def _arriving(events: Events) -> Flat:
    """Spikes of targets, and traces before them, that synapses see now: of one slot or of all."""
    history = {n: events.post[n] for n in ("spike", *events.rule.post_traces)}
    if not events.delay.ndim:
        slot = (events.t - events.delay.astype(jnp.int32)) % events.length
        return {n: lax.dynamic_index_in_dim(v, slot, 0, False) for n, v in history.items()}
    earlier = jnp.arange(events.length, dtype=jnp.int32) != events.t % events.length
    spikes = jnp.where(earlier[:, None], history["spike"], 0)
    return {n: v.reshape(-1) for n, v in (history | {"spike": spikes}).items()}


def _key(fmt: Any, entry: Array, now: Array, slots: int) -> Array:
    """The target and delay, as columns are sorted by, that an entry of the history is for."""
    n_post = jnp.int32(fmt.n_post)
    age = _ago(now, lax.div(entry, n_post), slots)
    return lax.rem(entry, n_post) * (slots - 1) + age - 1


def _span(fmt: Any, columns: Refs, key: Array) -> tuple[Array, Array]:
    """Where the synapses of a column begin and end, listed by target."""
    if "indptr" in columns:
        return columns["indptr"][key], columns["indptr"][key + 1]
    return key * fmt.n_pre, key * fmt.n_pre + fmt.n_pre


def _column(fmt: Any, columns: Refs, listed: Array, inside: Array | None) -> tuple[Array, Array]:
    """Where synapses that are listed by target stand in the layout, and their sources."""
    if "synapses" not in columns:
        target = lax.div(listed, jnp.full_like(listed, fmt.n_pre))
        source = listed - target * fmt.n_pre
        return source * fmt.n_post + target, source
    at = load(columns["synapses"], listed, inside)
    if "sources" in columns:
        return at, load(columns["sources"], listed, inside)
    return at, lax.div(at, jnp.full_like(at, fmt.shape[1]))


def _ago(now: Array, steps: Array, slots: int) -> Array:
    """The slot of so many steps ago."""
    return jnp.where(now < steps, now - steps + slots, now - steps)
