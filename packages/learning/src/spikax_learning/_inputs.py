"""What arrives from outside, as plain arrays by port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork
from spikax.errors import ShapeError, unknown
from spikax.units import to_coherent


def of_step(net: BuiltNetwork, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """The inputs of one step, at the full shape of their ports."""
    return of_run(net, inputs, 0)[0]


def of_run(
    net: BuiltNetwork, inputs: Mapping[str, Any], n: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """What is constant, and what has one row for each of n steps."""
    ports, sizes = net.ports, dict(net.sizes)
    constant, rows = dict[str, Array](), dict[str, Array]()
    for path, value in inputs.items():
        if path not in ports:
            raise unknown("input", path, ports)
        numbers = jnp.asarray(to_coherent(value, ports[path].unit, f"input {path!r}"), dtype=float)
        shape = ports[path].shape(sizes[path.partition(".")[0]])
        if numbers.shape in ((), shape):
            constant[path] = jnp.broadcast_to(numbers, shape)
        elif n and numbers.shape == (n, *shape):
            rows[path] = numbers
        else:
            per_step = f", or {(n, *shape)} for {n} steps" if n else ""
            raise ShapeError(
                f"input {path!r} has shape {numbers.shape}; expected one number, {shape} for the "
                f"neurons{per_step}."
            )
    return constant, rows


def steps(targets: Any) -> int:
    """The number of rows that all targets have."""
    lengths = {jnp.shape(target)[:1] for target in jax.tree.leaves(targets)}
    if len(lengths) != 1 or () in lengths:
        raise ShapeError(
            f"the targets have {sorted(lengths)} rows; expected the same number in each, one row "
            "for each step."
        )
    return lengths.pop()[0]


def rows_of(net: BuiltNetwork, inputs: Mapping[str, Any]) -> int:
    """The number of steps that inputs have rows for."""
    ports, sizes = net.ports, dict(net.sizes)
    lengths = set[int]()
    for path, value in inputs.items():
        if path not in ports:
            raise unknown("input", path, ports)
        shape = ports[path].shape(sizes[path.partition(".")[0]])
        if jnp.ndim(getattr(value, "mantissa", value)) == len(shape) + 1:
            lengths.add(jnp.shape(getattr(value, "mantissa", value))[0])
    if len(lengths) != 1:
        raise ShapeError(
            f"the inputs have {sorted(lengths)} rows; a loss of a whole run needs inputs with one "
            "row for each step, as many in each."
        )
    return lengths.pop()
