"""Synapses that change, as projections of core with a rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import spikax as sx
from spikax.units import ms
from spikax_nest.pynest._arrays import is_repeated, picked, where
from spikax_nest.pynest._layout import Elements, Links
from spikax_nest.pynest._lower import (
    SMALL,
    among,
    filled,
    name_of,
    static_projection,
    weight_unit,
)

IGNORED = "ignored"
LARGE = 1e18  # ms: in place of infinity


def plastic_projections(
    kernel: Any, pre: Elements, post: Elements, port: str, links: Links
) -> Iterator[tuple[str, sx.Projection, Links]]:
    """The projections of one synapse model between two populations that end on one port."""
    record = kernel.synapses.numbered(links.table[0]).model.record
    if post.sample.relays and port != IGNORED and not record.load().random:
        # What a relay passes on are spikes, not weights; the synapses change all the same.
        yield static_projection(pre, post, port, links, kernel.clock.resolution, "relay")
        port = IGNORED
    channels = post.sample.ports[port.partition(".")[0]]
    if not channels.channels or "." in port or channels.route is None:
        yield _projection(kernel, pre, post, port, links, 1)
        return
    which = channels.route(links.weight)
    for k, channel in enumerate(channels.channels):
        if np.any(which == k):
            sign = 1 if k == 0 else -1
            some = links[where(which == k)]
            yield _projection(kernel, pre, post, f"{port}.{channel}", some, sign)


def _projection(
    kernel: Any, pre: Elements, post: Elements, port: str, links: Links, sign: int
) -> tuple[str, sx.Projection, Links]:
    table = kernel.synapses.numbered(links.table[0])
    weight = links.weight
    if post.sample.relays and port != IGNORED:
        weight = np.ones(len(links))
    source, target, weight, delay = filled(pre, post, links, weight)
    more = len(weight) - len(links)
    if not is_repeated(weight):
        weight = np.append(weight[: len(links)], np.zeros(more))
    signal = among(pre, post) or "spike"
    unit = weight_unit(pre, post, port, signal)
    rule = _rule(kernel, table, post, links, more, unit, sign)
    if pre.sample.fires_once and post.sample.fires_once:
        rule = rule.replace(in_turn=False)
    name = name_of(pre, post, port, table.model.name)
    projection = sx.Projection(
        pre.table.base,
        post.table.base,
        port,
        sx.explicit(source, target, layout="csr"),
        weight=sx.each(weight[0] * unit) if is_repeated(weight) else weight * unit,
        delay=delay * kernel.clock.resolution * ms,
        signal=signal,
        plasticity=rule,
        name=name,
    )
    return name, projection, links


def _rule(
    kernel: Any, table: Any, post: Elements, links: Links, more: int, unit: Any, sign: int
) -> Any:
    """The rule with one value per synapse of what is no common parameter."""
    rule = table.model.record.load()
    values: dict[str, Any] = {}
    rows = links.row
    if table.model.record.targets:
        values |= of_eprop(kernel, table, post, links, more)
    for name in table.model.record.defaults():
        if name == "optimizer":
            continue
        if name in rule.lists:
            values[name] = tuple(table.model.defaults[name].tolist())
            continue
        field = rule.names.get(name, name)
        value = _value(table, name, rows, more, sign if field == "w_max" else 1)
        of = unit if field == "w_max" else rule.declared[field].unit
        values[field] = value if str(of) == "1" else value * of
    padded = np.append(post.rows, np.repeat(post.rows[-1:], post.size - post.n))
    values |= {name: post.table.columns[name][padded] * ms for name in rule.per_neuron}
    if "relayed" in rule.declared:
        values["relayed"] = post.sample.relays
    if table.model.record.names:
        values["transmitter"] = _row(kernel, table.model, table.model.record.names[0])
    return rule(**values)


def of_eprop(kernel: Any, table: Any, post: Elements, links: Links, more: int) -> dict[str, Any]:
    """What an e-prop synapse takes from its model's optimiser, its targets and the kernel."""
    rule, sample = table.model.record.load(), post.sample
    values: dict[str, Any] = dict(table.model.defaults["optimizer"])
    values["recurrent"] = "learning" in sample.ports
    for name in rule.of_target:
        if name in post.table.columns:
            column = np.clip(post.table.columns[name].astype(float), None, LARGE)[links.target]
            same = column if np.any(column != column[0]) else column[:1]
            value = np.append(same, np.repeat(same[-1:], more)) if len(same) > 1 else same[0]
            values[name] = value * rule.declared[name].unit
    if "shift" in rule.declared:
        settings, dt = kernel.settings, kernel.clock.resolution
        values |= {
            "shift": sample.shift,  # type: ignore[attr-defined]
            "interval_steps": round(settings["eprop_update_interval"] / dt),
            "learning_window": settings["eprop_learning_window"] * ms,
        }
    return values


def _row(kernel: Any, model: Any, name: str) -> int:
    """Which node of its model a synapse model names."""
    return kernel.nodes.table(int(model.nodes[name].ids[0]))[1]


def _value(table: Any, name: str, rows: np.ndarray, more: int, sign: int) -> Any:
    default = table.model.defaults[name]
    if name in table.model.record.common:
        return default
    values = picked(table.column(name), rows)
    if len(values) > SMALL and (is_repeated(values) or np.all(values == values[0])):
        return float(values[0])  # a large network has code of its own: no array of equal numbers
    values = values.astype(float)
    return np.append(values, np.full(more, abs(default) * sign))
