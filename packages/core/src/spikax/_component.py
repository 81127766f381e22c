"""A component: a frozen pytree of declared parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, FrozenInstanceError
from typing import Any, ClassVar, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from spikax._distributions import Distribution
from spikax._fields import Derived, Field, Leaf, Parameter, Part, Static
from spikax._surrogate import Surrogate
from spikax.errors import ConfigError, unknown
from spikax.units import UNITLESS, Quantity, Unit, in_unit, quantity, to_coherent

C = TypeVar("C", bound="Component")


def _declared(cls: type) -> dict[str, Field]:
    inherited: dict[str, Field] = {}
    for base in reversed(cls.__mro__):
        inherited |= {k: v for k, v in vars(base).items() if isinstance(v, Field)}
    return inherited


class Component:
    """A model or a piece of one: its fields are declared, its values never change.

    A subclass declares its fields by `param`, `static` and `part`. Construction takes them by name
    or in order, converts every quantity to plain numbers of the coherent set (float64 NumPy), and
    rejects what has the wrong unit or lies outside its range. A component is a pytree: parameters
    and parts are its leaves and branches, static choices belong to its structure.
    """

    declared: ClassVar[Mapping[str, Field]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.declared = _declared(cls)
        jax.tree_util.register_pytree_with_keys(
            cls, _flatten_with_keys, _unflattener(cls), _flatten
        )

    def __init__(self, *values: Any, **named: Any) -> None:
        given = self._bind(values, named)
        converted: dict[str, Any] = {}
        for name, field in self.declared.items():
            if name in given:
                converted[name] = _convert(self, field, given[name])
        for name, field in self.declared.items():
            if name not in converted:
                converted[name] = _default(self, field, converted)
        self.__dict__.update({name: converted[name] for name in self.declared})
        self.validate()

    def _bind(self, values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        model = type(self).__name__
        if len(values) > len(self.declared):
            raise ConfigError(
                f"{model} takes at most {len(self.declared)} values, got {len(values)}."
            )
        given = dict(zip(self.declared, values, strict=False))
        for name in named:
            if name not in self.declared:
                raise unknown(f"parameter of {model}", name, self.declared)
            if name in given:
                raise ConfigError(f"{model}.{name} was given twice, by position and by name.")
        return given | named

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(
            f"{type(self).__name__}.{name} cannot be set: write model = model.replace({name}=...)."
        )

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, converted and checked as at construction.

        What followed from others by default follows from the new ones.
        """
        for name in changes:
            if name not in self.declared:
                raise unknown(f"parameter of {type(self).__name__}", name, self.declared)
        new = {k: _convert(self, self.declared[k], v) for k, v in changes.items()}
        for name, value in new.items():  # what was built is an array of plain numbers
            if isinstance(self.declared[name], Leaf) and hasattr(value, "mantissa"):
                plain = to_coherent(value, self.unit_of(name), f"{type(self).__name__}.{name}")
                new[name] = jnp.asarray(plain, getattr(self, name).dtype)
        values = self.__dict__ | new
        for name, field in self.declared.items():
            if isinstance(field, Parameter) and name not in new and _follows(field, vars(self)):
                values[name] = derived(field, values)
        changed = rebuild(type(self), values)
        changed.validate()
        return changed

    def validate(self) -> None:
        """Raise if the values do not go together: what a range of one value cannot say."""

    def quantity(self, name: str) -> Quantity:
        """The value of a parameter in its declared unit."""
        field = self.declared.get(name)
        if not isinstance(field, Parameter):
            raise unknown(f"parameter of {type(self).__name__}", name, self.declared)
        return quantity(getattr(self, name), field.unit)

    def unit_of(self, name: str) -> Unit:
        """The unit of an array that was built, a `leaf`."""
        del name
        return UNITLESS

    def check(self, dt: float) -> None:
        """Raise if a value cannot be used with the time step `dt` (ms)."""
        for name, field in self.declared.items():
            value = getattr(self, name)
            if isinstance(field, Part):
                for piece in value.values() if isinstance(value, Mapping) else (value,):
                    piece.check(dt)
            elif isinstance(field, Parameter) and field.steps and isinstance(value, np.ndarray):
                _check_steps(value, dt, f"{type(self).__name__}.{name}")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = jax.tree.leaves(self), jax.tree.leaves(other)
        same = jax.tree.structure(self) == jax.tree.structure(other)
        return same and all(map(_equal, mine, theirs))

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_show(self, n) for n in self.declared)})"


def _convert(owner: Component, field: Field, value: Any) -> Any:
    model = type(owner).__name__
    if isinstance(field, Parameter):
        return field.convert(value, model)
    return _chosen(field, value, f"{model}.{field.name}") if isinstance(field, Static) else value


def _chosen(field: Static, value: Any, where: str) -> Any:
    if field.choices and value not in field.choices:
        raise unknown(f"choice for {where}", value, map(str, field.choices))
    if isinstance(field.default, Surrogate) and not isinstance(value, Surrogate):
        raise ConfigError(f"{where} is {value!r}; write for example SuperSpike().")
    return value


def _default(owner: Component, field: Any, values: Mapping[str, Any]) -> Any:
    if field.default is MISSING:
        raise ConfigError(f"{type(owner).__name__} needs a value for {field.name}.")
    if isinstance(field, Parameter) and callable(field.default):
        return derived(field, values)
    return _convert(owner, field, field.default)


def _follows(field: Parameter, values: Mapping[str, Any]) -> bool:
    """Whether the value is the one that follows from the others by default."""
    if not callable(field.default):
        return False
    value = values[field.name]
    return isinstance(value, Derived) or np.array_equal(value, derived(field, values))


def derived(field: Parameter, values: Mapping[str, Any]) -> Any:
    """The default that follows from other values, once these are numbers."""
    if any(isinstance(value, Distribution | Derived) for value in values.values()):
        return Derived(field)
    return field.default(values)


def _check_steps(value: np.ndarray, dt: float, where: str) -> None:
    ratio = value / dt
    off = np.abs(ratio - np.round(ratio)) > 1e-6 * np.maximum(1.0, ratio)
    if off.any():
        raise ConfigError(
            f"{where} is {value[off].flat[0]:g} ms, not a multiple of dt = {dt:g} ms; "
            "choose a dt that divides it, or round the value."
        )


def _equal(a: Any, b: Any) -> bool:
    arrays = any(isinstance(value, np.ndarray | jax.Array) for value in (a, b))
    return np.array_equal(a, b) if arrays else bool(a == b)


def _show(owner: Component, name: str) -> str:
    value, field = getattr(owner, name), type(owner).declared[name]
    # None stands where `select` took a leaf out.
    if isinstance(field, Parameter) and not isinstance(value, Distribution | Derived | None):
        if np.ndim(value):
            return f"{name}=<{'x'.join(map(str, np.shape(value)))}> {field.unit}"
        value = in_unit(value, field.unit)
        text = (
            f"{float(value):g}"
            if isinstance(value, (np.ndarray, np.floating, float))
            else str(value)
        )
        unit = f"*{field.unit}" if str(field.unit) != "1" else ""
        return f"{name}={text}{unit}"
    return f"{name}={value!r}"


def _flatten(component: Component) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    fields = component.declared
    leaves = tuple(getattr(component, n) for n, f in fields.items() if not isinstance(f, Static))
    return leaves, tuple(getattr(component, n) for n, f in fields.items() if isinstance(f, Static))


def _flatten_with_keys(component: Component) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    leaves, choices = _flatten(component)
    names = (n for n, f in component.declared.items() if not isinstance(f, Static))
    return tuple(zip(map(jax.tree_util.GetAttrKey, names), leaves, strict=True)), choices


def rebuild(cls: type[C], values: Mapping[str, Any]) -> C:
    """A component of these very values, nothing converted."""
    # JAX puts tracers, None and its own sentinels into leaves: nothing may be converted or checked
    # here.
    component = object.__new__(cls)
    component.__dict__.update(values)
    return component


def _unflattener(cls: type[Component]) -> Any:
    def unflatten(choices: tuple[Any, ...], leaves: tuple[Any, ...]) -> Component:
        static_values, dynamic = iter(choices), iter(leaves)
        return rebuild(
            cls,
            {
                n: next(static_values if isinstance(f, Static) else dynamic)
                for n, f in cls.declared.items()
            },
        )

    return unflatten
