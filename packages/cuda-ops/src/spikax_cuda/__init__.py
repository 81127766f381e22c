"""Pallas GPU kernels for the connectivity operators of spikax.

Nothing is called from here: where JAX runs on a GPU, core finds the kernels by their records, and
`spikax doctor` shows which it uses. `spikax.ops.use_kernels("reference")` does without them.
"""

from collections.abc import Iterator as _Iterator

from spikax.plugins import Kernel as _Kernel
from spikax.plugins import hookimpl as _hookimpl

__all__ = ["spikax_kernels"]


@_hookimpl
def spikax_kernels() -> _Iterator[_Kernel]:
    """The kernels of this pack; none is imported before its first use."""
    yield _Kernel(
        "cuda_csr_forward",
        "spikax_cuda.csr_forward:csr_forward",
        op="forward",
        format="csr",
        platform="gpu",
        reference="Alevi et al. 2022, fig. 3",
    )
