"""State: the variables of a model as a frozen pytree of declared cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Self, cast, dataclass_transform

import jax
import numpy as np
from jax.core import Tracer

from spikax._fields import CellSpec, cell, clock, nested, spike
from spikax.units import UNITLESS, Unit, in_unit


def _is_static(field: Any) -> bool:
    return bool(field.metadata.get("static"))


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(cell, clock, nested, spike)
)
class State:
    """The variables of a model: each a declared cell, an array whose last axis is the neuron.

    A state goes into `update` and a new one comes out; nothing is changed in place. It is a pytree,
    so `jit`, `grad`, `vmap`, `scan` and `checkpoint` take it as it is.
    """

    cells: ClassVar[Mapping[str, CellSpec]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclasses.dataclass(frozen=True, eq=False, repr=False, kw_only=True)(cls)
        fields: tuple[Any, ...] = dataclasses.fields(cls)  # pyright: ignore[reportArgumentType]
        cls.cells = {f.name: f.metadata["cell"] for f in fields if "cell" in f.metadata}
        data = [f.name for f in fields if not _is_static(f)]
        jax.tree_util.register_dataclass(cls, data, [f.name for f in fields if _is_static(f)])

    def replace(self, **changes: Any) -> Self:
        """A copy with some cells changed."""
        return dataclasses.replace(cast(Any, self), **changes)

    def unit_of(self, name: str) -> Unit:
        """The unit of a cell."""
        return self.cells[name].unit if name in self.cells else UNITLESS

    def __repr__(self) -> str:
        fields: tuple[Any, ...] = dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        shown = [f"{f.name}={self._show(f.name)}" for f in fields if not _is_static(f)]
        inner = ",\n".join(shown).replace("\n", "\n  ")
        return (
            f"{type(self).__name__}(\n  {inner}\n)"
            if len(inner) > 80
            else f"{type(self).__name__}({inner})"
        )

    def _show(self, name: str) -> str:
        value = getattr(self, name)
        if name not in self.cells:
            return repr(value)
        if isinstance(value, Mapping):  # of arrays of one kind, by name
            parts = (f"{k}: {describe(v, self.unit_of(name))}" for k, v in value.items())
            return f"{{{', '.join(parts)}}}"
        return describe(value, self.unit_of(name))


def describe(value: Any, unit: Unit) -> str:
    """One line about an array: type, shape, unit and, where the values are known, their range."""
    if not hasattr(value, "shape"):
        return repr(value)
    text = f"{np.dtype(value.dtype).name}{list(value.shape)}"
    if str(unit) != "1":
        text += f" {unit}"
    if isinstance(value, Tracer) or not value.size:
        return text
    low, high = (float(in_unit(float(v), unit)) for v in (value.min(), value.max()))
    return f"{text} = {low:g}" if low == high else f"{text} in [{low:g}, {high:g}]"
