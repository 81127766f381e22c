"""Physical units: quantities at the surface, plain numbers of one coherent set inside.

The coherent set is ms, mV and pA with what follows from them (nS = pA/mV, GOhm = mV/pA, pF =
pA*ms/mV, kHz = 1/ms), so that an equation written in plain numbers needs no conversion factor. This
file is the only one that knows brainunit.
"""

from __future__ import annotations

import functools
from typing import Any, TypeAlias, cast

import brainunit as _bu
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax.errors import UnitError

__all__ = [
    "UNITLESS",
    "GOhm",
    "Hz",
    "MOhm",
    "Quantity",
    "Unit",
    "cm",
    "exponents",
    "in_unit",
    "kHz",
    "mM",
    "mS",
    "mV",
    "mm",
    "ms",
    "nA",
    "nF",
    "nS",
    "named_unit",
    "pA",
    "pF",
    "per",
    "quantity",
    "second",
    "shown",
    "siemens",
    "to_coherent",
    "uA",
    "uF",
    "uS",
    "um",
    "us",
    "volt",
]

Quantity: TypeAlias = Any  # brainunit's class carries no types
Unit: TypeAlias = Any

_b = cast(Any, _bu)
ms, second, us = _b.ms, _b.second, _b.us
mV, volt = _b.mV, _b.volt
pA, nA, uA = _b.pA, _b.nA, _b.uA
nS, uS, mS, siemens = _b.nS, _b.uS, _b.mS, _b.siemens
pF, nF, uF = _b.pF, _b.nF, _b.uF
MOhm, GOhm = _b.Mohm, _b.Gohm
Hz, kHz = _b.Hz, _b.kHz
um, mm, cm = _b.um, _b.mm, _b.cm
mM = _b.mM
UNITLESS = _b.UNITLESS


def per(unit: Unit, other: Unit = ms) -> Unit:
    """The unit of a rate of change: `per(nS)` is nS/ms."""
    return unit / other


@functools.cache
def exponents(unit: Unit) -> tuple[int, int, int]:
    """The powers of time, voltage and current whose product has the dimension of `unit`."""
    kg, s, A = (int(unit.dim.get_dimension(base)) for base in ("kg", "s", "A"))
    return s + 3 * kg, kg, A + kg


@functools.cache
def _decades(unit: Unit) -> int:
    """Powers of ten from `unit` to the coherent unit of the same dimension."""
    time, voltage, current = exponents(unit)
    return int(unit.scale) + 3 * time + 3 * voltage + 12 * current


def _shift(values: Any, decades: int, factor: float = 1.0) -> Any:
    # Dividing by an exact power of ten rounds once; multiplying by 10**-3 rounds twice.
    moved = values * 10.0**decades if decades >= 0 else values / 10.0**-decades
    moved = moved * factor if factor != 1.0 else moved
    # NumPy makes a scalar of what it computes from one number; what was an array stays one.
    return np.asarray(moved) if isinstance(moved, np.floating) else moved


def _plain(value: Any) -> Any:
    """Numbers as float64 NumPy arrays; what JAX is tracing as it is."""
    if isinstance(value, Tracer):
        return value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(float)
    return np.asarray(value, dtype=np.float64)


def _show(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_number(value: Any) -> bool:
    if isinstance(value, jax.Array):
        return not jnp.issubdtype(value.dtype, jnp.complexfloating)
    try:
        return np.asarray(value).dtype.kind in "fiub"
    except (TypeError, ValueError):
        return False


def to_coherent(value: Any, unit: Unit, where: str) -> Any:
    """Turn a quantity into plain numbers of the coherent set.

    Args:
        value: A quantity of the dimension of `unit`; a number if `unit` has none.
        unit: The unit that was declared.
        where: Whose value it is, for the error: "LIF.tau_m".

    Returns:
        A float64 NumPy array; a JAX array if the value holds one.

    Raises:
        UnitError: The dimension is another one, a bare number was given, or no number at all.
    """
    if isinstance(value, _b.Unit):
        value = 1.0 * value
    if isinstance(value, _b.Quantity):
        if value.dim != unit.dim:
            raise UnitError(_wrong_dimension(value, unit, where))
        if not _is_number(value.mantissa):
            raise UnitError(_no_number(value, unit, where))
        given = value.unit
        return _shift(_plain(value.mantissa), _decades(given), float(given.factor))
    if not _is_number(value):
        raise UnitError(_no_number(value, unit, where))
    if unit.dim != UNITLESS.dim:
        raise UnitError(
            f"{where} needs a quantity in {unit}, got the bare number {_show(value)}; "
            f"did you mean {_show(value)}*{unit}?"
        )
    return _plain(value)


def _no_number(value: Any, unit: Unit, where: str) -> str:
    given = f"{_show(value)!r} ({type(value).__name__})"
    return f"{where} needs a quantity in {unit}, got {given}."


def _wrong_dimension(value: Any, unit: Unit, where: str) -> str:
    wanted = "a plain number" if unit.dim == UNITLESS.dim else f"a quantity in {unit}"
    meant = _show(value.mantissa) + ("" if unit.dim == UNITLESS.dim else f"*{unit}")
    given = f"{_show(value)}, which is in {value.unit}"
    return f"{where} needs {wanted}, got {given}; did you mean {meant}?"


def named_unit(name: str) -> Unit:
    """The unit that is written so: "mV / ms", "1"."""
    return _b.parse_unit(name)


def shown(value: float, unit: Unit) -> str:
    """A coherent number in `unit`, as a message shows it."""
    return f"{in_unit(value, unit):g} {unit}" if unit.dim != UNITLESS.dim else f"{value:g}"


def in_unit(values: Any, unit: Unit) -> Any:
    """Plain coherent numbers expressed in `unit`, still plain."""
    return _shift(values, -_decades(unit))


def quantity(values: Any, unit: Unit) -> Quantity:
    """Plain coherent numbers as a quantity in `unit`; as they are if it has no dimension."""
    return values if unit.dim == UNITLESS.dim else _b.Quantity(in_unit(values, unit), unit=unit)
