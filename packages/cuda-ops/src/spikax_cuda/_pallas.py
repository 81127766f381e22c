"""The one place that knows how kernels are lowered: Pallas, by Triton.

JAX deprecates this lowering from 0.11 on; what comes after it is written here and nowhere else. A
kernel is a function of references to its operands and then to its results.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from spikax.ops import axes_of, spread
from spikax_cuda.interpret import interpreting, running

THREADS = 32  # of a warp
VECTOR = 4  # words of 32 bits that a thread loads at once


def launch(
    kernel: Callable[..., None],
    results: Sequence[tuple[tuple[int, ...], Any]],
    *operands: Array,
    grid: tuple[int, ...],
    warps: int,
    aliases: Mapping[int, int] | None = None,
    name: str = "",
) -> list[Array]:
    """Run programs of a kernel.

    Args:
        kernel: A function of references to the operands, then to the results.
        results: Shape and dtype of each result.
        operands: What it reads.
        grid: Numbers of programs.
        warps: Of 32 threads, in each program.
        aliases: Which operand becomes which result, in place.
        name: Of the compiled kernel, after "spikax_"; that of the function, if none is given.
    """
    axes = axes_of(*operands)
    out = jax.eval_shape(lambda: [spread(jnp.zeros(*result), axes) for result in results])
    function = kernel.func if isinstance(kernel, functools.partial) else kernel
    interpret = interpreting()
    return pl.pallas_call(
        # JAX keeps what a kernel was traced to: how it is run has to be part of what it is.
        functools.partial(_run, kernel, interpret),
        out_shape=out,
        grid=grid,
        input_output_aliases=dict(aliases or {}),
        # Without these, JAX takes another lowering, which can neither gather nor scatter.
        compiler_params=triton.CompilerParams(num_warps=warps, num_stages=1),
        interpret=interpret,
        name=f"spikax_{name or function.__name__.lstrip('_')}",
    )(*(spread(value, axes) for value in operands))


def _run(kernel: Callable[..., None], interpret: bool, *refs: Any) -> None:
    with running(interpret):
        kernel(*refs)


def load(ref: Any, at: Array, mask: Array | None = None) -> Array:
    """Values at some places, zero where the mask does not hold."""
    return triton.load(ref.at[at], mask=mask, other=None if mask is None else 0)


def store(ref: Any, at: Array, value: Array, mask: Array | None = None) -> None:
    """Write values to places where the mask holds; these differ."""
    if not interpreting():
        triton.store(ref.at[at], value, mask=mask)
        return
    # The interpreter writes what was there where the mask does not hold, maybe after another value.
    kept = at if mask is None else jnp.where(mask, at, ref.shape[0])
    ref[...] = ref[...].at[kept].set(value, mode="drop")


def scatter_add(ref: Any, at: Array, value: Array, mask: Array | None = None) -> None:
    """Add values to places that may repeat and that other programs may add to: by atomics."""
    if not interpreting():
        triton.atomic_add(ref, at, value, mask=mask)
        return
    # The interpreter runs one program at a time, but its atomics lose repeated places and know no
    # mask.
    kept = value if mask is None else jnp.where(mask, value, jnp.zeros_like(value))
    ref[...] = ref[...].at[at].add(kept)


def program(axis: int) -> Array:
    """The index of this program; the interpreter knows it outside of loops alone."""
    return jnp.asarray(pl.program_id(axis), jnp.int32)


def programs(axis: int) -> Array:
    """The number of programs."""
    return jnp.asarray(pl.num_programs(axis), jnp.int32)


def shared_out(n: Array, do: Callable[[Array], None]) -> None:
    """Do every P-th of n things, the p-th first, if this is program p of P (of the first axis)."""
    mine, step = program(0), programs(0)

    def turn(k: Array, _: None) -> None:
        do(mine + k * step)

    repeat(lax.div(jnp.maximum(n - mine, 0) + (step - 1), step), turn)


def when(condition: Array) -> Callable[[Callable[[], None]], None]:
    """Decorate what runs only under a condition."""
    return pl.when(condition)


def repeat(n: Array | int, body: Callable[[Array, Any], Any], carry: Any = None) -> Any:
    """`carry = body(k, carry)` for k from 0 to n - 1."""
    return lax.fori_loop(0, n, body, carry)


def lanes(block: int) -> Array:
    """0, 1, ... block - 1, one for each value that a program holds at a time."""
    return lax.iota(jnp.int32, block)


def block_of(length: float, *, largest: int = 512) -> int:
    """A power of two of values that a program takes at a time, for rows of about this length."""
    block = THREADS * VECTOR
    while block < min(length, largest):
        block *= 2
    return block


def warps_of(block: int) -> int:
    """Warps that take four values for each of their threads."""
    return max(1, block // (THREADS * VECTOR))


def sums_of(dtype: Any) -> Any:
    """The dtype of sums: in bfloat16 a sum would lose what is small beside it."""
    return jnp.float64 if dtype == jnp.float64 else jnp.float32


def blocks(n: int, block: int) -> int:
    """How many blocks hold n values."""
    return -(-n // block)
