"""From the kernel's tables to an ordinary network of core.

All nodes of one built-in model are one population, all static synapses between two populations that
end on the same port are one projection. Sizes are rounded up to a few, with nodes and synapses that
do nothing, so that networks of the same models share compiled code.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import operator
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import spikax as sx
from spikax.units import ms
from spikax_nest._node import NestNode
from spikax_nest._precise import EVENTS
from spikax_nest.pynest._arrays import (
    distinct,
    is_repeated,
    looked_up,
    picked,
    repeated,
    where,
)
from spikax_nest.pynest._coupling import coupled_projections, fixed_point
from spikax_nest.pynest._layout import Elements, Layout, Links
from spikax_nest.pynest._numbering import number_synapses
from spikax_nest.pynest._tables import Table
from spikax_nest.pynest._wiring import METERS, kind_of, ports_of

SIZES = (4, 16, 64, 256, 1024)
SMALL = SIZES[-1]
"""Nodes or synapses up to which compiled code is shared between networks; what is larger has code
of its own, without what would make it slower."""
TEACHING = -2
"""In place of the number of a synapse model: it transmits learning signals."""
SHORTEST = 16  # steps of the longest delay, at least: another delay then seldom compiles anew
_NOTHING = 1e-300  # weight of a synapse between nodes that do nothing


def lower(kernel: Any, *, filled: bool = True, events: int = EVENTS) -> Layout | None:
    """The network of all nodes; None if there are none that move.

    Args:
        kernel: Whose.
        filled: Whether nodes and synapses that do nothing fill it up.
        events: How many events of a step are kept apart.
    """
    tables = list(kernel.nodes.tables.values())
    elements, parts = _elements(tables, _links(kernel, apart=not filled))
    for e in elements.values():
        e.size = _size(e.n) if filled else e.n
        e.min_delay = float(kernel.clock.ms(kernel.delay_extrema()[0]))
        e.events = events
    elements = {place: e for place, e in elements.items() if e.size}
    for place, those in elements.items():
        parts = [_to_all(those, place, links) for links in parts]
    if not elements:
        return None
    moves = np.array([t.system is not None for t in tables], bool)
    moving = [looked_up(moves, links.pre) & looked_up(moves, links.post) for links in parts]
    projections, edges = [], {}
    for name, projection, some in _projections(kernel, elements, parts, moving):
        projections.append(projection)
        edges[name] = some
    populations = {
        e.table.base: sx.Population(component(e, kernel.settings), e.size)
        for e in elements.values()
    }
    by_name = {e.table.base: e for e in elements.values()}
    number_synapses(kernel, by_name, edges, populations, projections)
    network = sx.Network(populations, projections, fixed_point=fixed_point(kernel))
    still = [links[~m] for links, m in zip(parts, moving, strict=True) if not m.all()]
    return Layout(network, by_name, edges, Links.joined(still))


def component(elements: Elements, settings: Mapping[str, Any]) -> NestNode:
    """The dynamics of a population, one value per element for each parameter."""
    rows = elements.rows
    last = rows[-1:] if rows.size else np.zeros(1, np.int64)
    padded = np.concatenate([rows, np.repeat(last, elements.size - elements.n)])
    sign = np.concatenate([elements.sign, np.zeros(elements.size - elements.n, np.int64)])
    share = not elements.is_filled
    told = {"train": padded.astype(np.float64), "min_delay": elements.min_delay * ms}
    made = elements.table.component(padded, sign=sign, bucket=True, share=share, told=told)
    made = made.with_events(elements.events)
    units = {f: made.declared[f].unit for f in made.settings}  # type: ignore[attr-defined]
    return made.replace(**{f: settings[n] * units[f] for f, n in made.settings.items()})


def _size(n: int) -> int:
    """One node at least does nothing where synapses are filled up."""
    return rounded(n + 1) if 0 < n < SMALL else n


def rounded(n: int) -> int:
    """The size that is made for n: one of a few, where n is small."""
    return next((size for size in SIZES if size >= n), n)


def _links(kernel: Any, *, apart: bool) -> list[Links]:
    """All synapses that are there, by block; of the sources the rows of their nodes.

    Args:
        kernel: Whose.
        apart: Whether each synapse has a weight of its own, also where these are equal.
    """
    # In narrow integers and by block: there can be a hundred million synapses.
    found = []
    for table in kernel.synapses.ordered():
        for first, block in table.blocks():
            links = _of_block(kernel, table, first, block)
            found.append(links.with_own_weights() if apart else links)
    return [links for links in found if len(links)]


def _of_block(kernel: Any, table: Any, first: int, block: Mapping[str, np.ndarray]) -> Links:
    alive = block["alive"]
    kept = slice(0, len(alive)) if alive.all() else np.flatnonzero(alive)
    c = {name: picked(values, kept) for name, values in block.items()}
    n = len(c["source"])
    if not n:
        return Links.joined([])
    delay = c["delay"]
    if table.model.record.precise:
        delay = delay - c["early"] / kernel.clock.resolution
    pre, source = kernel.nodes.places(c["source"])
    post, target = kernel.nodes.places(c["target"])
    common = float(table.model.defaults["weight"])
    return Links(
        table=repeated(table.model.number, n, np.int16),
        row=np.arange(first, first + len(alive), dtype=np.int32)[kept],
        pre=pre,
        post=post,
        source=source,
        target=target,
        receptor=c["receptor"],
        delay=delay,
        weight=c["weight"] if "weight" in c else repeated(common, n),
    )


def _elements(tables: list[Table], parts: list[Links]) -> tuple[dict[int, Elements], list[Links]]:
    """The elements of each population, and the links from them."""
    elements: dict[int, Elements] = {}
    is_meter = np.array([t.base in METERS for t in tables], bool)
    for place, table in enumerate(tables):
        if table.system is None:
            continue
        mixed = _of_both_signs(table)
        if not (table.system.per_target or mixed.size):
            rows = np.arange(len(table))
            elements[place] = Elements(table, rows, np.zeros(len(rows), np.int64), _keys(table))
            continue
        # An element for each connection: all of these in one piece, the others as they are.
        here = [place in distinct(links.pre) for links in parts]
        links = Links.joined(list(itertools.compress(parts, here)))
        mine = np.flatnonzero((links.pre == place) & ~is_meter[links.pre])
        made = _each_its_own(table, links, mine) if table.system.per_target else None
        elements[place], links = made or _split(table, mixed, links, mine)
        parts = [p for p, is_here in zip(parts, here, strict=True) if not is_here]
        parts += [links] * bool(len(links))
    return elements, parts


def _keys(table: Table) -> np.ndarray:
    nothing = np.zeros(len(table), np.int64)
    return np.stack([table.gids, nothing, nothing])


def _each_its_own(table: Table, links: Links, mine: np.ndarray) -> tuple[Elements, Links]:
    """An element for each connection that has a realisation of its own, one for each other node."""
    assert table.system is not None
    says = table.system.per_target
    own = table.columns[says] if isinstance(says, str) else np.ones(len(table), bool)
    each = mine[own[links.source[mine]]]
    each = each[np.lexsort((links.target[each], links.post[each]))]
    alone = np.setdiff1d(np.arange(len(table)), links.source[each])
    rows = np.append(links.source[each], alone)
    nothing = np.full(len(alone), -1)
    keys = (table.gids[rows], *(np.append(c[each], nothing) for c in (links.table, links.row)))
    element = np.zeros(len(table), np.int64)
    element[alone] = len(each) + np.arange(len(alone))
    source = links.source.copy()
    source[mine] = element[links.source[mine]]
    source[each] = np.arange(len(each))
    found = Elements(table, rows, np.zeros(len(rows), np.int64), np.stack(keys))
    return found, dataclasses.replace(links, source=source)


def _to_all(elements: Elements, place: int, links: Links) -> Links:
    """A connection to a node of several elements leads to each of them."""
    if not (elements.sample.per_target and elements.sample.ports):
        return links
    mine = links.post == place
    copies = np.ones(len(links), np.int64)
    copies[mine] = np.bincount(elements.rows)[links.target[mine]]
    which = np.repeat(np.arange(len(links)), copies)
    order = np.argsort(elements.rows, kind="stable")
    begin = np.searchsorted(elements.rows[order], np.arange(len(elements.table)))
    number = np.arange(len(which)) - np.repeat(np.cumsum(copies) - copies, copies)
    links, mine = links[which], mine[which]
    target = links.target.copy()
    target[mine] = order[begin[target[mine]] + number[mine]]
    return dataclasses.replace(links, target=target)


def _of_both_signs(table: Table) -> np.ndarray:
    """Generators whose spikes carry weights below 0: core routes by the sign of the synapse's."""
    weights = table.columns.get("spike_weights")
    if weights is None or table.system is None or table.system.sends != "amplitude":
        return np.zeros(0, np.int64)
    return np.array([k for k, w in enumerate(weights) if np.any(np.asarray(w) < 0)], np.int64)


def _split(
    table: Table, mixed: np.ndarray, links: Links, mine: np.ndarray
) -> tuple[Elements, Links]:
    """Generators of both signs stand twice: once for each sign."""
    rows, keys = np.arange(len(table)), _keys(table)
    sign = np.zeros(len(rows) + len(mixed), np.int64)
    sign[mixed], sign[len(rows) :] = 1, -1
    again = np.stack([keys[0, mixed], np.ones_like(mixed), np.zeros_like(mixed)])
    elements = Elements(
        table, np.concatenate([rows, mixed]), sign, np.concatenate([keys, again], axis=1)
    )
    twin = np.full(len(rows), -1)
    twin[mixed] = len(rows) + np.arange(len(mixed))
    doubled = mine[twin[links.source[mine]] >= 0]
    more = links[doubled]
    more = dataclasses.replace(more, source=twin[more.source], weight=-more.weight)
    return elements, Links.joined([links, more])


def _projections(
    kernel: Any, elements: Mapping[int, Elements], parts: list[Links], moving: list[np.ndarray]
) -> Iterator[tuple[str, sx.Projection, Links]]:
    by_base = {e.table.base: e for e in elements.values()}
    for (pre, post, port, kind), links in _merged(kernel, elements, parts, moving).items():
        ends = by_base[pre], by_base[post]
        if kind == TEACHING:
            yield teaching_projection(*ends, port, links)
        elif kind < 0:
            yield static_projection(*ends, port, links, kernel.clock.resolution)
        elif kernel.synapses.numbered(kind).model.record.couples:
            yield from coupled_projections(kernel, *ends, port, links)
        else:
            from spikax_nest.pynest._lower_plastic import plastic_projections

            yield from plastic_projections(kernel, *ends, port, links)


def _merged(
    kernel: Any, elements: Mapping[int, Elements], parts: list[Links], moving: list[np.ndarray]
) -> dict[tuple[str, str, str, int], Links]:
    """The synapses of each projection: by populations, port and kind of synapse."""
    kinds = _kinds(kernel)
    found = []
    for links, moves in zip(parts, moving, strict=True):
        kind = looked_up(kinds, links.table)
        for which in _alike(moves, links.pre, links.post, links.receptor, kind):
            some = links[which]
            ends = (int(v[0]) for v in (some.pre, some.post, some.receptor, picked(kind, which)))
            found.append((tuple(ends), some))
    merged: dict[tuple[str, str, str, int], list[Links]] = {}
    for (pre, post, receptor, kind), some in sorted(found, key=operator.itemgetter(0)):
        ends = elements[pre], elements[post]
        carries = kernel.synapses.numbered(some.table[0]).model.record.carries
        port = _port(*ends, receptor, carries)
        key = ends[0].table.base, ends[1].table.base, port, kind + TEACHING
        merged.setdefault(key, []).append(some)
    return {key: Links.joined(links) for key, links in merged.items()}


def _kinds(kernel: Any) -> np.ndarray:
    """What kind of synapse each model makes, by its number; 0 or more, `TEACHING` is 0.

    Static synapses can stand together; of those that change each model by itself.
    """
    tables = kernel.synapses.ordered()
    kinds = np.full(max((t.model.number for t in tables), default=0) + 1, -1, np.int16)
    for model in (t.model for t in tables):
        if model.record.changes or model.record.couples:
            kinds[model.number] = model.number
        elif model.record.carries == "learning":
            kinds[model.number] = TEACHING
    return kinds - TEACHING


def _alike(which: np.ndarray, *parts: np.ndarray) -> Iterator[Any]:
    """Those of `which` in groups that agree in all parts, which are small numbers, 0 or more."""
    if all(map(is_repeated, parts)):
        if which.any():
            yield where(which)
        return
    key = np.zeros(len(which), np.int32)
    for part in parts:
        used = np.bincount(part) > 0
        key *= np.int32(used.sum())
        key += (np.cumsum(used, dtype=np.int32) - 1)[part]
    key += 1
    key *= which
    # Few, so looking for each is faster than sorting.
    for value in np.flatnonzero(np.bincount(key))[not which.all() :]:
        yield where(key == value)


def _port(pre: Elements, post: Elements, receptor: int, carries: str) -> str:
    return ports_of(post.sample, kind_of(type(pre.sample), carries))[receptor]


def name_of(pre: Elements, post: Elements, port: str, model: str) -> str:
    """The name of an edge."""
    return f"{pre.table.base}->{post.table.base}:{port.replace('.', ':')}:{model}"


def spikes_to_binary(pre: Elements, post: Elements) -> bool:
    """Whether spikes of a device stand for transitions of a binary neuron."""
    spikes = kind_of(type(pre.sample)) == "spike"
    return spikes and post.sample.sends == "change" and "change" in pre.sample.signals


def static_projection(
    pre: Elements,
    post: Elements,
    port: str,
    links: Links,
    resolution: float,
    model: str = "static",
    signal: str = "",
) -> tuple[str, sx.Projection, Links]:
    """Synapses that do not change, of what their source sends unless `signal` is given."""
    relays = post.sample.relays
    if relays:
        one = repeated(1.0, len(links))
        links = dataclasses.replace(links, weight=one if is_repeated(links.weight) else one.copy())
    source, target, weight, delay = filled(pre, post, links, links.weight)
    if delay.dtype.kind == "f" and not post.sample.ports[port.partition(".")[0]].events:
        delay = np.ceil(delay)
    spikes = relays and kind_of(type(pre.sample)) == "spike"
    binary = spikes_to_binary(pre, post) and "change"
    signal = signal or among(pre, post) or binary or ("spike" if spikes else pre.sample.sends)
    name = name_of(pre, post, port, model)
    projection = sx.Projection(
        pre.table.base,
        post.table.base,
        port,
        sx.explicit(source, target, layout=_format(pre, post, source, target)),
        weight=(weight[0] if is_repeated(weight) else weight)
        * weight_unit(pre, post, port, signal),
        delay=delay * resolution * ms,
        signal=signal,
        name=name,
    )
    return name, projection, links


def teaching_projection(
    pre: Elements, post: Elements, port: str, links: Links
) -> tuple[str, sx.Projection, Links]:
    """Connections of learning signals, which reach their targets before the spikes of a step.

    So they act in the step in which they are sent, where NEST's target takes note of them in the
    next, whatever their delay.
    """
    name, signal = name_of(pre, post, port, "teaching"), pre.sample.teaches
    projection = sx.Projection(
        pre.table.base,
        post.table.base,
        port,
        sx.explicit(links.source, links.target, layout="csr"),
        weight=links.weight * weight_unit(pre, post, port, signal),
        signal=signal,
        name=name,
    )
    return name, projection, links


def _format(pre: Elements, post: Elements, source: np.ndarray, target: np.ndarray) -> str:
    """One to one is a sum of arrays; small networks have one format, to share their code."""
    if post.is_filled or not len(source) == pre.size == post.size:
        return "csr"
    once = (source == target).all() and np.bincount(source, minlength=pre.size).all()
    return "one_to_one" if once else "csr"


def among(pre: Elements, post: Elements) -> str:
    """The signal that nodes of one model transmit among themselves, where it is one of its own."""
    return pre.sample.among if pre.table.base == post.table.base else ""


def weight_unit(pre: Elements, post: Elements, port: str, signal: str) -> Any:
    """The unit of the weights, as a factor."""
    unit = post.sample.ports[port.partition(".")[0]].unit
    ratio = unit / pre.sample.signals[signal]
    return 1.0 if str(ratio) == "1" else ratio


def filled(
    pre: Elements, post: Elements, links: Links, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sources, targets, weights and delays in steps, with synapses that do nothing at the end."""
    is_small = pre.is_filled and post.is_filled and len(links) + 2 <= SMALL
    more = rounded(len(links) + 2) - len(links) if is_small else 0
    if not more:
        return links.source, links.target, weight, _delays(links, more)
    nothing = np.full(more, 0.0 if post.sample.relays else _NOTHING)
    nothing[1::2] *= -1  # both signs: the network has the same channels whatever the weights
    return (
        np.concatenate([links.source, np.full(more, pre.size - 1)]),
        np.concatenate([links.target, np.full(more, post.size - 1)]),
        np.concatenate([weight, nothing]),
        _delays(links, more),
    )


def _delays(links: Links, more: int) -> np.ndarray:
    """Delays in steps, with those of `more` synapses that do nothing.

    One number for all where it can be: code for it is faster, and not that of other networks.
    """
    longest = math.ceil(links.delay.max(initial=1))
    if not more:
        return links.delay[0] if np.all(links.delay == longest) else links.delay
    delay = np.append(links.delay, np.full(more, 1))
    delay[len(links)] = max(SHORTEST, 1 << (longest - 1).bit_length())
    return delay
