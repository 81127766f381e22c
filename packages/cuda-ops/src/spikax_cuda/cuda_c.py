"""The push of spikes in CUDA C, for the day that Pallas no longer lowers through Triton.

Not registered: core never takes it. Not run on any GPU, not timed: compiled only. It exists since
the deprecated lowering has no successor in Pallas that can scatter, and since in CUDA C an atomic
addition costs no fence; see docs/gpu.md.

The call goes to XLA by "__gpu$xla.gpu.ptx", which is a name of XLA's own: nobody promises that it
stays. XLA hands the PTX to the driver unread: a fault in it shows when the program is loaded, and
the driver has to be as new as NVRTC (nvidia-cuda-nvrtc==13.0.* suits every driver for CUDA 13).
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import jax
import numpy as np
from jax import Array

from spikax.ops import CSR
from spikax_cuda._nvrtc import compile_ptx

NAME = "csr_push"
TARGET = "__gpu$xla.gpu.ptx"
_FLOATS = {"float32": "float", "float64": "double"}
# No GPU has timed another choice: a few blocks for each multiprocessor, which share the synapses
# of a source where there are more than one block takes at once.
_BLOCKS, _THREADS, _MOST_TO_A_SOURCE = 1024, 128, 8


def csr_push(
    fmt: CSR, weight: Array, x: Array, active: Array, count: Array, base: Array, ring: Array
) -> Array:
    """The ring with w_s x_i added at base + j(s), for the synapses s of each active source i.

    It adds in place, by atomics: their order, and with it the last digits of a sum, changes from
    call to call. In float32 a GPU adds to subnormal numbers as to zero. Neither derivatives nor
    batches are defined.

    Args:
        fmt: The connectivity.
        weight: () or (n_synapses,), float32 or float64.
        x: (n_pre,), of the dtype of `weight`.
        active: (n_pre,) int32, the sources that sent, each once, with anything after the last.
        count: () int32, how many they are.
        base: () int32, where in the ring the first target has its place.
        ring: (n,), of the dtype of `weight`, with n_post places from `base` on.
    """
    _check(fmt, weight=weight, x=x, active=active, count=count, base=base, ring=ring)
    if 0 in (fmt.n_pre, fmt.n_synapses):
        return ring
    operands = (fmt.indptr, fmt.indices, weight, x, active, count, base, ring)
    call = jax.ffi.ffi_call(
        TARGET,
        jax.ShapeDtypeStruct(ring.shape, ring.dtype),
        input_output_aliases={len(operands) - 1: 0},
    )
    source = ptx(ring.dtype, per_synapse=weight.ndim == 1)
    return call(*operands, name=NAME, kernel_type="ptx", kernel_data=source, **_launch(fmt))


def ptx(dtype: Any, *, per_synapse: bool) -> str:
    """The kernel for weights of this dtype, one for each synapse or one for all."""
    return compile_ptx(source(), *definitions(dtype, per_synapse=per_synapse))


def definitions(dtype: Any, *, per_synapse: bool) -> tuple[str, str]:
    """The macros that the source leaves open."""
    return f"Float={_FLOATS[str(dtype)]}", f"PER_SYNAPSE={int(per_synapse)}"


@functools.cache
def source() -> str:
    """The kernel in CUDA C."""
    return resources.files("spikax_cuda").joinpath("push.cu").read_text()


def _launch(fmt: CSR) -> dict[str, Any]:
    of_a_source = -(-fmt.n_synapses // (fmt.n_pre * _THREADS))
    y = min(of_a_source, _MOST_TO_A_SOURCE)
    x = min(fmt.n_pre, _BLOCKS // y)
    sizes = {"grid_x": x, "grid_y": y, "grid_z": 1, "block_x": _THREADS, "block_y": 1, "block_z": 1}
    return {name: np.int32(size) for name, size in (sizes | {"shared_mem_bytes": 0}).items()}


def _check(fmt: CSR, **given: Array) -> None:
    """The kernel is handed addresses: of another shape or dtype it would read beyond the end."""
    kind, n_pre = given["weight"].dtype, fmt.n_pre
    weight = f"{kind}[{fmt.n_synapses}]" if given["weight"].ndim else f"{kind}[]"
    lists = {"weight": weight, "x": f"{kind}[{n_pre}]", "active": f"int32[{n_pre}]"}
    expected = lists | {
        "count": "int32[]",
        "base": "int32[]",
        "ring": f"{kind}[{given['ring'].size}]",
    }
    found = {name: f"{v.dtype}[{','.join(map(str, v.shape))}]" for name, v in given.items()}
    if found != expected or str(kind) not in _FLOATS:
        raise ValueError(f"csr_push got {found}, expected {expected}, in float32 or float64.")
