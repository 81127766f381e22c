"""Tables that say what a network is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from spikax._built import BuiltNetwork
    from spikax._network import Network


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns of text, as wide as their widest entry."""
    cells = [list(map(str, row)) for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def describe(net: Network) -> str:
    """A description: populations, then projections."""
    populations = [(n, p.size, short(p.node())) for n, p in net.populations.items()]
    edges = [
        (
            e.name,
            "+".join(e.projection.factors),
            e.projection.signal,
            e.projection.connectivity,
            e.projection.weight,
            "same step" if e.projection.delay is None else e.projection.delay,
        )
        for e in net.edges()
    ]
    text = table(("population", "size", "model"), populations)
    if edges:
        text += "\n\n" + table(("edge", "port", "signal", "rule", "weight", "delay"), edges)
    return text


def describe_built(net: BuiltNetwork) -> str:
    """A built network: with synapses, delays, bytes and the order of a step."""
    sizes = dict(net.sizes)
    populations = [(n, sizes[n], short(net.nodes[n]), _bytes(net.nodes[n])) for n in net.order]
    edges = [
        (
            name,
            net.edges[name].format.n_synapses,
            type(net.edges[name].format).__name__,
            f"{net.edges[name].delay * net.dt:g} ms",
            _bytes(net.edges[name]),
        )
        for name in net.edge_order
    ]
    text = table(("population (in order of a step)", "size", "model", "bytes"), populations)
    if edges:
        text += "\n\n" + table(("edge", "synapses", "format", "longest delay", "bytes"), edges)
    synapses = sum(e[1] for e in edges)
    return f"{text}\n\n{sum(sizes.values())} neurons, {synapses} synapses, dt = {net.dt:g} ms"


def short(model: Any) -> str:
    """A model and its parts in one line: Cell(LIF, exc, inh)."""
    name = type(model).__name__
    if name == "Cell":
        return f"Cell({', '.join([type(model.neuron).__name__, *sorted(model.receptors)])})"
    if name == "Releasing":
        return f"{short(model.node)} releasing {', '.join(sorted(model.releases))}"
    return name


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
