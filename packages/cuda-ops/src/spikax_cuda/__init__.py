"""Pallas GPU kernels for the connectivity operators of spikax.

Nothing is called from here: where JAX runs on a GPU, core finds the kernels by their records, and
`spikax doctor` shows which it uses. `spikax.ops.use_kernels("reference")` does without them.
"""

from collections.abc import Iterator as _Iterator

from spikax.plugins import Kernel as _Kernel
from spikax.plugins import hookimpl as _hookimpl

__all__ = ["spikax_kernels"]

_SPARSE = ("csr", "fixed_fan_out")
_STORED = (*_SPARSE, "dense")
_KERNELS = (
    ("push", "forward", (*_SPARSE, "procedural")),
    ("push", "scatter", (*_SPARSE, "procedural")),
    ("pull", "transpose", (*_STORED, "procedural")),
    ("pull", "collect", (*_STORED, "procedural")),
    ("outer", "weight_gradient", _STORED),
    ("outer", "add_weight_gradient", _SPARSE),
    ("dense", "forward", ("dense",)),
    ("dense", "scatter", ("dense",)),
    ("learn", "learn", _STORED),
    ("neurons", "update", ("population",)),
)


@_hookimpl
def spikax_kernels() -> _Iterator[_Kernel]:
    """The kernels of this pack; none is imported before its first use."""
    for module, op, forms in _KERNELS:
        for form in forms:
            yield _Kernel(f"cuda_{op}_{form}", f"spikax_cuda.{module}:{op}", op, form, "gpu")
