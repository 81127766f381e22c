"""Drawings of nodes with positions, of their partners, of masks and of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._drawing import pyplot
from spikax_nest.pynest._masks import Ball, Box, Combined, Ellipse, Mask, mask_of
from spikax_nest.pynest._parameter import Parameter
from spikax_nest.pynest._spatial_functions import (
    GetPosition,
    GetSourcePositions,
    GetTargetPositions,
)


def PlotLayer(layer: Any, fig: Any = None, nodecolor: Any = "b", nodesize: float = 20) -> Any:
    """Draw all nodes of a layer; the figure."""
    if not isinstance(layer, NodeCollection):
        raise TypeError("layer must be a NodeCollection")
    return _scatter(fig, layer, [(layer.positions, nodecolor, nodesize)])


def PlotTargets(
    src_nrn: Any,
    tgt_layer: Any,
    syn_type: str | None = None,
    fig: Any = None,
    mask: Any = None,
    probability_parameter: Any = None,
    src_color: Any = "red",
    src_size: float = 50,
    tgt_color: Any = "blue",
    tgt_size: float = 20,
    mask_color: Any = "yellow",
    probability_cmap: Any = "Greens",
) -> Any:
    """Draw a node and its targets in a layer, of one synapse model or all; the figure.

    Args:
        src_nrn: The one source.
        tgt_layer: Where its targets are.
        syn_type: Synapse model.
        fig: Figure to draw into.
        mask: Draw this mask, too.
        probability_parameter: Draw this probability, too.
        src_color: Of the source.
        src_size: Of the source.
        tgt_color: Of its targets.
        tgt_size: Of its targets.
        mask_color: Of the outline of the mask.
        probability_cmap: Color map of the probability.
    """
    _need_one(src_nrn, "src_nrn")
    partners = np.array(GetTargetPositions(src_nrn, tgt_layer, syn_type)[0])
    dots = [(partners, tgt_color, tgt_size), (src_nrn.positions, src_color, src_size)]
    fig = _scatter(fig, tgt_layer, dots)
    _around(fig, src_nrn, tgt_layer, probability_parameter, mask, probability_cmap, mask_color)
    return fig


def PlotSources(
    src_layer: Any,
    tgt_nrn: Any,
    syn_type: str | None = None,
    fig: Any = None,
    mask: Any = None,
    probability_parameter: Any = None,
    tgt_color: Any = "red",
    tgt_size: float = 50,
    src_color: Any = "blue",
    src_size: float = 20,
    mask_color: Any = "yellow",
    probability_cmap: Any = "Greens",
) -> Any:
    """Draw a node and its sources in a layer; arguments as of `PlotTargets`."""
    _need_one(tgt_nrn, "tgt_nrn")
    partners = np.array(GetSourcePositions(src_layer, tgt_nrn, syn_type)[0])
    dots = [(partners, src_color, src_size), (tgt_nrn.positions, tgt_color, tgt_size)]
    fig = _scatter(fig, src_layer, dots)
    _around(fig, tgt_nrn, src_layer, probability_parameter, mask, probability_cmap, mask_color)
    return fig


def PlotProbabilityParameter(
    source: Any,
    parameter: Any = None,
    mask: Any = None,
    edges: Any = (-0.5, 0.5, -0.5, 0.5),
    shape: Any = (100, 100),
    ax: Any = None,
    prob_cmap: Any = "Greens",
    mask_color: Any = "yellow",
) -> None:
    """Draw the probability with which a node is connected to places around it, and a mask.

    Args:
        source: The one node.
        parameter: Probability, of the distance from it.
        mask: As in the connection spec.
        edges: [x_min, x_max, y_min, y_max] of what is drawn.
        shape: Number of values along x and y.
        ax: Axes to draw into.
        prob_cmap: Color map.
        mask_color: Of the outline of the mask.
    """
    if parameter is None and mask is None:
        raise ValueError("At least one of parameter or mask must be specified")
    _need_one(source, "source")
    axes = pyplot().subplots()[1] if ax is None else ax
    axes.set_xlim(*edges[:2])
    axes.set_ylim(*edges[2:])
    if parameter is not None:
        values = _probabilities(source, parameter, edges, shape)
        image = {"extent": edges, "cmap": prob_cmap, "vmin": 0.0, "vmax": 1.0, "origin": "lower"}
        axes.imshow(values, **image)
    if mask is not None:
        _outline(axes, mask_of(mask), np.array(GetPosition(source)), mask_color)


def _probabilities(source: Any, parameter: Any, edges: Any, shape: Any) -> np.ndarray:
    if not isinstance(parameter, Parameter):
        raise TypeError("parameter must be a Parameter, such as nest.spatial.distance")
    x, y = (np.linspace(edges[2 * k], edges[2 * k + 1], shape[k]) for k in (0, 1))
    places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).tolist()
    values = np.array(parameter.apply(source, places))
    return np.clip(values, 0.0, 1.0).reshape(shape[1], shape[0])


def _need_one(nodes: Any, name: str) -> None:
    if not isinstance(nodes, NodeCollection) or len(nodes) != 1:
        raise ValueError(f"{name} must be a NodeCollection of exactly one node")


def _scatter(fig: Any, layer: NodeCollection, dots: list[tuple[np.ndarray, Any, float]]) -> Any:
    """A figure with the nodes of a layer as dots: (positions, color, size)."""
    assert layer.layer is not None
    flat = layer.layer.dimensions == 2
    if fig is None:
        fig = pyplot().figure()
    axes = fig.gca() if flat or fig.axes else fig.add_subplot(111, projection="3d")
    for positions, color, size in dots:
        if len(positions):
            axes.scatter(*positions.T, s=size, **{"facecolor" if flat else "c": color})
    if flat:
        _frame(axes, layer)
    return fig


def _frame(axes: Any, layer: Any) -> None:
    half = layer.layer.extent / 2
    (left, low), (right, high) = layer.layer.center - half, layer.layer.center + half
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.set_aspect("equal", "box")


def _around(
    fig: Any, node: Any, layer: Any, parameter: Any, mask: Any, cmap: Any, color: Any
) -> None:
    if parameter is None and mask is None:
        return
    axes = fig.gca()
    edges = [*axes.get_xlim(), *axes.get_ylim()]
    PlotProbabilityParameter(
        node, parameter, mask, edges, ax=axes, prob_cmap=cmap, mask_color=color
    )


def _outline(axes: Any, mask: Mask | None, at: np.ndarray, color: Any) -> None:
    """Draw the border of a mask that is put at a place."""
    for patch in _patches(mask, at):
        patch.set(fill=False, edgecolor=color, linewidth=3, zorder=10)
        axes.add_patch(patch)


def _patches(mask: Mask | None, at: np.ndarray) -> list[Any]:
    pyplot()
    from matplotlib import patches

    if isinstance(mask, Combined):
        return _patches(mask.first, at) + _patches(mask.second, at)
    if isinstance(mask, Ball):
        return [patches.Circle(_xy(at + mask.center), mask.radius)]
    if isinstance(mask, Ellipse):
        return [patches.Ellipse(_xy(at + mask.center), *mask.axes[:2], angle=_degrees(mask.turn))]
    if isinstance(mask, Box):
        corner, size = at + mask.low, mask.high - mask.low
        turn: Any = {"angle": _degrees(mask.turn), "rotation_point": "center"}
        return [patches.Rectangle(_xy(corner), *size[:2], **turn)]
    raise ValueError("a grid mask cannot be drawn; draw a rectangular one")


def _degrees(turn: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(turn[0, 1], turn[0, 0])))


def _xy(place: np.ndarray) -> tuple[float, float]:
    return float(place[0]), float(place[1])
