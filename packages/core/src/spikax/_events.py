"""Events on their way to a port that keeps them apart: rings of lists by time of arrival.

As the rings of sums in `_delivery`, with a list in place of a sum: of every slot and target up to K
events, each a weight and an offset, in the order in which they were sent. They are sorted by time
when they arrive. What finds no place is counted as a fault, so a run that loses events raises.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from spikax._fields import cell
from spikax._projection import Edge, Sends
from spikax._state import State
from spikax._system import Arrivals
from spikax.units import Unit, ms


class EventRing(State):
    """The events that are on their way to a port."""

    weight: Array = cell(kind="delay", doc="(delay steps, events, post neurons), unit of the port")
    offset: Array = cell(ms, kind="delay", doc="of each, how long before the end of its step")
    count: Array = cell(kind="clock", doc="(delay steps, post neurons), events in each list")
    overflow: Array = cell(kind="fault", doc="events of one step for which the port has no place")
    unit: Unit = dataclasses.field(metadata={"static": True})

    def unit_of(self, name: str) -> Unit:
        return self.unit if name == "weight" else super().unit_of(name)


class Posted(NamedTuple):
    """A ring after a step, and what arrives at its end."""

    ring: EventRing
    arrived: Arrivals


class Events(NamedTuple):
    """Events that are sent, end to end: the list that each goes to, whether it is one."""

    place: Array
    present: Array
    weight: Array
    offset: Array


def no_events(length: int, events: int, width: int, unit: Unit) -> EventRing:
    """A ring with nothing on its way: slots, places of a list, targets."""
    return EventRing(
        weight=jnp.zeros((length, events, width)),
        offset=jnp.zeros((length, events, width)),
        count=jnp.zeros((length, width), jnp.int32),
        overflow=jnp.zeros(width, jnp.int32),
        unit=unit,
    )


def posted(ring: EventRing, sent: Sequence[tuple[Edge, Sends]], t: Array, dt: float) -> Posted:
    """Empty the slot of step t, add what edges send in it, and read what arrives at t + 1."""
    length = len(ring.count)
    ring = ring.replace(
        **{n: getattr(ring, n).at[t % length].set(0) for n in ("weight", "offset", "count")}
    )
    each = [_events(edge, what, length, t, dt) for edge, what in sent]
    events = Events(*(jnp.concatenate(parts) for parts in zip(*each, strict=True)))
    ring = lax.cond(jnp.any(events.present), _listed, lambda ring, _: ring, ring, events)
    slot = (t + 1) % length
    return Posted(ring, _sorted(ring.weight[slot], ring.offset[slot]))


def _events(edge: Edge, what: Sends, length: int, t: Array, dt: float) -> Events:
    """What an edge sends, synapse by synapse, for each event of the sources."""
    fmt, rows = edge.format, jnp.atleast_2d(what.x)
    size = [fmt.pre_values(row).ravel() for row in rows]
    weight = jnp.broadcast_to(fmt.weights(what.weight), fmt.shape).ravel()
    late = jnp.zeros_like(rows) if what.offset is None else what.offset
    offset = jnp.concatenate([fmt.pre_values(row).ravel() for row in late])
    steps = jnp.broadcast_to(fmt.delays(jnp.asarray(edge.steps)), fmt.shape).astype(jnp.int32)
    steps = jnp.tile(steps.ravel(), len(rows))
    if edge.early is not None:
        early = jnp.broadcast_to(fmt.delays(edge.early), fmt.shape).ravel()
        offset, steps = _advanced(offset + jnp.tile(early, len(rows)), steps, dt)
    return Events(
        (t + steps) % length * fmt.n_post + jnp.tile(fmt.targets.ravel(), len(rows)),
        jnp.concatenate(size) != 0,
        jnp.concatenate([weight * x for x in size]),
        offset,
    )


def _advanced(offset: Array, steps: Array, dt: float) -> tuple[Array, Array]:
    """Offsets within a step: what is a whole step before the end of one is in the one before."""
    before = offset >= dt
    return jnp.where(before, offset - dt, offset), steps - before.astype(jnp.int32)


def _listed(ring: EventRing, events: Events) -> EventRing:
    """The ring with more events at the ends of its lists."""
    length, most, width = ring.weight.shape
    nowhere = length * width
    place = jnp.where(events.present, events.place, nowhere)
    order = jnp.argsort(place, stable=True)
    place = place[order]
    # Events of one list stand next to each other now: each one's rank is how far it is from the
    # first of them.
    rank = jnp.arange(len(place), dtype=jnp.int32) - jnp.searchsorted(place, place)
    count = ring.count.reshape(-1).at[place].get(mode="fill", fill_value=most)
    slot, target = jnp.divmod(place, width)
    at = (slot, count + rank, target)
    total = ring.count.reshape(-1).at[place].add(1, mode="drop").reshape(length, width)
    over = jnp.max(jnp.where(total > most, total, 0), axis=0).astype(jnp.int32)
    return ring.replace(
        weight=ring.weight.at[at].set(events.weight[order], mode="drop"),
        offset=ring.offset.at[at].set(events.offset[order], mode="drop"),
        count=total,
        overflow=jnp.maximum(ring.overflow, over),
    )


def _sorted(weight: Array, offset: Array) -> Arrivals:
    """The earliest first; what is no event stands at the end of the step."""
    late, weight = lax.sort((-offset, weight), dimension=0, num_keys=1, is_stable=True)
    return Arrivals(weight, -late)
