"""Calls of the library from a JAX program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax.ops import axes_of, spread
from spikax_cpu import _library


def run(
    call: str,
    results: list[tuple[tuple[int, ...], Any]],
    *operands: Array,
    aliases: Mapping[int, int] | None = None,
    **attributes: Any,
) -> list[Array]:
    """Call the library.

    Args:
        call: One of `_library.CALLS`.
        results: Shape and dtype of each result.
        operands: What it takes, in the order of its handler.
        aliases: Which operand becomes which result, in place.
        attributes: Constants of the handler.
    """
    axes = axes_of(*operands)
    out = jax.eval_shape(lambda: [spread(jnp.zeros(*result), axes) for result in results])
    ffi = jax.ffi.ffi_call(
        _library.target(call),
        out,
        vmap_method="sequential",
        input_output_aliases=dict(aliases or {}),
    )
    return ffi(*(spread(value, axes) for value in operands), **attributes)
