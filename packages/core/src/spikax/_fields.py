"""Declarations: what parameters, cells, parts and choices say about themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, Literal

import numpy as np

from spikax._distributions import Distribution
from spikax.errors import ConfigError
from spikax.units import UNITLESS, Unit, shown, to_coherent

Kind = Literal["hidden", "spike", "clock", "trace", "weight", "delay", "fault", "seed"]
"""What a cell is for: hidden evolves, clock counts steps, seed names a noise stream."""

INTEGER_KINDS = frozenset({"clock", "fault"})


class Field:
    """A declared field of a component; `name` is set by the class that it stands in."""

    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


@dataclass
class Parameter(Field):
    """A physical or dimensionless constant of a model.

    Attributes:
        default: A quantity, a number, or a function of the other values (by name, coherent).
        unit: The declared unit.
        above, at_least, below, at_most: The valid range, in quantities or numbers of `unit`.
        steps: Whether the value must be a whole number of time steps.
        free: Whether an array may have any length; else it has one value per neuron.
        finite: Whether infinity is refused; NaN always is.
        doc: What it means.
    """

    default: Any = MISSING
    unit: Unit = UNITLESS
    above: Any = None
    at_least: Any = None
    below: Any = None
    at_most: Any = None
    steps: bool = False
    free: bool = False
    finite: bool = True
    doc: str = ""

    @property
    def bounds(self) -> str:
        """The valid range in words, empty if there is none."""
        signs = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
        given = ((sign, getattr(self, name)) for name, sign in signs.items())
        return ", ".join(f"{sign} {bound}" for sign, bound in given if bound is not None)

    def convert(self, value: Any, owner: str) -> Any:
        """Check unit and range; give plain coherent numbers, or the distribution to sample."""
        where = f"{owner}.{self.name}"
        if isinstance(value, Distribution):
            value.check(lambda v: to_coherent(v, self.unit, where))
            return value
        numbers = to_coherent(value, self.unit, where)
        if isinstance(numbers, np.ndarray):
            self._check_range(numbers, where)
        return numbers

    def sample(
        self, value: Distribution, size: int, rng: np.random.Generator, owner: str
    ) -> np.ndarray:
        """One value per neuron, checked like a given one."""
        where = f"{owner}.{self.name}"
        numbers = value.sample(rng, (size,), lambda v: to_coherent(v, self.unit, where))
        self._check_range(numbers, where)
        return numbers

    def _check_range(self, numbers: np.ndarray, where: str) -> None:
        bad = ~np.isfinite(numbers) if self.finite else np.isnan(numbers)
        for name, compare in _COMPARE.items():
            bound = getattr(self, name)
            if bound is not None:
                limit = (
                    bound
                    if isinstance(bound, (int, float))
                    else to_coherent(bound, self.unit, where)
                )
                bad |= ~compare(numbers, limit)
        if bad.any():
            suffix = "" if self.unit.dim == UNITLESS.dim else f" {self.unit}"
            must = "finite" if self.finite else "a number"
            raise ConfigError(
                f"{where} is {shown(numbers[bad].flat[0], self.unit)}; it must be {must}"
                + (f" and {self.bounds}{suffix}." if self.bounds else ".")
            )


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "above": np.greater,
    "at_least": np.greater_equal,
    "below": np.less,
    "at_most": np.less_equal,
}


@dataclass(frozen=True)
class Derived:
    """A parameter that will follow from others when these have been sampled."""

    field: Parameter

    def __repr__(self) -> str:
        return "<follows from others>"


@dataclass
class Static(Field):
    """A choice that is part of the structure: changing it compiles anew."""

    default: Any = MISSING
    choices: tuple[Any, ...] = ()
    doc: str = ""


@dataclass
class Part(Field):
    """A component, or a mapping of them, inside a component."""

    default: Any = MISSING
    doc: str = ""


@dataclass
class Leaf(Field):
    """An array that is built, not given: a weight, a delay. Its unit is the owner's affair."""

    kind: str = "weight"
    doc: str = ""


@dataclass(frozen=True)
class CellSpec:
    """What a cell of a state declares: unit, kind, first value, meaning."""

    unit: Unit = UNITLESS
    kind: Kind = "hidden"
    init: float | str = 0.0
    doc: str = ""


def param(
    default: Any = MISSING,
    *,
    unit: Unit = None,
    above: Any = None,
    at_least: Any = None,
    below: Any = None,
    at_most: Any = None,
    steps: bool = False,
    free: bool = False,
    finite: bool = True,
    doc: str = "",
) -> Any:
    """Declare a parameter. The unit is the default's own unless it is given.

    Bounds are bare numbers in the coherent set or quantities; `steps=True` asks for a multiple of
    dt; `finite=False` admits infinity, as a bound that is none.
    """
    unit = getattr(default, "unit", UNITLESS) if unit is None else unit
    return Parameter(default, unit, above, at_least, below, at_most, steps, free, finite, doc)


def static(default: Any = MISSING, *, choices: tuple[Any, ...] = (), doc: str = "") -> Any:
    """Declare a structural choice (hashable), for example the kind of reset."""
    return Static(default, choices, doc)


def part(default: Any = MISSING, *, doc: str = "") -> Any:
    """Declare a component inside a component."""
    return Part(default, doc)


def leaf(kind: str, *, doc: str = "") -> Any:
    """Declare an array that the builder fills in."""
    return Leaf(kind, doc)


def cell(
    unit: Unit = UNITLESS, *, kind: Kind = "hidden", init: float | str = 0.0, doc: str = ""
) -> Any:
    """Declare a cell of a state: one array whose last axis is the neuron.

    Args:
        unit: Unit of the values.
        kind: What it is for.
        init: First value: a number in the coherent set, or the name of a parameter.
        doc: What it means.
    """
    return field(metadata={"cell": CellSpec(unit, kind, init, doc)})


def clock(doc: str = "") -> Any:
    """Declare a counter of time steps (int32)."""
    return cell(kind="clock", init=0, doc=doc or "steps left")


def spike(doc: str = "") -> Any:
    """Declare the spikes of the last step: a count, differentiable through the surrogate."""
    return cell(kind="spike", doc=doc or "spikes in the last step")


def nested(doc: str = "") -> Any:
    """Declare a state, or a mapping of states, inside a state."""
    return field(metadata={"doc": doc})


def parameters(cls: Any) -> tuple[Parameter, ...]:
    """The parameters that a class of components declares, in order."""
    return tuple(f for f in cls.declared.values() if isinstance(f, Parameter))
