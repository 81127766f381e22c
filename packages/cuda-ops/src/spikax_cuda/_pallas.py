"""The one place that knows how kernels are lowered: Pallas, by Triton.

JAX deprecates this lowering from 0.11 on; what comes after it is written here and nowhere else. A
kernel is a function of references to its operands and then to its results.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
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
    *operands: Any,
    grid: tuple[int, ...],
    warps: int,
    changed: Sequence[Array] = (),
    new: Sequence[tuple[tuple[int, ...], Any]] = (),
    name: str = "",
) -> list[Array]:
    """Run programs of a kernel.

    Args:
        kernel: A function of the operands, with references in place of arrays, then of references
            to what is changed and to what is new.
        operands: Pytrees that it reads.
        grid: Numbers of programs.
        warps: Of 32 threads, in each program.
        changed: Arrays that it changes, in place.
        new: Shape and dtype of what it makes besides.
        name: Of the compiled kernel, after "spikax_"; that of the function, if none is given.

    Returns:
        What was changed, and what is new.
    """
    leaves, tree = jax.tree.flatten(operands)
    given, interpret = [*leaves, *changed], interpreting()
    axes = axes_of(*given)
    shapes = [*((v.shape, v.dtype) for v in changed), *new]
    run = functools.partial(_run, kernel, tree, len(changed), interpret)
    return pl.pallas_call(
        run,
        out_shape=jax.eval_shape(lambda: [spread(jnp.zeros(*shape), axes) for shape in shapes]),
        grid=grid,
        input_output_aliases={len(leaves) + k: k for k in range(len(changed))},
        # Without these, JAX takes another lowering, which can neither gather nor scatter.
        compiler_params=triton.CompilerParams(num_warps=warps, num_stages=1),
        interpret=interpret,
        name=f"spikax_{name or kernel.__name__.lstrip('_')}",
    )(*(spread(value, axes) for value in given))


# JAX keeps what a kernel was traced to: how it is run has to be part of what it is.
def _run(kernel: Any, tree: Any, n_changed: int, interpret: bool, *refs: Any) -> None:
    n = tree.num_leaves
    with running(interpret):
        kernel(*jax.tree.unflatten(tree, refs[:n]), *refs[n + n_changed :])


def read(ref: Any, at: Array, mask: Array | None = None) -> Array:
    """The one value there is, or those at some places."""
    return ref[0] if ref.shape[0] == 1 else load(ref, at, mask)


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
    """The index of this program; the interpreter knows it outside of loops and branches alone."""
    return jnp.asarray(pl.program_id(axis), jnp.int32)


def programs(axis: int) -> Array:
    """The number of programs."""
    return jnp.asarray(pl.num_programs(axis), jnp.int32)


def shared_out(n: Array, do: Callable[[Array], None], mine: Array, step: Array) -> None:
    """Do every `step`-th of n things, the `mine`-th first."""

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
