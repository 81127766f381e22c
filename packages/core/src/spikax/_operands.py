"""Whether operands are what the signature of an operator says: what a kernel's `supports` asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax._formats import Format
from spikax._procedural import TABLE, Procedural

_DELAYS = (jnp.int8, jnp.int16, jnp.int32)
SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "forward": ("weight", "x"),
    "transpose": ("weight", "y"),
    "weight_gradient": ("x", "y"),
    "scatter": ("weight", "x", "delay", "ring", "t"),
    "collect": ("weight", "x", "delay", "ring", "t", "total"),
    "add_weight_gradient": ("x", "delay", "ring", "t", "gradient"),
}


def fits(op: str, fmt: Format, operands: Sequence[Array], floats: Sequence[Any]) -> bool:
    """Whether shapes and dtypes are those of a call for one network, of one of these floats.

    Args:
        op: The operator.
        fmt: The connectivity.
        operands: What follows it; only shapes and dtypes are looked at.
        floats: The dtypes that a kernel takes.
    """
    named = dict(zip(SIGNATURES[op], operands, strict=True))
    used = {value.dtype for name, value in named.items() if name not in ("delay", "t")}
    return (
        len(used) == 1
        and used.pop() in floats
        and all(_SHAPED[name](fmt, value) for name, value in named.items())
    )


def _each(fmt: Any, value: Array) -> bool:
    return value.shape in ((), (TABLE,) if isinstance(fmt, Procedural) else fmt.shape)


def _delay(fmt: Any, value: Array) -> bool:
    return value.dtype in _DELAYS and _each(fmt, value)


def _ring(fmt: Any, value: Array) -> bool:
    return len(value.shape) == 2 and value.shape[0] > 0 and value.shape[1] == fmt.n_post


_SHAPED: Mapping[str, Callable[[Any, Array], bool]] = {
    "weight": _each,
    "x": lambda fmt, value: value.shape == (fmt.n_pre,),
    "y": lambda fmt, value: value.shape == (fmt.n_post,),
    "delay": _delay,
    "ring": _ring,
    "t": lambda _, value: value.dtype == jnp.int32 and value.shape == (),
    "total": lambda fmt, value: value.shape == (fmt.n_pre,),
    "gradient": lambda fmt, value: value.shape == fmt.shape,
}
