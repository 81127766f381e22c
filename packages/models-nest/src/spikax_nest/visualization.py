"""A picture of a network as a graph."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._synapse_collection import GetConnections

__all__ = ["plot_network"]


def plot_network(
    nodes: Any, filename: str, ext_conns: bool = False, plot_modelnames: bool = False
) -> None:
    """Draw nodes, and the synapses that begin at them, to a .pdf or .png file.

    Args:
        nodes: What to draw.
        filename: The picture; its ending tells the format.
        ext_conns: Draw synapses to other nodes, too, as ending at one that is called "ext".
        plot_modelnames: Write models to the nodes.

    Raises:
        ImportError: There is no pydot.
    """
    if not isinstance(nodes, NodeCollection):
        raise TypeError("nodes must be a NodeCollection")
    kind = Path(filename).suffix.removeprefix(".").lower()
    if kind not in ("pdf", "png"):
        raise ValueError(f"filename is {filename!r}; it must end in .pdf or .png")
    try:
        pydot: Any = importlib.import_module("pydot")
    except ImportError:
        raise ImportError("plot_network needs pydot: pip install pydot") from None
    graph = pydot.Dot(rankdir="LR", ranksep="5")
    for node in nodes:
        label = f"{node.global_id}" + (f" {node.get('model')}" if plot_modelnames else "")
        graph.add_node(pydot.Node(str(node.global_id), label=label))
    for source, target in _edges(nodes, ext_conns):
        graph.add_edge(pydot.Edge(source, target))
    graph.write(filename, format=kind)


def _edges(nodes: NodeCollection, outside: bool) -> set[tuple[str, str]]:
    synapses, inside = GetConnections(nodes), set(nodes.tolist())
    ends = zip(synapses.sources(), synapses.targets(), strict=True)
    return {
        (str(source), str(target) if target in inside else "ext")
        for source, target in ends
        if outside or target in inside
    }
