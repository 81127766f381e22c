"""Spikes times sparse weights on a GPU, from the sources that fired."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from spikax.ops import CSR, REFERENCE
from spikax_cuda._scatter_add import scatter_add

# Synapses of a row that are taken at once, one by each thread; no GPU has timed another choice.
_BLOCK = 128
_WARPS = 4


def csr_forward(fmt: CSR, weight: Array, x: Array, *, interpret: bool = False) -> Array:
    """What arrives at each target, (n_post,): y_j = sum of w_s x_i(s) over its synapses.

    One program for each source. Where the source sends zero it reads nothing else, so that not even
    an infinite weight is felt there; else it walks along the row and adds to the targets by atomics
    (Alevi et al. 2022, fig. 3, without partitions). Their order, and with it the last digits of a
    sum, changes from call to call.

    No timing on a GPU has been made. It is lowered through Triton, which JAX deprecates from 0.11
    on: there, compiling a program that holds the kernel gives a DeprecationWarning.

    Args:
        fmt: The connectivity.
        weight: () or (n_synapses,), float32 or float64.
        x: (n_pre,), of the dtype of `weight`.
        interpret: Run on any device, in Pallas' interpreter, for tests.
    """
    # Under `jax.shard_map` it also says along which axes of the mesh the result differs.
    out = jax.eval_shape(REFERENCE["forward"], fmt, weight, x)
    varying = tuple(out.manual_axis_type.varying) if out.manual_axis_type else ()
    empty = jax.lax.pcast(jnp.zeros(out.shape, out.dtype), varying, to="varying")
    if 0 in (fmt.n_pre, fmt.n_synapses):
        return empty
    each = () if weight.ndim == 0 else (weight,)
    arrived = pl.pallas_call(
        functools.partial(_push, interpret=interpret),
        out_shape=out,
        grid=(fmt.n_pre,),
        input_output_aliases={0: 0},
        # Without these, JAX takes another lowering, which cannot scatter.
        compiler_params=triton.CompilerParams(num_warps=_WARPS, num_stages=1),
        interpret=interpret,
        name="spikax_csr_forward",
    )(empty, x, fmt.indptr, fmt.indices, *each)
    return arrived if each else weight * arrived


def _push(_: Any, x: Any, indptr: Any, indices: Any, *refs: Any, interpret: bool) -> None:
    *weight, y = refs
    source = pl.program_id(0)
    sent = x[source]

    @pl.when(sent != 0)
    def _() -> None:
        start, stop = indptr[source], indptr[source + 1]

        def add_block(block: Array, _: None) -> None:
            at = start + block * _BLOCK + jnp.arange(_BLOCK, dtype=jnp.int32)
            inside = at < stop
            target = triton.load(indices.at[at], mask=inside, other=0)
            value = jnp.full(_BLOCK, sent)
            for ref in weight:
                value *= triton.load(ref.at[at], mask=inside, other=0)
            scatter_add(y, target, value, inside, interpret=interpret)

        jax.lax.fori_loop(0, pl.cdiv(stop - start, jnp.int32(_BLOCK)), add_block, None)


def _supports(fmt: CSR, weight: Array, x: Array) -> bool:
    return (
        x.dtype in (jnp.float32, jnp.float64)
        and weight.dtype == x.dtype
        and weight.shape in ((), fmt.shape)
        and x.shape == (fmt.n_pre,)
    )


csr_forward.supports = _supports  # pyright: ignore[reportFunctionMemberAccess]
