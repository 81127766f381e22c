"""Connectivity operators of spikax in C++, called through the FFI of XLA.

Nothing is called from here: where JAX runs on a CPU, core finds the kernels by their records, and
`spikax doctor` shows which it uses. `spikax.ops.use_kernels("reference")` does without them.
"""

from collections.abc import Iterator as _Iterator

from spikax.plugins import Kernel as _Kernel
from spikax.plugins import hookimpl as _hookimpl

__all__ = ["spikax_kernels"]


@_hookimpl
def spikax_kernels() -> _Iterator[_Kernel]:
    """The kernels of this pack; the library is loaded with the first that is used."""
    for op in ("forward", "transpose", "weight_gradient", "scatter"):
        for form in ("csr", "fixed_fan_out"):
            yield _Kernel(f"cpu_{op}_{form}", f"spikax_cpu.kernels:{op}", op, form, "cpu")
