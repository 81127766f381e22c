"""Masks: the region around a node in which others are connected to it."""

from __future__ import annotations

import abc
import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors, unknown_name
from spikax_nest.pynest._layers import Layer

_EDGE = 1e-12  # how far outside of a turned box a node may be by rounding

Bounds = tuple[np.ndarray, np.ndarray]


class Mask(abc.ABC):
    """A region, of displacements from the node it belongs to; `&`, `|` and `-` combine two.

    Attributes:
        dimensions: 2 or 3.
        bounds: Lower and upper corner of a box around it.
    """

    dimensions: int
    bounds: Bounds

    @abc.abstractmethod
    def inside(self, displacements: np.ndarray) -> np.ndarray:
        """(n,) whether displacements (n, D) are in the region."""

    @abc.abstractmethod
    def moved(self, anchor: np.ndarray) -> Mask:
        """The same region elsewhere."""

    def Inside(self, point: Any) -> bool:
        """Whether one displacement is in the region."""
        place = np.array([float(x) for x in point])
        _need_dimensions(place, self.dimensions)
        return bool(self.inside(place[None])[0])

    def check(self, layer: Layer, *, oversized: bool) -> None:
        """Raise if it does not fit into a layer."""
        if layer.dimensions != self.dimensions:
            raise NESTErrors.BadProperty(
                f"Mask is incompatible with layer: it has {self.dimensions} dimensions, the layer "
                f"{layer.dimensions}."
            )
        if layer.edge_wrap and not oversized and self._exceeds(layer):
            raise NESTErrors.BadProperty(
                "Mask size must not exceed layer size; set allow_oversized_mask to override."
            )

    def _exceeds(self, layer: Layer) -> bool:
        low, high = self.bounds
        return bool(np.any(high - low > layer.extent * (1 + 1e-12)))

    def selects(self, layer: Layer, center: np.ndarray, points: Any, places: Any) -> np.ndarray:
        """Which of nodes of a layer (positions (n, D), indices (n,)) are in it, put at (n, D)."""
        del places
        straight = points - center
        if not layer.edge_wrap:
            return self.inside(straight)
        # Of all images of a node the one nearest to the middle of the mask.
        middle = (self.bounds[0] + self.bounds[1]) / 2
        near = layer.displacement(middle, straight) + middle
        found = self.inside(near)
        if self._exceeds(layer):
            for turns in itertools.product((-1, 0, 1), repeat=layer.dimensions):
                found |= self.inside(near + np.array(turns) * layer.extent)
        return found

    def __and__(self, other: Any) -> Mask:
        return Combined(self, _mask(other), np.logical_and)

    def __or__(self, other: Any) -> Mask:
        return Combined(self, _mask(other), np.logical_or)

    def __sub__(self, other: Any) -> Mask:
        return Combined(self, _mask(other), np.greater)


class Combined(Mask):
    """Two regions: what is in both, in one, or in the first only."""

    def __init__(self, first: Mask, second: Mask, combine: Callable[..., np.ndarray]) -> None:
        if first.dimensions != second.dimensions or GridMask in (type(first), type(second)):
            raise NESTErrors.BadProperty(
                "Masks must have same number of dimensions, and none may be a grid mask."
            )
        self.first, self.second, self.combine = first, second, combine
        self.dimensions = first.dimensions
        (low, high), (low2, high2) = first.bounds, second.bounds
        if combine is np.logical_and:
            self.bounds = np.maximum(low, low2), np.minimum(high, high2)
        elif combine is np.logical_or:
            self.bounds = np.minimum(low, low2), np.maximum(high, high2)
        else:
            self.bounds = low, high

    def inside(self, displacements: np.ndarray) -> np.ndarray:
        return self.combine(self.first.inside(displacements), self.second.inside(displacements))

    def moved(self, anchor: np.ndarray) -> Mask:
        return Combined(self.first.moved(anchor), self.second.moved(anchor), self.combine)


@dataclasses.dataclass(frozen=True)
class Ball(Mask):
    """All within a radius."""

    center: np.ndarray
    radius: float

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        return len(self.center)

    @property
    def bounds(self) -> Bounds:  # type: ignore[override]
        return self.center - self.radius, self.center + self.radius

    def inside(self, displacements: np.ndarray) -> np.ndarray:
        return ((displacements - self.center) ** 2).sum(1) <= self.radius**2

    def moved(self, anchor: np.ndarray) -> Mask:
        return dataclasses.replace(self, center=self.center + anchor)


@dataclasses.dataclass(frozen=True)
class Box(Mask):
    """A box from its lower left to its upper right corner, turned around its middle."""

    low: np.ndarray
    high: np.ndarray
    turn: np.ndarray

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        return len(self.low)

    @property
    def bounds(self) -> Bounds:  # type: ignore[override]
        middle = (self.low + self.high) / 2
        half = np.abs(self.turn).T @ ((self.high - self.low) / 2)
        return middle - half, middle + half

    def inside(self, displacements: np.ndarray) -> np.ndarray:
        if np.array_equal(self.turn, np.eye(self.dimensions)):
            return np.all((self.low <= displacements) & (displacements <= self.high), axis=1)
        along = (displacements - (self.low + self.high) / 2) @ self.turn.T
        return np.all(np.abs(along) <= (self.high - self.low) / 2 + _EDGE, axis=1)

    def moved(self, anchor: np.ndarray) -> Mask:
        return dataclasses.replace(self, low=self.low + anchor, high=self.high + anchor)


@dataclasses.dataclass(frozen=True)
class Ellipse(Mask):
    """An ellipse or ellipsoid with these axes (diameters), turned around its center."""

    center: np.ndarray
    axes: np.ndarray
    turn: np.ndarray

    @property
    def dimensions(self) -> int:  # type: ignore[override]
        return len(self.center)

    @property
    def bounds(self) -> Bounds:  # type: ignore[override]
        half = np.sqrt(((self.turn * self.axes[:, None] / 2) ** 2).sum(0))
        return self.center - half, self.center + half

    def inside(self, displacements: np.ndarray) -> np.ndarray:
        along = (displacements - self.center) @ self.turn.T
        return ((2 * along / self.axes) ** 2).sum(1) <= 1.0

    def moved(self, anchor: np.ndarray) -> Mask:
        return dataclasses.replace(self, center=self.center + anchor)


@dataclasses.dataclass(frozen=True)
class GridMask(Mask):
    """Columns and rows of a grid, its anchor on the cell of the node it belongs to."""

    shape: np.ndarray
    anchor: np.ndarray
    dimensions = 2

    def inside(self, displacements: np.ndarray) -> np.ndarray:
        raise NESTErrors.KernelException("Grid mask must be applied to a grid layer.")

    def moved(self, anchor: np.ndarray) -> Mask:
        if anchor.dtype.kind != "i":
            raise TypeError(
                f"the anchor of a grid mask is [column, row], of integers, not {anchor}"
            )
        return dataclasses.replace(self, anchor=anchor)

    def check(self, layer: Layer, *, oversized: bool) -> None:
        if layer.shape is None:
            raise NESTErrors.BadProperty("Grid masks can only be used with grid layers.")
        super().check(layer, oversized=oversized)

    def _exceeds(self, layer: Layer) -> bool:
        return bool(np.any(self.shape > np.array(layer.shape)))

    def selects(self, layer: Layer, center: np.ndarray, points: Any, places: Any) -> np.ndarray:
        cells = np.array(layer.shape)
        corner = layer.center + np.array([-0.5, 0.5]) * layer.extent
        steps = layer.extent / cells * np.array([1, -1])
        home = np.floor((center - corner) / steps + 1e-9).astype(np.int64)
        away = np.stack(np.divmod(places, cells[1]), axis=1) - home + self.anchor
        if layer.edge_wrap:
            away %= cells
        return np.all((away >= 0) & (away < self.shape), axis=1)


def _mask(value: Any) -> Mask:
    if not isinstance(value, Mask):
        raise NotImplementedError(f"{value!r} is no mask: both operands must be masks")
    return value


def _need_dimensions(place: np.ndarray, dimensions: int) -> None:
    if place.shape != (dimensions,):
        raise NESTErrors.BadProperty(f"Expected a {dimensions}-dimensional position.")


def _turn(dimensions: int, azimuth: float, polar: float) -> np.ndarray:
    """The matrix that turns back by the azimuth around z and then by the polar angle around y."""
    (ca, cp), (sa, sp) = (f(np.radians([azimuth, polar])) for f in (np.cos, np.sin))
    around_z = np.array([[ca, sa, 0.0], [-sa, ca, 0.0], [0.0, 0.0, 1.0]])
    if dimensions == 2:
        return around_z[:2, :2]
    return np.array([[cp, 0.0, -sp], [0.0, 1.0, 0.0], [sp, 0.0, cp]]) @ around_z


def _ball(dimensions: int, specs: Mapping[str, Any]) -> Mask:
    radius = _number(specs, "radius")
    _refuse(radius <= 0, "radius > 0 required")
    return Ball(_center(dimensions, specs), radius)


def _doughnut(dimensions: int, specs: Mapping[str, Any]) -> Mask:
    inner, outer = _number(specs, "inner_radius"), _number(specs, "outer_radius")
    _refuse(inner >= outer, "inner_radius < outer_radius required")
    center = _center(dimensions, specs)
    disk = Ball(center, outer)
    return disk - Ball(center, inner) if inner > 0 else disk


def _box(dimensions: int, specs: Mapping[str, Any]) -> Mask:
    low, high = (_vector(specs, name, dimensions) for name in ("lower_left", "upper_right"))
    _refuse(
        bool(np.any(high <= low)), "Upper right must be strictly to the right and above lower left"
    )
    return Box(low, high, _angles(dimensions, specs))


def _ellipse(dimensions: int, specs: Mapping[str, Any]) -> Mask:
    axes = [_number(specs, "major_axis"), _number(specs, "minor_axis")]
    if dimensions == 3:
        axes.append(float(specs.get("polar_axis", 1.0)))
    else:
        _refuse("polar_axis" in specs, "polar_axis not defined in 2D")
    _refuse(min(axes) <= 0, "All axis > 0 required")
    _refuse(axes[0] < axes[1], "major_axis greater than minor_axis required")
    return Ellipse(_center(dimensions, specs), np.array(axes), _angles(dimensions, specs))


def _center(dimensions: int, specs: Mapping[str, Any]) -> np.ndarray:
    return _vector(specs, "anchor", dimensions) if "anchor" in specs else np.zeros(dimensions)


def _angles(dimensions: int, specs: Mapping[str, Any]) -> np.ndarray:
    _refuse(dimensions == 2 and "polar_angle" in specs, "polar_angle not defined in 2D")
    angles = (float(specs.get(name, 0.0)) for name in ("azimuth_angle", "polar_angle"))
    return _turn(dimensions, *angles)


def _grid(dimensions: int, specs: Mapping[str, Any]) -> Mask:
    shape = np.asarray(_given(specs, "shape"))
    if shape.dtype.kind != "i":
        raise NESTErrors.TypeMismatch(
            f"shape is {specs['shape']!r}; it must be a list of integers."
        )
    return GridMask(shape[:dimensions], np.zeros(2, np.int64))


def _given(specs: Mapping[str, Any], name: str) -> Any:
    if name not in specs:
        raise IndexError(f"the mask needs {name!r}")
    return specs[name]


def _number(specs: Mapping[str, Any], name: str) -> float:
    return float(_given(specs, name))


def _vector(specs: Mapping[str, Any], name: str, dimensions: int) -> np.ndarray:
    vector = np.array(_given(specs, name), float)
    _need_dimensions(vector, dimensions)
    return vector


def _refuse(is_wrong: bool, condition: str) -> None:
    if is_wrong:
        raise NESTErrors.BadProperty(f"{condition}.")


_ANGLES = ("azimuth_angle", "polar_angle")
_ELLIPSE = ("major_axis", "minor_axis", "polar_axis", "anchor", *_ANGLES)
_BOX = ("lower_left", "upper_right", *_ANGLES)
_TYPES: Mapping[str, tuple[Callable[..., Mask], int, tuple[str, ...]]] = {
    "box": (_box, 3, _BOX),
    "circular": (_ball, 2, ("radius", "anchor")),
    "doughnut": (_doughnut, 2, ("inner_radius", "outer_radius", "anchor")),
    "ellipsoidal": (_ellipse, 3, _ELLIPSE),
    "elliptical": (_ellipse, 2, _ELLIPSE),
    "grid": (_grid, 2, ("shape",)),
    "rectangular": (_box, 2, _BOX),
    "spherical": (_ball, 3, ("radius", "anchor")),
}


def CreateMask(masktype: str, specs: Mapping[str, Any], anchor: Any = None) -> Mask:
    """A mask, for `"mask"` in the connection spec.

    Args:
        masktype: rectangular, circular, doughnut, elliptical or grid; box, spherical or ellipsoidal
            for three dimensions.
        specs: lower_left, upper_right; radius; inner_radius, outer_radius; major_axis, minor_axis,
            polar_axis; shape; azimuth_angle and polar_angle in degrees.
        anchor: Where the middle of the node stands in it; of a grid mask [column, row].

    Raises:
        NESTErrors.UndefinedName: There is no such type.
        NESTErrors.BadProperty: A value is out of range.
    """
    if masktype not in _TYPES:
        raise NESTErrors.UndefinedName(unknown_name("type of mask", masktype, _TYPES))
    if not isinstance(specs, Mapping):
        raise NESTErrors.TypeMismatch(f"the specs of a mask are a dict, not {specs!r}.")
    make, dimensions, names = _TYPES[masktype]
    made = make(dimensions, specs)
    wrong = sorted(set(specs) - set(names))
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in specs, in function CreateMask:  {' '.join(wrong)} "
            f"({masktype} takes {', '.join(names)})"
        )
    return made if anchor is None else _anchored(made, anchor)


def _anchored(mask: Mask, anchor: Any) -> Mask:
    if isinstance(anchor, Mapping):
        raise NESTErrors.TypeMismatch(f"anchor is {anchor!r}; it must be a list of numbers.")
    place = np.asarray(anchor)
    if place.shape not in ((2,), (3,)):
        raise NESTErrors.BadProperty("Anchor must be 2- or 3-dimensional.")
    if place.shape != (mask.dimensions,):
        raise TypeError(f"the anchor has {len(place)} dimensions, the mask {mask.dimensions}")
    if place.dtype.kind == "i" and not isinstance(mask, GridMask):
        raise NESTErrors.BadProperty(
            f"Mask must be 2-dimensional grid mask for an anchor of integers: {anchor!r}; "
            "give the anchor of another mask as floats."
        )
    return mask.moved(place)


def mask_of(spec: Any) -> Mask | None:
    """The mask that a connection spec means: a Mask, or `{"circular": {...}, "anchor": [...]}`."""
    if spec is None or isinstance(spec, Mask):
        return spec
    if not isinstance(spec, Mapping):
        raise NESTErrors.TypeMismatch(f"mask is {spec!r}; give a dict, or what CreateMask() makes.")
    given = dict(spec)
    anchor = given.pop("anchor", None)
    if not given and anchor is None:
        return None
    if len(given) != 1:
        raise NESTErrors.TypeMismatch(
            f"mask has the entries {sorted(spec)}; it takes one type, and 'anchor'."
        )
    ((masktype, specs),) = given.items()
    return CreateMask(masktype, specs, anchor)
