"""Pictures of networks: who projects to whom, which synapses there are, how strong they are."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikax._built import BuiltNetwork, NetworkState
from spikax._extras import require
from spikax._network import EdgeSpec, Network
from spikax._plot import COLOURS, axes
from spikax._projection import Edge
from spikax._summary import short
from spikax.errors import unknown
from spikax.units import in_unit

_BLOCKS = 100  # along an axis of a picture of many neurons


def _edge(net: BuiltNetwork, name: str) -> Edge:
    if name not in net.edges:
        raise unknown("edge", name, net.edges)
    return net.edges[name]


def plot_connectivity(net: BuiltNetwork, name: str, ax: Any) -> Any:
    """An image of the synapses: pair by pair, of many neurons block by block."""
    edge = _edge(net, name)
    sizes = edge.format.n_pre, edge.format.n_post
    borders = [np.linspace(0, n, min(n, _BLOCKS) + 1).round() - 0.5 for n in sizes]
    sources = edge.format.pre_values(jnp.arange(sizes[0], dtype=jnp.int32))
    counts, *_ = np.histogram2d(np.ravel(sources), np.ravel(edge.format.targets), borders)
    density = counts / np.outer(*map(np.diff, borders))
    ax = axes(ax)
    image = ax.pcolormesh(*reversed(borders), density, cmap="Blues", vmin=0)
    whole = require("matplotlib.ticker", "plot").MaxNLocator(5, integer=density.max() >= 1)
    ax.figure.colorbar(image, ax=ax, label="synapses per pair", ticks=whole)
    ax.locator_params(integer=True)
    ax.invert_yaxis()
    ax.set(xlabel=f"neuron of {edge.post}", ylabel=f"neuron of {edge.pre}", title=name)
    return ax


def plot_weights(net: BuiltNetwork, name: str, state: NetworkState | None, ax: Any) -> Any:
    """A histogram of the weights of all synapses."""
    edge = _edge(net, name)
    learnt = state.edges[name] if state is not None and "weight" in edge.signals else edge
    weights = in_unit(np.asarray(edge.format.weights(learnt.weight)), edge.unit)
    ax = axes(ax)
    each = np.broadcast_to(weights, edge.format.shape).ravel()
    ax.hist(each, bins=min(50, 5 + int(np.sqrt(each.size))), color=COLOURS[0])
    ax.set(xlabel=f"weight ({edge.unit})", ylabel="synapses", title=name)
    return ax


def plot_graph(net: Network, ax: Any) -> Any:
    """Populations as boxes on a circle, projections as arrows in the colour of their port."""
    order, edges = net.order(), net.edges()
    if ax is None:
        ax, inches = axes(ax), min(len(order), 12)
        ax.figure.set_size_inches(5 + 0.6 * inches, 1.5 + 0.9 * inches)
    angles = np.pi - 2 * np.pi * np.arange(len(order)) / len(order)
    boxes = {
        n: _box(ax, net, n, (np.cos(a), np.sin(a))) for n, a in zip(order, angles, strict=True)
    }
    colours = dict(zip(dict.fromkeys(map(_port, edges)), itertools.cycle(COLOURS), strict=False))
    bends = Counter[tuple[str, str]]()
    for edge in edges:
        bends[edge.pre, edge.post] += 1
        ends = boxes[edge.pre], boxes[edge.post]
        _arrow(ax, *ends, colours[_port(edge)], bends[edge.pre, edge.post])
    lines = [ax.plot([], [], color=colour, label=port)[0] for port, colour in colours.items()]
    ax.legend(handles=lines, title="port", loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4))
    ax.set_axis_off()
    return ax


def _port(edge: EdgeSpec) -> str:
    return "+".join(edge.projection.factors)


def _box(ax: Any, net: Network, name: str, place: tuple[float, float]) -> Any:
    population = net.populations[name]
    text = f"{name}\n{population.size}\n{short(population.node())}"
    style = {"boxstyle": "round,pad=0.5", "facecolor": "white"}
    return ax.text(*place, text, ha="center", va="center", size=9, bbox=style)


def _arrow(ax: Any, pre: Any, post: Any, colour: str, bend: int) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.3, "mutation_scale": 14, "shrinkA": 0}
    box = pre.get_bbox_patch()
    if pre is post:
        outside = 1 if pre.get_position()[1] > -0.1 else 0
        curve = f"arc3,rad={(1 - 2 * outside) * (0.5 + bend)}"
        style |= {"connectionstyle": curve, "shrinkB": 0}
        arrow = ax.annotate("", (0.7, outside), (0.3, outside), box, box, arrowprops=style)
    else:
        style |= {"connectionstyle": f"arc3,rad={0.12 * bend}", "shrinkB": 2}
        style |= {"patchA": box, "patchB": post.get_bbox_patch()}
        arrow = ax.annotate("", post.get_position(), pre.get_position(), arrowprops=style)
    arrow.set_in_layout(False)  # where it goes is known when the boxes are drawn
