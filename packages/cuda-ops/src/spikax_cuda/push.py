"""From the sources that sent to their targets: the operators `forward` and `scatter`.

A program takes every P-th of the sources that sent and every S-th block of their rows, so that long
rows are shared out, and adds by atomics. Their order, and with it the last digits of a sum, changes
from run to run. All projections of a source are pushed at once, since a launch costs more than what
most of them send in a step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax.ops import Formats
from spikax_cuda._active import active
from spikax_cuda._pallas import (
    launch,
    program,
    programs,
    read,
    scatter_add,
    shared_out,
    sums_of,
    warps_of,
    when,
)
from spikax_cuda._rows import Reader, Rows, Synapses, reader, walk
from spikax_cuda._slots import Slots, slots, with_row
from spikax_cuda._supports import supporting

# Programs for the sources that sent: enough for every multiprocessor of an H100, eight each.
PROGRAMS = 1024

Edge = tuple[Reader, Slots, Any, int]
"""Synapses, slots and weights of a projection, and which of the rings it adds to."""


@supporting("forward")
def forward(fmt: Rows, weight: Array, x: Array) -> Array:
    """The operator `forward`."""
    zero, nothing = jnp.int32(0), jnp.zeros((1, fmt.n_post), sums_of(x.dtype))
    edge = reader(fmt), slots(zero, zero, nothing), weight.reshape(-1), 0
    return _pushed([edge], x, [nothing])[0][0].astype(x.dtype)


@supporting("scatter")
def scatter(fmt: Rows, weight: Array, x: Array, delay: Array, ring: Array, t: Array) -> Array:
    """The operator `scatter`, in place."""
    return together(Formats((fmt,), (0,), (0,)), t, weight, delay, x, ring)[0]


def together(which: Formats, t: Array, *given: Array) -> tuple[Array, ...]:
    """The operator `scatter` for several projections, in place, by one launch for each source."""
    weights, delays, xs, rings = which.split(given)
    fmts: Any = which.fmts
    each = [*zip(fmts, weights, delays, which.sources, which.rings, strict=True)]
    if rings[0].dtype != sums_of(rings[0].dtype):
        # Not every GPU adds to bfloat16 by atomics.
        for fmt, weight, delay, source, k in each:
            rings[k] = with_row(rings[k], forward(fmt, weight, xs[source]), delay, t)
        return tuple(rings)
    for k, x in enumerate(xs):
        edges = [
            (reader(fmt), slots(delay, t, rings[ring]), weight.reshape(-1), ring)
            for fmt, weight, delay, source, ring in each
            if source == k
        ]
        rings = _pushed(edges, x, rings)
    return tuple(rings)


vars(scatter)["together"] = together


def _pushed(edges: Sequence[Edge], x: Array, rings: Sequence[Array]) -> list[Array]:
    """The rings after what the edges of one source send."""
    edges = [edge for edge in edges if edge[0].n_synapses]
    if not edges:
        return list(rings)
    touched = sorted({edge[3] for edge in edges})
    block = max(edge[0].block for edge in edges)
    members = [
        (dataclasses.replace(synapses, block=block), place, weight)
        for synapses, place, weight, _ in edges
    ]
    into = tuple(touched.index(edge[3]) for edge in edges)

    def push(count: Any, index: Any, x: Any, members: Any, *rings: Any) -> None:
        which, mine = program(2), (program(0), programs(0), program(1), programs(1))
        for number, (member, k) in enumerate(zip(members, into, strict=True)):

            @when(which == number)
            def _(member: Any = member, ring: Any = rings[k]) -> None:
                _push(count, index, x, member, ring, mine)

    parts = max(member[0].parts for member in members)
    changed = launch(
        push,
        *active(x),
        x,
        members,
        changed=[rings[k].reshape(-1) for k in touched],
        grid=(min(x.size, PROGRAMS), parts, len(members)),
        warps=warps_of(block),
    )
    after = dict(zip(touched, changed, strict=True))
    return [after[k].reshape(r.shape) if k in after else r for k, r in enumerate(rings)]


def _push(count: Any, index: Any, x: Any, member: Any, ring: Any, mine: Any) -> None:
    synapses_of, place, weight = member
    first, step, *part = mine

    def of_source(k: Array) -> None:
        source = index[k]
        sent = x[source].astype(ring.dtype)

        def add(synapses: Synapses, _: None) -> None:
            each = read(weight, synapses.weight, synapses.inside).astype(ring.dtype)
            value = jnp.broadcast_to(sent * each, synapses.at.shape)
            scatter_add(ring, place.places(synapses), value, synapses.inside)

        walk(synapses_of, source, add, None, tuple(part))

    shared_out(count[0], of_source, first, step)
