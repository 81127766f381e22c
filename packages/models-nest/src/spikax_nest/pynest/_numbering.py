"""Synapses that are numbered in the order in which they first transmit.

In the network a population that PyNEST does not show counts those of a model: it gets the spikes of
all their sources within the step, and the rule sees its signals.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

import spikax as sx
from spikax.errors import NumericsError
from spikax.units import ms
from spikax_nest.pynest._order import nests_order
from spikax_nest.synapses._numbers import NEVER, SynapseNumbers

Edges = Mapping[str, Any]


def counter_of(model: Any) -> str:
    """The population that numbers the synapses of a model."""
    return f"synapse_numbers_{model.number}"


def number_synapses(
    kernel: Any,
    elements: Mapping[str, Any],
    edges: Edges,
    populations: dict[str, sx.Population],
    projections: list[Any],
) -> None:
    """Add what numbers synapses to a network, in place.

    Args:
        kernel: Whose synapses.
        elements: The nodes of each population.
        edges: The synapses of each projection.
        populations: Of the network.
        projections: Of the network.
    """
    for table in kernel.synapses.ordered():
        if not table.model.record.numbered:
            continue
        places = [k for k, p in enumerate(projections) if _is_of(p, edges, table)]
        if not places:
            continue
        pres = list(dict.fromkeys(projections[k].pre for k in places))
        sizes = [elements[base].size for base in pres]
        begins = dict(zip(pres, np.cumsum([0, *sizes]).tolist(), strict=False))
        waits, start = present(kernel, table)
        ranks = _ranks(kernel, table, waits)
        for k in places:
            old = projections[k]
            rule = _counted(table, old, edges[old.name].row, ranks, start, begins[old.pre])
            projections[k] = dataclasses.replace(old, plasticity=rule)
        counter = counter_of(table.model)
        numbers = _counter(kernel, table, [elements[base] for base in pres], waits, start)
        populations[counter] = sx.Population(numbers, sum(sizes))
        projections += [_spikes(elements[base], counter, begins[base]) for base in pres]


def _is_of(projection: Any, edges: Edges, table: Any) -> bool:
    if projection.plasticity is None:
        return False
    return edges[projection.name].table[0] == table.model.number


def present(kernel: Any, table: Any) -> tuple[np.ndarray, int]:
    """Which synapses of a model still wait for a number, and how many have one by now.

    That is as of the present step, where what NEST shows is as of the last delivery.
    """
    engine, counter = kernel.engine, counter_of(table.model)
    flags, start = table.columns["init_flag"].copy(), table.model.defaults["no_synapses"]
    if engine.layout is None or counter not in engine.state.nodes:
        return ~flags & table.columns["alive"], start
    assigned = np.concatenate([np.zeros(0, np.int64), *table.assigned.get("init_flag", [])])
    for name in engine.layout.plastic(table):
        values = engine.layout.listed(name, engine.state.edges[name].variables["init_flag"])
        rows = engine.layout.edges[name].row
        mine = ~np.isin(rows, assigned)
        flags[rows[mine]] = values[mine] > 0
    if "no_synapses" not in table.assigned:
        start = counted(engine.model, engine.state, counter)
    return ~flags & table.columns["alive"], start


def counted(model: Any, state: Any, counter: str) -> int:
    """How many synapses have a number in a state of the network."""
    numbers, sources = model.nodes[counter], state.nodes[counter]
    # Those of the last step transmit in the next.
    started = (np.asarray(sources.since) < NEVER) & (np.asarray(sources.opening) == 0)
    start, waiting = np.asarray(numbers.start), np.asarray(numbers.waiting)
    return round(float(start.max() + np.sum(waiting * started)))


def begun(layout: Any, model: Any, state: Any) -> Any:
    """The state of a new network whose sources may have spiked in the last step of the old one."""
    nodes = dict(state.nodes)
    for counter in nodes.keys() - layout.elements.keys():
        spikes = [
            model.nodes[p.pre].read(nodes[p.pre], "spike")
            for p in layout.network.projections
            if p.post == counter
        ]
        arrived = {"syn": np.concatenate(spikes)}
        nodes[counter] = model.nodes[counter].update(
            nodes[counter], arrived, t=state.t - 1, dt=model.dt
        )
    return state.replace(nodes=nodes)


def foresee(engine: Any, pieces: list[int]) -> None:
    """Tell what counts in which slices sources will spike first, by runs that are then forgotten.

    NEST delivers the spikes of a slice by their sources, not by their steps. What synapses send in
    a slice has no effect within it, so with each of these runs one slice more, at least, is right.
    """
    counters = _counting(engine.layout, engine.model, engine.state)
    if engine.kernel.delay_extrema()[0] == 1 or not counters:
        return
    since = {n: np.asarray(engine.state.nodes[n].since) for n in counters}
    expected = {n: np.where(v < NEVER, -1.0, NEVER) for n, v in since.items()}
    while True:
        engine.state = after = _told(engine.state, expected)
        try:
            for n in pieces:
                duration = engine.kernel.clock.ms(n) * ms
                after = sx.simulate(engine.model, after, duration, progress=False)[0]
        except NumericsError:
            return  # as the run itself will find
        seen = {n: np.asarray(after.nodes[n].since) for n in counters}
        if all(_is_known(expected[n], seen[n]) for n in counters):
            return
        expected = {n: np.where(e < 0, e, seen[n]) for n, e in expected.items()}


def _counting(layout: Any, model: Any, state: Any) -> list[str]:
    """What still waits for sources to spike."""
    return [
        n
        for n in state.nodes.keys() - layout.elements.keys()
        if np.any((np.asarray(state.nodes[n].since) == NEVER) & (model.nodes[n].waiting > 0))
    ]


def _told(state: Any, expected: Mapping[str, np.ndarray]) -> Any:
    nodes = {n: state.nodes[n].replace(expected=jnp.asarray(v)) for n, v in expected.items()}
    return state.replace(nodes={**state.nodes, **nodes})


def _is_known(expected: np.ndarray, seen: np.ndarray) -> bool:
    """Whether nobody else can have come before a source in its slice than what counts did know."""
    found = seen[(expected >= 0) & (seen < NEVER)]
    alone = np.all(expected[expected >= 0] == NEVER) and len(np.unique(found)) == len(found)
    return bool(alone or np.array_equal(seen[expected >= 0], expected[expected >= 0]))


def fetch_count(engine: Any, table: Any) -> None:
    """Bring the count into the values of a synapse model, as of the last delivery."""
    counter, values = counter_of(table.model), table.model.defaults
    if counter not in engine.delivered.nodes:
        return
    count = counted(engine.model, engine.delivered, counter)
    if count > values["no_synapses"]:
        rule = table.model.record.load()
        values |= rule.with_values(values, {"no_synapses": count})


def _ranks(kernel: Any, table: Any, waits: np.ndarray) -> np.ndarray:
    """How many of the synapses of its source that wait come before each, in NEST's order."""
    order, _ = nests_order(kernel, table)
    order = order[np.argsort(table.columns["source"][order], kind="stable")]
    source, before = table.columns["source"][order], np.cumsum(waits[order]) - waits[order]
    ranks = np.zeros(len(table))
    ranks[order] = before - before[np.searchsorted(source, source)]
    return ranks


def _counted(
    table: Any, projection: sx.Projection, rows: np.ndarray, ranks: Any, start: int, begin: int
) -> Any:
    """The rule of a projection, with what it needs to number its synapses."""
    rule: Any = projection.plasticity
    values = table.model.defaults
    if start != values["no_synapses"]:
        values = rule.with_values(values, {"no_synapses": start})
    more = len(projection.connectivity.pre) - len(rows)  # type: ignore[attr-defined]
    return rule.replace(
        counter=counter_of(table.model),
        begin=begin,
        rank=np.append(ranks[rows], np.zeros(more)),
        no_synapses=float(start),
        readout_cycle_duration=values["readout_cycle_duration"] * ms,
    )


def _counter(kernel: Any, table: Any, pres: list[Any], waits: np.ndarray, start: int) -> Any:
    """What counts: a neuron for each element of the sources' populations."""
    per_node = np.bincount(table.columns["source"][waits], minlength=len(kernel.nodes) + 1)
    waiting, gids = [], []
    for e in pres:
        own = np.zeros(e.size)
        own[e.first] = per_node[e.table.gids]
        waiting.append(own)
        gids.append(np.append(e.table.gids[e.rows], np.zeros(e.size - e.n, np.int64)))
    turn = np.argsort(np.concatenate(gids), kind="stable")
    return SynapseNumbers(
        waiting=np.concatenate(waiting),
        turn=turn.astype(float),
        start=start,
        steps=kernel.delay_extrema()[0],
    )


def _spikes(pre: Any, counter: str, begin: int) -> sx.Projection:
    """The spikes of a population, in the step in which it spikes."""
    source = np.arange(pre.size)
    return sx.Projection(
        pre.table.base,
        counter,
        "syn",
        sx.explicit(source, begin + source, layout="csr"),
        weight=1.0,
        signal="spike",
        name=f"{pre.table.base}->{counter}",
    )
