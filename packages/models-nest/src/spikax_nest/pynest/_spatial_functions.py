"""Functions of nodes with positions: where they are, how far, which, and written to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._layers import Layer
from spikax_nest.pynest._masks import GridMask
from spikax_nest.pynest._spatial_connect import _images, _lattice
from spikax_nest.pynest._synapse_collection import GetConnections


def _places(nodes: Any) -> np.ndarray:
    if isinstance(nodes, NodeCollection):
        if nodes.layer is None:
            raise TypeError("nodes must be a NodeCollection with spatial extent")
        return nodes.positions
    return np.asarray(nodes, np.float64)


def _checked(nodes: Any) -> NodeCollection:
    if not isinstance(nodes, NodeCollection) or nodes.layer is None:
        raise TypeError("nodes must be a NodeCollection with spatial extent")
    return nodes


def GetPosition(nodes: NodeCollection) -> Any:
    """The position of a node; a list of them for several."""
    places = _checked(nodes).positions.tolist()
    return places[0] if len(places) == 1 else places


def _between(from_arg: Any, to_arg: Any) -> np.ndarray:
    _checked(to_arg)
    start, end = _places(from_arg), _places(to_arg)
    if len(start) != len(end) and 1 not in (len(start), len(end)):
        raise ValueError("to_arg and from_arg must have same size unless one have size 1.")
    layer: Layer = to_arg.layer
    return layer.shortest(end - start)


def Displacement(from_arg: Any, to_arg: NodeCollection) -> list[list[float]]:
    """From nodes (or positions) to nodes, the short way round in periodic space."""
    return _between(from_arg, to_arg).tolist()


def Distance(from_arg: Any, to_arg: NodeCollection) -> list[float]:
    """Lengths of the displacements."""
    return np.linalg.norm(_between(from_arg, to_arg), axis=1).tolist()


def FindNearestElement(layer: NodeCollection, locations: Any, find_all: bool = False) -> Any:
    """The node nearest to a place; of several that are equally near the first, or all.

    For a list of places a list of the same.
    """
    nodes = _checked(layer)
    places = np.asarray(locations, np.float64)
    found = [_nearest(nodes, place, find_all) for place in np.atleast_2d(places)]
    return found[0] if places.ndim == 1 else found


def _nearest(nodes: NodeCollection, place: np.ndarray, find_all: bool) -> Any:
    layer: Any = nodes.layer
    distance = np.linalg.norm(layer.shortest(nodes.positions - place), axis=1)
    if not find_all:
        return nodes[int(np.argmin(distance))]
    near = np.flatnonzero(distance <= distance.min() * (1 + 1e-14) + 1e-14)
    return [nodes[int(k)] for k in near]


def FindCenterElement(layer: NodeCollection) -> NodeCollection:
    """The node nearest to the center of its layer."""
    nodes: Any = _checked(layer)
    return FindNearestElement(nodes, nodes.layer.center)


def SelectNodesByMask(layer: NodeCollection, anchor: Any, mask_obj: Any) -> NodeCollection:
    """The nodes that a mask around a place covers."""
    nodes: Any = _checked(layer)
    at = np.asarray(anchor, np.float64)
    if isinstance(mask_obj, GridMask):
        first = _lattice(_nearest(nodes, at, False))[0]
        inside = mask_obj.inside(_lattice(nodes) - first)
    else:
        between = nodes.positions - at
        inside = np.any([mask_obj.inside(between + s) for s in _images(nodes.layer)], axis=0)
    return nodes[np.flatnonzero(inside)]


def GetTargetNodes(
    sources: NodeCollection, tgt_layer: NodeCollection, syn_model: str | None = None
) -> tuple[NodeCollection, ...]:
    """For each source its targets within a layer."""
    return _partners(_checked(sources), _checked(tgt_layer), syn_model, "target")


def GetSourceNodes(
    src_layer: NodeCollection, targets: NodeCollection, syn_model: str | None = None
) -> tuple[NodeCollection, ...]:
    """For each target its sources within a layer."""
    return _partners(_checked(targets), _checked(src_layer), syn_model, "source")


def _partners(ends: Any, layer: Any, model: str | None, wanted: str) -> tuple[NodeCollection, ...]:
    pair = (ends, layer) if wanted == "target" else (layer, ends)
    found = GetConnections(*pair, synapse_model=model)
    mine = np.array(found._column("source" if wanted == "target" else "target"), np.int64)
    others = np.array(found._column(wanted), np.int64)
    return tuple(NodeCollection.of(np.unique(others[mine == gid])) for gid in ends.ids)


def GetTargetPositions(
    sources: NodeCollection, tgt_layer: NodeCollection, syn_model: str | None = None
) -> list[list[list[float]]]:
    """For each source the positions of its targets within a layer."""
    return _positions_of(GetTargetNodes(sources, tgt_layer, syn_model), tgt_layer)


def GetSourcePositions(
    src_layer: NodeCollection, targets: NodeCollection, syn_model: str | None = None
) -> list[list[list[float]]]:
    """For each target the positions of its sources within a layer."""
    return _positions_of(GetSourceNodes(src_layer, targets, syn_model), src_layer)


def _positions_of(found: tuple[NodeCollection, ...], layer: Any) -> list[list[list[float]]]:
    place = dict(zip(layer.ids.tolist(), layer.positions.tolist(), strict=True))
    return [[place[gid] for gid in nodes.tolist()] for nodes in found]


def _number(value: float) -> str:
    return f"{value:.6g}"


def DumpLayerNodes(layer: NodeCollection, outname: Any) -> None:
    """Write a line "id x y" for each node."""
    if not isinstance(layer, NodeCollection):
        raise TypeError("layer must be a NodeCollection")
    rows = zip(layer.ids, _checked(layer).positions, strict=True)
    lines = [f"{gid} {' '.join(map(_number, place))}\n" for gid, place in rows]
    Path(outname).write_text("".join(lines))


def DumpLayerConnections(
    source_layer: NodeCollection, target_layer: NodeCollection, synapse_model: str, outname: Any
) -> None:
    """Write a line "source target weight delay dx dy" for each synapse."""
    if not isinstance(source_layer, NodeCollection):
        raise TypeError("source_layer must be a NodeCollection")
    if not isinstance(target_layer, NodeCollection):
        raise TypeError("target_layer must be a NodeCollection")
    found = GetConnections(source_layer, target_layer, synapse_model)
    source, target, weight, delay = (
        found._column(name) for name in ("source", "target", "weight", "delay")
    )
    lines = []
    for s, t, w, d in zip(source, target, weight, delay, strict=True):
        start = source_layer.positions[source_layer.index(s)]
        end = target_layer.positions[target_layer.index(t)]
        layer: Any = target_layer.layer
        between = layer.shortest(end - start)
        lines.append(f"{s} {t} {_number(w)} {_number(d)} {' '.join(map(_number, between))}\n")
    Path(outname).write_text("".join(lines))
