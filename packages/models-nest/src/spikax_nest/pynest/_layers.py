"""Layers: where the nodes of a collection are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._parameter import Context, Parameter


@dataclass(frozen=True, eq=False)
class Layer:
    """Positions, and the space that they are in.

    Attributes:
        positions: (nodes, dimensions).
        center: Of the space.
        extent: Its size along each axis.
        edge_wrap: Whether it is periodic.
        shape: Nodes along each axis of a grid; None for free positions.
    """

    positions: np.ndarray
    center: np.ndarray
    extent: np.ndarray
    edge_wrap: bool
    shape: np.ndarray | None = None

    def shortest(self, displacements: np.ndarray) -> np.ndarray:
        """Displacements the short way round, where space is periodic."""
        if not self.edge_wrap:
            return displacements
        half = self.extent / 2
        return (displacements + half) % self.extent - half

    def status(self, places: np.ndarray) -> dict[str, Any]:
        """What `nodes.spatial` shows."""
        found: dict[str, Any] = {
            "center": self.center.copy(),
            "edge_wrap": self.edge_wrap,
            "extent": self.extent.copy(),
            "network_size": len(places),
        }
        if self.shape is not None:
            return found | {"shape": self.shape.copy()}
        return found | {"positions": self.positions[places]}


def _vector(values: Any, dimensions: int, what: str) -> np.ndarray:
    vector = np.asarray(values, np.float64)
    if vector.shape != (dimensions,):
        raise NESTErrors.BadProperty(
            f"{what} has {vector.size} values for {dimensions} dimensions."
        )
    return vector


class grid:
    """Nodes on a regular grid: `nest.spatial.grid([columns, rows])`.

    Args:
        shape: Nodes along each of two or three axes.
        center: Of the layer.
        extent: Its size; 1 along each axis unless given.
        edge_wrap: Whether space is periodic.
    """

    def __init__(
        self, shape: Any, center: Any = None, extent: Any = None, edge_wrap: bool = False
    ) -> None:
        self.shape, self.center, self.extent, self.edge_wrap = shape, center, extent, edge_wrap

    def layer(self, rng: np.random.Generator, n: int) -> Layer:
        """The layer; nodes go down the columns, from the left."""
        del rng
        shape = np.asarray(self.shape, np.int64)
        if shape.ndim != 1 or len(shape) not in (2, 3) or np.any(shape < 1):
            raise NESTErrors.BadProperty(
                f"shape is {self.shape}; give two or three numbers of nodes."
            )
        if n > 1:
            raise ValueError("Cannot specify number of nodes with grid positions")
        d = len(shape)
        center = _vector(np.zeros(d) if self.center is None else self.center, d, "center")
        extent = _vector(np.ones(d) if self.extent is None else self.extent, d, "extent")
        if np.any(extent <= 0):
            raise NESTErrors.BadProperty(f"extent is {self.extent}; it must be positive.")
        index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).reshape(-1, d)
        # The second axis counts from above, as rows do.
        place = (index + 0.5) / shape - 0.5
        place[:, 1] *= -1
        return Layer(center + extent * place, center, extent, bool(self.edge_wrap), shape)


class free:
    """Nodes at given or drawn positions: `nest.spatial.free([[0.0, 0.0], [1.0, 0.5]])`.

    Args:
        pos: A list of positions, or one Parameter (or a list of one for each axis).
        extent: Size of the layer; what holds the positions unless given.
        edge_wrap: Whether space is periodic.
        num_dimensions: Where `pos` is one Parameter and there is no extent.
    """

    def __init__(
        self,
        pos: Any,
        extent: Any = None,
        edge_wrap: bool = False,
        num_dimensions: int | None = None,
    ) -> None:
        if edge_wrap and extent is None:
            raise TypeError("periodic boundaries need the extent of the layer: extent=[...]")
        self.extent, self.edge_wrap = extent, edge_wrap
        self.pos = pos
        if isinstance(pos, Parameter):
            dimensions = len(extent) if extent is not None else num_dimensions
            if dimensions is None:
                raise TypeError(
                    "could not infer number of dimensions. Set num_dimensions or extent when using "
                    "Parameter as pos"
                )
            self.pos = [pos] * dimensions

    def layer(self, rng: np.random.Generator, n: int) -> Layer:
        """The layer; positions that are Parameters are drawn for `n` nodes."""
        positions = self._positions(rng, n)
        low, high = positions.min(axis=0), positions.max(axis=0)
        center = (low + high) / 2
        if self.extent is None:
            if len(positions) == 1:
                raise NESTErrors.KernelException(
                    "If only one node is created, 'extent' must be specified."
                )
            extent = np.maximum(np.ceil(high - low), 1.0)
        else:
            extent = _vector(self.extent, positions.shape[1], "extent")
            if np.any(high - low > extent):
                raise NESTErrors.BadProperty("Node position outside of layer")
        return Layer(positions, center, extent, bool(self.edge_wrap))

    def _positions(self, rng: np.random.Generator, n: int) -> np.ndarray:
        if _are_parameters(self.pos):
            return np.stack([p.values(Context(rng, n)) for p in self.pos], axis=1)
        positions = np.asarray(self.pos, np.float64)
        if positions.ndim != 2 or positions.shape[1] not in (2, 3):
            raise TypeError("positions are a list of places in two or three dimensions")
        if n not in (1, len(positions)):
            raise ValueError(f"{n} nodes for {len(positions)} positions")
        return positions


def _are_parameters(pos: Any) -> bool:
    return isinstance(pos, Sequence) and len(pos) > 0 and isinstance(pos[0], Parameter)
