"""How what edges send reaches their targets: rings of sums by time of arrival.

All edges into the same port of a population share one ring, (D, post neurons): weight times signal
is added to the slot of its arrival, so nothing is kept per synapse, and D is the longest delay. In
the step from t to t + dt the slot t mod D, read a step ago, is emptied, the edges add to the slots
of t + 1 to t + D, and that of t + 1 is read last: XLA then keeps the ring in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from spikax import _ops as ops
from spikax._events import EventRing, Posted, no_events, posted
from spikax._fields import cell
from spikax._projection import Edge, Sends
from spikax._state import State
from spikax._weight_tangent import link
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
        events: Of a slot and target that keeps events apart, how many; 0 for a sum.
    """

    name: str
    edges: tuple[str, ...]
    length: int
    width: int
    events: int = 0


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
            edges[group[0]].apart,
        )
        for box, group in members.items()
    ]


def empty(edges: Mapping[str, Edge], names: Iterable[str]) -> dict[str, Ring | EventRing]:
    """Nothing on its way. What arrives at the end of the step in which it is sent needs no ring."""

    def ring(box: Inbox) -> Ring | EventRing:
        unit = edges[box.edges[0]].unit
        if box.events:
            return no_events(box.length, box.events, box.width, unit)
        return Ring(sums=jnp.zeros((box.length, box.width)), unit=unit)

    return {box.name: ring(box) for box in inboxes(edges, names) if box.length > 1 or box.events}


class Delivery(NamedTuple):
    """Rings after a step, what arrives at its end, both by inbox; weights that are carried."""

    rings: Mapping[str, Ring | EventRing]
    arrived: Mapping[str, Any]
    carried: Mapping[str, Array]


def deliver(
    edges: Mapping[str, Edge],
    sent: Mapping[str, Sends | Array],
    rings: Mapping[str, Ring | EventRing],
    t: Array,
    dt: float,
    carried: Mapping[str, Array],
    spikes: Container[str] = (),
) -> Delivery:
    """Put what the edges send at step t on its way, and read what arrives at t + 1.

    Args:
        edges: All edges, by name.
        sent: What some of them send.
        rings: What is on its way, by inbox.
        t: The step.
        dt: Time step in ms.
        carried: Weights that a scan carries for their tangent, by edge.
        spikes: Edges that send spikes of 0 and 1 as a neuron made them, see `ops.Sending`.
    """
    lists, sent = _split(edges, sent)
    apart = {box.name: _posted(box, edges, lists, rings, t, dt) for box in inboxes(edges, lists)}
    boxes = {box.name: box for box in inboxes(edges, sent)}
    sums = {name: _emptied(box, rings, t) for name, box in boxes.items()}
    for name, what in sent.items():
        if not isinstance(what, Sends):
            box = boxes[edges[name].inbox]
            now = _at_next(box, sums[box.name], t)
            sums[box.name] = _with_slot(box, sums[box.name], t + 1, now + what)
    _send(edges, boxes, {n: w for n, w in sent.items() if isinstance(w, Sends)}, sums, t, spikes)
    carried = {
        name: _link(edges[name], boxes[edges[name].inbox], sent[name], sums, t, weight)
        for name, weight in carried.items()
    }
    kept = {
        n: ring.replace(sums=sums[n].reshape(ring.sums.shape))
        for n, ring in rings.items()
        if isinstance(ring, Ring)
    } | {n: post.ring for n, post in apart.items()}
    arrived = {name: _at_next(box, sums[name], t) for name, box in boxes.items()}
    arrived |= {name: post.arrived for name, post in apart.items()}
    return Delivery({name: kept[name] for name in rings}, arrived, carried)


def _split(
    edges: Mapping[str, Edge], sent: Mapping[str, Any]
) -> tuple[dict[str, Sends], dict[str, Any]]:
    """What goes to ports that keep events apart, and the rest."""
    lists = {name: what for name, what in sent.items() if edges[name].apart}
    return lists, {name: what for name, what in sent.items() if name not in lists}


def _posted(
    box: Inbox,
    edges: Mapping[str, Edge],
    sent: Mapping[str, Sends],
    rings: Mapping[str, Any],
    t: Array,
    dt: float,
) -> Posted:
    return posted(rings[box.name], [(edges[name], sent[name]) for name in box.edges], t, dt)


def flat(rings: Mapping[str, Ring | EventRing]) -> dict[str, Ring | EventRing]:
    """Rings with their slots end to end, as a loop carries them.

    Operators take them so; an update that XLA fuses with a change of shape would not be in place.
    """
    return {
        name: ring.replace(sums=ring.sums.reshape(-1)) if isinstance(ring, Ring) else ring
        for name, ring in rings.items()
    }


def shaped(
    rings: Mapping[str, Ring | EventRing], like: Mapping[str, Any]
) -> dict[str, Ring | EventRing]:
    """The rings in the shape that those of `like` have."""
    return {
        n: ring.replace(sums=ring.sums.reshape(like[n].sums.shape))
        if isinstance(ring, Ring)
        else ring
        for n, ring in rings.items()
    }


def _emptied(box: Inbox, rings: Mapping[str, Any], t: Array) -> Array:
    nothing = jnp.zeros(box.width)
    if box.length == 1:
        return nothing
    return _with_slot(box, rings[box.name].sums.reshape(-1), t, nothing)


def _with_slot(box: Inbox, sums: Array, t: Array, values: Array) -> Array:
    if box.length == 1:
        return values
    return lax.dynamic_update_slice(sums, values, (t % box.length * box.width,))


def _at_next(box: Inbox, sums: Array, t: Array) -> Array:
    if box.length == 1:
        return sums
    return lax.dynamic_slice(sums, ((t + 1) % box.length * box.width,), (box.width,))


def _link(
    edge: Edge, box: Inbox, sent: Any, sums: dict[str, Array], t: Array, weight: Array
) -> Array:
    """Let what the edge sent move with the weights that are carried; these."""
    ring, delay = sums[box.name].reshape(box.length, box.width), jnp.asarray(edge.steps)
    ring, weight = link(edge.format, sent.x, delay, t, ring, weight)
    sums[box.name] = ring.reshape(-1)
    return weight


def _send(
    edges: Mapping[str, Edge],
    boxes: Mapping[str, Inbox],
    sent: Mapping[str, Sends],
    sums: dict[str, Array],
    t: Array,
    spikes: Container[str],
) -> None:
    """Deliver what edges send, source by source: those that send the same array have the same."""
    xs = {id(what.x): what.x for what in sent.values()}
    source, ring = ({key: k for k, key in enumerate(keys)} for keys in (xs, boxes))
    sendings = [
        ops.Sending(
            edges[name].format,
            what.weight,
            edges[name].steps,
            source[id(what.x)],
            ring[edges[name].inbox],
            name in spikes,
        )
        for name, what in sent.items()
    ]
    sendings.sort(key=lambda sending: sending.source)
    rings = [sums[box.name].reshape(box.length, box.width) for box in boxes.values()]
    for name, added in zip(boxes, ops.send(sendings, [*xs.values()], rings, t), strict=True):
        sums[name] = added.reshape(-1)
