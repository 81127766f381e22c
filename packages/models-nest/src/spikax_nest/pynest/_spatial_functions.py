"""Questions about nodes with positions: where, how far, which are near, which are connected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spikax_nest.pynest._collection import NodeCollection
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._layers import Layer
from spikax_nest.pynest._masks import Mask

_NEAR = 1e-10  # of the least distance: how much further a node may be to count as near as this


def GetPosition(nodes: Any) -> list[Any]:
    """Positions of nodes, a list of coordinates for each; of one node its coordinates."""
    if not isinstance(nodes, NodeCollection):
        raise TypeError("nodes must be a NodeCollection with spatial extent")
    positions = nodes.positions.tolist()
    return positions[0] if len(positions) == 1 else positions


def Displacement(from_arg: Any, to_arg: Any) -> list[list[float]]:
    """(dx, dy) between nodes, or positions and nodes.

    As in NEST those of the first nodes less those of the second, but from positions to nodes.
    """
    start, end, layer = _ends(from_arg, to_arg)
    if isinstance(from_arg, NodeCollection):
        start, end = end, start
    return layer.displacement(start, end).tolist()


def Distance(from_arg: Any, to_arg: Any) -> list[float]:
    """Distances of nodes (or positions) from nodes."""
    start, end, layer = _ends(from_arg, to_arg)
    return layer.distance(start, end).tolist()


def _ends(from_arg: Any, to_arg: Any) -> tuple[np.ndarray, np.ndarray, Layer]:
    """(n, D) positions of both, and the layer that tells what is the short way."""
    _collection(to_arg, "to_arg")
    end, layer = to_arg.positions, _layer(to_arg)
    if isinstance(from_arg, NodeCollection):
        start, layer = from_arg.positions, _layer(from_arg)
    elif isinstance(from_arg, np.ndarray):
        start = np.atleast_2d(from_arg)
    else:
        start = _positions(from_arg, len(end))
    if 1 not in (len(start), len(end)) and len(start) != len(end):
        raise _unequal()
    start, end = np.broadcast_arrays(start, end)
    return start, end, layer


def _layer(nodes: NodeCollection) -> Layer:
    if nodes.layer is None:
        raise NESTErrors.LayerExpected(
            "these nodes have no positions: Create() them with positions=."
        )
    return nodes.layer


def _positions(given: Any, n: int) -> np.ndarray:
    if not isinstance(given, (Sequence, np.ndarray)) or len(given) == 0:
        raise TypeError(f"from_arg is {given!r}; give a NodeCollection or a list of positions")
    if len(given) not in (1, n) and n != 1:
        raise _unequal()
    if np.ndim(given[0]) == 0:
        raise TypeError(f"from_arg is {given!r}; give a list of positions, as [[x, y]]")
    return np.array(given, float)


def _unequal() -> ValueError:
    return ValueError("to_arg and from_arg must have same size unless one have size 1.")


def _collection(value: Any, name: str) -> NodeCollection:
    if not isinstance(value, NodeCollection):
        raise TypeError(f"{name} must be a NodeCollection")
    return value


def FindNearestElement(layer: Any, locations: Any, find_all: bool = False) -> Any:
    """The node next to a location; for a list of locations a list.

    Args:
        layer: Nodes with positions.
        locations: Coordinates, or a list of these.
        find_all: Whether to give a list of all nodes that are equally near, not one of these.
    """
    _collection(layer, "layer")
    if not isinstance(locations, (Sequence, np.ndarray)) or len(locations) == 0:
        raise TypeError("locations must be coordinate array or list of coordinate arrays")
    many = np.ndim(locations[0]) > 0
    found = [_nearest(layer, place, find_all) for place in (locations if many else [locations])]
    return found if many else found[0]


def _nearest(nodes: NodeCollection, place: Any, find_all: bool) -> Any:
    positions = nodes.positions
    distances = _layer(nodes).distance(np.asarray(place, float), positions)
    least = distances.min()
    near = np.flatnonzero(distances <= least + _NEAR * max(1.0, least))
    return [nodes[int(k)] for k in near] if find_all else nodes[int(near[0])]


def FindCenterElement(layer: Any) -> NodeCollection:
    """The node next to the middle of its layer."""
    nodes = _collection(layer, "layer")
    if nodes.layer is None:
        raise TypeError("layer must have positions: create it with positions=")
    return FindNearestElement(nodes, nodes.layer.center)


def SelectNodesByMask(layer: Any, anchor: Any, mask_obj: Any) -> NodeCollection:
    """The nodes inside of a mask that is put at a place.

    Args:
        layer: Nodes with positions.
        anchor: Coordinates of the place.
        mask_obj: What `CreateMask` makes.
    """
    nodes = _collection(layer, "layer")
    if not isinstance(mask_obj, Mask):
        raise AttributeError("mask_obj must be a mask, made by CreateMask()")
    place, space = np.array([float(x) for x in anchor]), _layer(nodes)
    if not space.dimensions == place.size == mask_obj.dimensions:
        raise NESTErrors.TypeMismatch(
            f"the layer has {space.dimensions} dimensions, the anchor {place.size}, the mask "
            f"{mask_obj.dimensions}."
        )
    inside = mask_obj.selects(space, place, nodes.positions, nodes.places)
    return NodeCollection.of(nodes.ids[inside])


def GetTargetNodes(
    sources: Any, tgt_layer: Any, syn_model: str | None = None
) -> tuple[NodeCollection, ...]:
    """For each source its targets in a layer, of one synapse model or all."""
    _collection(sources, "sources")
    _collection(tgt_layer, "tgt_layer")
    return _partners(sources, tgt_layer, syn_model, "source")


def GetSourceNodes(
    src_layer: Any, targets: Any, syn_model: str | None = None
) -> tuple[NodeCollection, ...]:
    """For each target its sources in a layer, of one synapse model or all."""
    _collection(src_layer, "src_layer")
    _collection(targets, "targets")
    return _partners(targets, src_layer, syn_model, "target")


def _partners(
    nodes: NodeCollection, layer: NodeCollection, model: str | None, end: str
) -> tuple[NodeCollection, ...]:
    own, other = _ends_of_synapses(nodes, layer, model, end)
    return tuple(NodeCollection.of(np.unique(other[own == gid])) for gid in nodes.ids)


def _ends_of_synapses(
    nodes: NodeCollection, layer: NodeCollection, model: str | None, end: str
) -> tuple[np.ndarray, np.ndarray]:
    from spikax_nest.pynest._synapse_collection import GetConnections

    ends = (nodes, layer) if end == "source" else (layer, nodes)
    synapses = GetConnections(*ends, synapse_model=model)
    source, target = (np.array(synapses._column(n), np.int64) for n in ("source", "target"))
    return (source, target) if end == "source" else (target, source)


def GetTargetPositions(sources: Any, tgt_layer: Any, syn_model: str | None = None) -> list[Any]:
    """For each source the positions of its targets in a layer."""
    found = GetTargetNodes(sources, tgt_layer, syn_model)
    return [_positions_of(nodes, tgt_layer) for nodes in found]


def GetSourcePositions(src_layer: Any, targets: Any, syn_model: str | None = None) -> list[Any]:
    """For each target the positions of its sources in a layer."""
    found = GetSourceNodes(src_layer, targets, syn_model)
    return [_positions_of(nodes, src_layer) for nodes in found]


def _positions_of(nodes: NodeCollection, layer: NodeCollection) -> list[list[float]]:
    return layer.positions[np.searchsorted(layer.ids, nodes.ids)].tolist()


def DumpLayerNodes(layer: Any, outname: str) -> None:
    """Write id and coordinates of each node to a file."""
    nodes = _collection(layer, "layer")
    rows = zip(nodes.ids, nodes.positions, strict=True)
    _write(outname, ((gid, *place) for gid, place in rows))


def DumpLayerConnections(
    source_layer: Any, target_layer: Any, synapse_model: str, outname: str
) -> None:
    """Write source, target, weight, delay and displacement of each synapse to a file."""
    from spikax_nest.pynest._synapse_collection import GetConnections

    pre, post = _collection(source_layer, "source_layer"), _collection(target_layer, "target_layer")
    synapses = GetConnections(pre, post, synapse_model)
    columns = [synapses._column(n) for n in ("source", "target", "weight", "delay")]
    start, end = (
        nodes.positions[np.searchsorted(nodes.ids, ids)]
        for nodes, ids in zip((pre, post), columns, strict=False)
    )
    steps = _layer(post).displacement(start, end)
    _write(outname, ((*row, *step) for *row, step in zip(*columns, steps, strict=True)))


def _write(outname: str, rows: Any) -> None:
    lines = (" ".join(f"{value:g}" for value in row) for row in rows)
    try:
        Path(outname).write_text("".join(f"{line}\n" for line in lines))
    except OSError as problem:
        raise NESTErrors.IOError(f"{outname} cannot be written: {problem}.") from None
