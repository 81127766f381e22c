"""Where nodes are: layers, and the two ways to ask for one, `grid` and `free`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._parameter import Context, Parameter

_EDGE = 1e-10  # of the extent: how far outside of a layer a node may be by rounding


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """Positions of nodes that were created together.

    Attributes:
        positions: (n, D), D is 2 or 3.
        extent: (D,) lengths of the edges.
        center: (D,) the middle.
        shape: Nodes along each dimension of a grid, (columns, rows) or (columns, rows, layers).
        edge_wrap: Whether opposite edges are joined.
    """

    positions: np.ndarray
    extent: np.ndarray
    center: np.ndarray
    shape: tuple[int, ...] | None = None
    edge_wrap: bool = False

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return self.positions.shape[1]

    def displacement(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """(..., D) between positions; in [-L/2, L/2) where edges of length L are joined."""
        straight = end - start
        if not self.edge_wrap:
            return straight
        length = np.where(self.extent > 0, self.extent, 1.0)
        turns = np.where(self.extent > 0, np.floor(straight / length + 0.5), 0.0)
        return straight - turns * length

    def distance(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """(...,) the length of the displacement."""
        return np.sqrt((self.displacement(start, end) ** 2).sum(-1))

    def status(self, places: np.ndarray) -> dict[str, Any]:
        """What NEST says of the layer, to nodes that have these places in it."""
        found: dict[str, Any] = {
            "center": self.center.copy(),
            "edge_wrap": self.edge_wrap,
            "extent": self.extent.copy(),
            "network_size": len(places),
        }
        if self.shape is None:
            return found | {"positions": self.positions[places]}
        return found | {"shape": np.array(self.shape)}


class grid:
    """Nodes on a grid, column by column from the upper left.

    Args:
        shape: [columns, rows] or [columns, rows, layers].
        center: The middle, 0 by default.
        extent: Lengths of the edges, 1 by default.
        edge_wrap: Whether opposite edges are joined.
    """

    def __init__(
        self, shape: Any, center: Any = None, extent: Any = None, edge_wrap: bool = False
    ) -> None:
        self.shape, self.center, self.extent = shape, center, extent
        if extent is not None:
            self.extent = [float(length) for length in extent]
        self.edge_wrap = edge_wrap

    def layer(self, rng: np.random.Generator, n: int) -> Layer:
        """The layer; `n` is not asked for."""
        del rng
        if n != 1:
            raise ValueError("Cannot specify number of nodes with grid positions")
        shape = _grid_shape(self.shape)
        dimensions = len(shape)
        extent = _vector(self.extent, dimensions, 1.0)
        center = _vector(self.center, dimensions, 0.0)
        positions = _on_grid(np.array(shape), extent, center)
        return Layer(positions, extent, center, shape, _boolean(self.edge_wrap))


def _on_grid(shape: np.ndarray, extent: np.ndarray, center: np.ndarray) -> np.ndarray:
    # The order of these operations is that of NEST: masks end on nodes, to the last digit.
    index = np.indices(shape.tolist()).reshape(len(shape), -1).T
    step = extent / shape
    low = center - extent / 2
    positions = (low + step * index) + step * 0.5
    high = low[1] + extent[1]
    positions[:, 1] = (high - step[1] * index[:, 1]) - step[1] * 0.5  # rows from the top
    return positions


class free:
    """Nodes anywhere.

    Args:
        pos: A list of positions; or a Parameter, or a list of one for each dimension, to draw them.
        extent: Lengths of the edges; by default what the positions span, in whole units.
        edge_wrap: Whether opposite edges are joined.
        num_dimensions: 2 or 3, with a single Parameter and no extent.
    """

    def __init__(
        self,
        pos: Any,
        extent: Any = None,
        edge_wrap: bool = False,
        num_dimensions: int | None = None,
    ) -> None:
        self.extent = None if extent is None else [float(length) for length in extent]
        self.edge_wrap = edge_wrap
        self.pos = self._checked(pos, num_dimensions)

    def _checked(self, pos: Any, num_dimensions: int | None) -> Any:
        if isinstance(pos, Parameter):
            dimensions = num_dimensions or len(self.extent or ())
            if not dimensions:
                raise TypeError(
                    "could not infer number of dimensions. Set num_dimensions or extent when using "
                    "Parameter as pos"
                )
            return [pos] * dimensions
        if num_dimensions is not None:
            raise TypeError(
                "number of dimensions cannot be specified when using an array of positions"
            )
        if not isinstance(pos, (Sequence, np.ndarray)) or isinstance(pos, str):
            raise TypeError("pos must be a list of positions, or a Parameter")
        if len(pos) == 0:
            raise ValueError("pos is empty; give at least one position")
        return pos

    def layer(self, rng: np.random.Generator, n: int) -> Layer:
        """The layer; `n` positions where they are drawn."""
        positions = self._positions(rng, int(n))
        dimensions = positions.shape[1]
        low, high = positions.min(0), positions.max(0)
        if self.extent is None:
            if len(positions) == 1:
                raise NESTErrors.KernelException(
                    "If only one node is created, 'extent' must be specified."
                )
            extent = np.ceil(high - low)
        else:
            extent = _vector(self.extent, dimensions, 1.0)
        center = (low + high) / 2
        if np.any(high - center > extent * (0.5 + _EDGE) + _EDGE) and np.all(extent > 0):
            raise NESTErrors.BadProperty(
                f"Node position outside of layer: positions range over {high - low}, the extent is "
                f"{extent}."
            )
        return Layer(positions, extent, center, None, _boolean(self.edge_wrap))

    def _positions(self, rng: np.random.Generator, n: int) -> np.ndarray:
        kinds = {isinstance(p, Parameter) for p in self.pos}
        if kinds == {True}:
            _two_or_three(len(self.pos))
            context = Context(rng=rng, n=n)
            return np.stack([p.values(context) for p in self.pos], axis=1)
        if True in kinds:
            raise AttributeError(
                "pos has Parameters and numbers; give a Parameter for each dimension"
            )
        lengths = {np.size(p) for p in self.pos if np.ndim(p) == 1}
        if any(np.ndim(p) != 1 for p in self.pos):
            raise NESTErrors.KernelException(
                "'positions' must be an array or a DimensionParameter."
            )
        _two_or_three(np.size(self.pos[0]))
        if len(lengths) > 1:
            raise NESTErrors.BadProperty(f"Expected a {np.size(self.pos[0])}-dimensional position.")
        return np.array(self.pos, float)


def _two_or_three(dimensions: int) -> None:
    if dimensions not in (2, 3):
        raise NESTErrors.BadProperty(
            f"Positions must have 2 or 3 coordinates; these have {dimensions}."
        )


def _grid_shape(shape: Any) -> tuple[int, ...]:
    counts = np.asarray(shape)
    if counts.ndim != 1 or counts.dtype.kind not in "iu":
        raise NESTErrors.TypeMismatch(f"shape is {shape!r}; it must be a list of integers.")
    if counts.size not in (2, 3):
        raise NESTErrors.BadProperty("Shape must be of length 2 or 3.")
    if np.any(counts < 1):
        raise NESTErrors.BadProperty("All shape entries must be positive.")
    return tuple(counts.tolist())


def _vector(given: Any, dimensions: int, default: float) -> np.ndarray:
    if given is None:
        return np.full(dimensions, default)
    vector = np.array(given, float)
    if vector.shape != (dimensions,):
        raise NESTErrors.BadProperty(
            f"Expected a {dimensions}-dimensional position, got {given!r}."
        )
    return vector


def _boolean(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise NESTErrors.TypeMismatch(f"edge_wrap is {value!r}; it must be True or False.")
    return bool(value)
