"""How what edges send reaches their targets: rings of sums by time of arrival.

All edges into the same port of a population share one ring, (D, post neurons): weight times signal
is added to the slot of its arrival, so nothing is kept per synapse, and D is the longest delay. In
the step from t to t + dt the slot t mod D, read a step ago, is emptied, the edges add to the slots
of t + 1 to t + D, and that of t + 1 is read last: XLA then keeps the ring in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from spikax import _ops as ops
from spikax._fields import cell
from spikax._projection import Edge, Sends
from spikax._state import State
from spikax.units import Unit


class Ring(State):
    """What is on its way to a port."""

    sums: Array = cell(
        kind="delay", doc="(delay steps, channels * post neurons), coherent unit of the port"
    )
    unit: Unit = dataclasses.field(metadata={"static": True})

    def unit_of(self, name: str) -> Unit:
        return self.unit


@dataclass(frozen=True)
class Inbox:
    """Where edges that end on the same port of the same population add what they send.

    Attributes:
        name: "E.exc"; with factors where one projection feeds several ports.
        edges: Their names.
        length: Slots of the ring, the longest delay in steps, at least one.
        width: Numbers per slot.
    """

    name: str
    edges: tuple[str, ...]
    length: int
    width: int


def inboxes(edges: Mapping[str, Edge], names: Iterable[str]) -> list[Inbox]:
    """The inboxes of the edges named, in the order of their first edges."""
    members = dict[str, list[str]]()
    for name in names:
        members.setdefault(edges[name].inbox, []).append(name)
    return [
        Inbox(
            box,
            tuple(group),
            max(1, *(edges[name].delay for name in group)),
            edges[group[0]].format.n_post,
        )
        for box, group in members.items()
    ]


def empty(edges: Mapping[str, Edge], names: Iterable[str]) -> dict[str, Ring]:
    """Nothing on its way. What arrives at the end of the step in which it is sent needs no ring."""
    return {
        box.name: Ring(sums=jnp.zeros((box.length, box.width)), unit=edges[box.edges[0]].unit)
        for box in inboxes(edges, names)
        if box.length > 1
    }


class Delivery(NamedTuple):
    """Rings after a step, and what arrives at its end, both by inbox."""

    rings: Mapping[str, Ring]
    arrived: Mapping[str, Array]


def deliver(
    edges: Mapping[str, Edge],
    sent: Mapping[str, Sends | Array],
    rings: Mapping[str, Ring],
    t: Array,
) -> Delivery:
    """Put what the edges send at step t on its way, and read what arrives at t + 1."""
    boxes = inboxes(edges, sent)
    sums = {box.name: _open(box, rings, t) for box in boxes}
    together = dict[int, dict[str, Sends]]()
    for name, what in sent.items():
        if isinstance(what, Sends):
            together.setdefault(id(what.x), {})[name] = what
        else:
            box = edges[name].inbox
            sums[box] = _put(sums[box], what, t)
    for members in together.values():
        _send(edges, members, sums, t)
    kept = {name: ring.replace(sums=sums[name]) for name, ring in rings.items()}
    return Delivery({**rings, **kept}, {box.name: _next(sums[box.name], t) for box in boxes})


def _open(box: Inbox, rings: Mapping[str, Ring], t: Array) -> Array:
    if box.name not in rings:
        return jnp.zeros((1, box.width))
    sums = rings[box.name].sums
    return lax.dynamic_update_index_in_dim(sums, jnp.zeros_like(sums[0]), t % box.length, 0)


def _put(sums: Array, row: Array, t: Array) -> Array:
    """Add what arrives at the end of this step."""
    if len(sums) == 1:
        return sums + row[None]
    slot = (t + 1) % len(sums)
    return lax.dynamic_update_index_in_dim(sums, sums[slot] + row, slot, 0)


def _next(sums: Array, t: Array) -> Array:
    return sums[0] if len(sums) == 1 else sums[(t + 1) % len(sums)]


def _send(
    edges: Mapping[str, Edge], sent: Mapping[str, Sends], sums: dict[str, Array], t: Array
) -> None:
    """Deliver what edges send that have the same `x`."""
    boxes = list(dict.fromkeys(edges[name].inbox for name in sent))
    sendings = [
        ops.Sending(e.format, what.weight, e.steps, boxes.index(e.inbox))
        for e, what in ((edges[name], what) for name, what in sent.items())
    ]
    x = next(iter(sent.values())).x
    sums |= zip(boxes, ops.send(sendings, x, [sums[box] for box in boxes], t), strict=True)
