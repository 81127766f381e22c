"""Masks: which places around a node are looked at."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors, unknown_name

_ROUNDING = 1e-12


class Mask(ABC):
    """A part of space around an origin; `&`, `|` and `-` combine masks."""

    @abstractmethod
    def inside(self, places: np.ndarray) -> np.ndarray:
        """Which places (..., dimensions) belong to it."""

    @abstractmethod
    def span(self) -> np.ndarray:
        """What it reaches along each axis, (2, dimensions): lowest and highest."""

    def Inside(self, point: Any) -> bool:
        """Whether a place belongs to it."""
        return bool(self.inside(np.asarray(point, np.float64)))

    def __and__(self, other: Mask) -> Mask:
        return Combined(self, _mask(other), np.logical_and)

    def __or__(self, other: Mask) -> Mask:
        return Combined(self, _mask(other), np.logical_or)

    def __sub__(self, other: Mask) -> Mask:
        return Combined(self, _mask(other), lambda a, b: a & ~b)


def _mask(other: Any) -> Mask:
    if not isinstance(other, Mask):
        raise NotImplementedError(f"a mask and {other!r} cannot be combined")
    return other


@dataclass(frozen=True)
class Combined(Mask):
    """Two masks at once."""

    first: Mask
    second: Mask
    operate: Callable[[Any, Any], Any]

    def inside(self, places: np.ndarray) -> np.ndarray:
        return self.operate(self.first.inside(places), self.second.inside(places))

    def span(self) -> np.ndarray:
        spans = self.first.span(), self.second.span()
        return np.stack([np.minimum(*(s[0] for s in spans)), np.maximum(*(s[1] for s in spans))])


@dataclass(frozen=True)
class Ball(Mask):
    """A disc or a ball."""

    center: np.ndarray
    radius: float

    def inside(self, places: np.ndarray) -> np.ndarray:
        return _squares(places - self.center) <= self.radius**2 + _ROUNDING

    def span(self) -> np.ndarray:
        return np.stack([self.center - self.radius, self.center + self.radius])


@dataclass(frozen=True)
class Box(Mask):
    """A rectangle or a box, turned about its middle."""

    low: np.ndarray
    high: np.ndarray
    turn: np.ndarray

    def inside(self, places: np.ndarray) -> np.ndarray:
        middle = (self.low + self.high) / 2
        turned = np.abs((places - middle) @ self.turn)
        return np.all(turned <= (self.high - self.low) / 2 + _ROUNDING, axis=-1)

    def span(self) -> np.ndarray:
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        reach = np.abs(self.turn) @ half
        return np.stack([middle - reach, middle + reach])


@dataclass(frozen=True)
class Ellipse(Mask):
    """An ellipse or an ellipsoid."""

    center: np.ndarray
    axes: np.ndarray
    turn: np.ndarray

    def inside(self, places: np.ndarray) -> np.ndarray:
        scaled = (places - self.center) @ self.turn / (self.axes / 2)
        return _squares(scaled) <= 1.0 + _ROUNDING

    def span(self) -> np.ndarray:
        reach = np.full(len(self.axes), self.axes.max() / 2)
        return np.stack([self.center - reach, self.center + reach])


@dataclass(frozen=True)
class GridMask:
    """So many columns, rows (and layers) of a grid, from a node on.

    Attributes:
        shape: Along each axis.
        anchor: Of these the one that the node itself is.
    """

    shape: np.ndarray
    anchor: np.ndarray

    def inside(self, steps: np.ndarray) -> np.ndarray:
        """Which steps (..., dimensions) along the grid belong to it."""
        index = steps + self.anchor
        return np.all((index >= 0) & (index < self.shape), axis=-1)


def _squares(vectors: np.ndarray) -> np.ndarray:
    return np.sum(vectors**2, axis=-1)


def _turn(azimuth: float, polar: float, dimensions: int) -> np.ndarray:
    """The axes of a turned body as columns; angles in degrees."""
    a, p = math.radians(azimuth), math.radians(polar)
    if dimensions == 2:
        return np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    about_z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1.0]])
    about_y = np.array([[math.cos(p), 0, -math.sin(p)], [0, 1.0, 0], [math.sin(p), 0, math.cos(p)]])
    return about_z @ about_y


def _need(specs: Mapping[str, Any], kind: str, *names: str) -> list[Any]:
    missing = [name for name in names if name not in specs]
    if missing:
        raise NESTErrors.BadProperty(f"a {kind} mask needs {' and '.join(map(repr, missing))}.")
    return [specs[name] for name in names]


def _positive(kind: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise NESTErrors.BadProperty(
                f"{name} of a {kind} mask is {value:g}: {name} > 0 required."
            )


def _ball(kind: str, specs: Mapping[str, Any], anchor: np.ndarray) -> Mask:
    (radius,) = _need(specs, kind, "radius")
    _positive(kind, radius=radius)
    return Ball(anchor, float(radius))


def _doughnut(kind: str, specs: Mapping[str, Any], anchor: np.ndarray) -> Mask:
    inner, outer = _need(specs, kind, "inner_radius", "outer_radius")
    _positive(kind, outer_radius=outer)
    if inner >= outer:
        raise NESTErrors.BadProperty("inner_radius < outer_radius required.")
    return Ball(anchor, float(outer)) - Ball(anchor, float(inner))


def _box(kind: str, specs: Mapping[str, Any], anchor: np.ndarray) -> Mask:
    low, high = (np.asarray(v, np.float64) for v in _need(specs, kind, "lower_left", "upper_right"))
    if np.any(low >= high):
        raise NESTErrors.BadProperty("upper_right must be strictly right and above lower_left.")
    if len(low) == 2 and "polar_angle" in specs:
        raise NESTErrors.BadProperty("polar_angle is of masks in three dimensions.")
    turn = _turn(specs.get("azimuth_angle", 0.0), specs.get("polar_angle", 0.0), len(low))
    return Box(low + anchor, high + anchor, turn)


def _ellipse(kind: str, specs: Mapping[str, Any], anchor: np.ndarray) -> Mask:
    names = ("major_axis", "minor_axis") + (("polar_axis",) if len(anchor) == 3 else ())
    axes = np.asarray(_need(specs, kind, *names), np.float64)
    _positive(kind, **dict(zip(names, axes, strict=True)))
    if axes[1] > axes[0]:
        raise NESTErrors.BadProperty("major_axis greater than minor_axis required.")
    turn = _turn(specs.get("azimuth_angle", 0.0), specs.get("polar_angle", 0.0), len(anchor))
    return Ellipse(anchor, axes, turn)


_KINDS: Mapping[str, tuple[Callable[..., Mask], int, tuple[str, ...]]] = {
    "circular": (_ball, 2, ("radius",)),
    "spherical": (_ball, 3, ("radius",)),
    "doughnut": (_doughnut, 2, ("inner_radius", "outer_radius")),
    "rectangular": (_box, 2, ("lower_left", "upper_right", "azimuth_angle", "polar_angle")),
    "box": (_box, 3, ("lower_left", "upper_right", "azimuth_angle", "polar_angle")),
    "elliptical": (_ellipse, 2, ("major_axis", "minor_axis", "azimuth_angle")),
    "ellipsoidal": (
        _ellipse,
        3,
        ("major_axis", "minor_axis", "polar_axis", "azimuth_angle", "polar_angle"),
    ),
}


def CreateMask(masktype: str, specs: Mapping[str, Any], anchor: Any = None) -> Any:
    """A mask by name: `CreateMask("circular", {"radius": 0.5}, anchor=[0.1, 0.0])`.

    Args:
        masktype: circular, rectangular, doughnut, elliptical; spherical, box, ellipsoidal; grid.
        specs: Its measures.
        anchor: Where its origin is, seen from the node.
    """
    specs = dict(specs)
    if "anchor" in specs:
        anchor = specs.pop("anchor")
    if masktype == "grid":
        return _grid(specs, anchor)
    if masktype not in _KINDS:
        raise NESTErrors.UndefinedName(unknown_name("type of mask", masktype, [*_KINDS, "grid"]))
    make, dimensions, names = _KINDS[masktype]
    wrong = sorted(set(specs) - set(names))
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in specs, in function CreateMask:  {' '.join(wrong)} "
            f"(a {masktype} mask takes {', '.join(names)})"
        )
    at = np.zeros(dimensions) if anchor is None else np.asarray(anchor, np.float64)
    if at.shape != (dimensions,):
        raise NESTErrors.BadProperty(
            f"the anchor of a {masktype} mask has {dimensions} coordinates, got {anchor!r}."
        )
    return make(masktype, specs, at)


def _grid(specs: Mapping[str, Any], anchor: Any) -> GridMask:
    (shape,) = _need(specs, "grid", "shape")
    wrong = sorted(set(specs) - {"shape"})
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in specs, in function CreateMask:  {' '.join(wrong)}"
        )
    at = np.zeros(len(shape), np.int64) if anchor is None else np.asarray(anchor, np.int64)
    return GridMask(np.asarray(shape, np.int64), at)


def mask_of(given: Any) -> Any:
    """The mask of a connection spec: a mask, or a dict of one: `{"circular": {"radius": 0.5}}`."""
    if isinstance(given, (Mask, GridMask)):
        return given
    if not isinstance(given, Mapping):
        raise NESTErrors.BadProperty(
            f"mask is {given!r}; give a mask, or a dict of its type and specs."
        )
    anchor = given.get("anchor")
    kinds = [name for name in given if name != "anchor"]
    if len(kinds) != 1:
        raise NESTErrors.BadProperty(f"a mask is of one type, got {kinds}.")
    return CreateMask(kinds[0], given[kinds[0]], anchor)
