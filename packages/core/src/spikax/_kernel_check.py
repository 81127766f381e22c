"""Compare a registered kernel with the reference of its operator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from spikax import _gpu, errors
from spikax._kernel_cases import QUICK, call
from spikax._ops import REFERENCE, Operator
from spikax.errors import NumericsError, PluginError
from spikax.plugins import Kernel

# Sums of terms of size 1, in any order.
TOLERANCE = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-12}


def use(kernel: Kernel, kernels: Iterable[Kernel]) -> str:
    """Whether this machine calls a kernel: the last one of its platform that loads."""
    reason = elsewhere(kernel)
    if reason:
        return reason
    if not _loads(kernel):
        return "does not load"
    call = kernel.op, kernel.format, kernel.platform
    same = [k for k in kernels if (k.op, k.format, k.platform) == call]
    first = next(k for k in reversed(same) if _loads(k))
    return "first" if first.name == kernel.name else f"after {first.name}"


def elsewhere(kernel: Kernel) -> str:
    """Why this machine cannot run a kernel: JAX runs on another platform, or on none; else ""."""
    here = _gpu.here()
    if kernel.platform == here:
        return ""
    return f"not on {here}" if here else "no device"


def _loads(kernel: Kernel) -> bool:
    try:
        kernel.load()
    except PluginError:
        return False
    return True


def load(kernel: Kernel) -> Operator:
    """What a kernel runs, on this machine or another.

    Raises:
        PluginError: it cannot be imported.
        UnknownNameError: its operator does not exist.
    """
    if kernel.op not in REFERENCE:
        raise errors.unknown(f"operator of kernel {kernel.name!r}:", kernel.op, REFERENCE)
    return kernel.load()


def check(kernel: Kernel) -> None:
    """Run a kernel on this machine, on a few synapses.

    Raises:
        PluginError: it cannot be imported.
        NumericsError: it differs from the reference.
        UnknownNameError: its operator or format does not exist.
    """
    run = load(kernel)
    if elsewhere(kernel):
        return
    case = QUICK.fitted(kernel.op, kernel.format)
    given = call(case, kernel.op, kernel.format)
    if supports(run, *given):
        error = difference(compute(run, *given), compute(REFERENCE[kernel.op], *given))
        if not error <= TOLERANCE[case.dtype]:
            found = verdict(kernel.op, error)
            raise NumericsError(f"kernel {kernel.name!r} of {kernel.origin} {found}")


def supports(run: Operator, fmt: Any, operands: tuple[jax.Array, ...]) -> bool:
    """Whether a kernel serves a call."""
    asked = getattr(run, "supports", None)
    return asked is None or bool(asked(fmt, *operands))


def compute(run: Operator, fmt: Any, operands: tuple[jax.Array, ...]) -> Any:
    """The result of a call that is compiled as one program.

    Operation by operation, the compiler would be called a hundred times.
    """
    return jax.block_until_ready(jax.jit(run)(fmt, *operands))


def difference(got: Any, expected: Any) -> float:
    """The largest, in each array in terms of its largest value; NaN where one is in either.

    Raises:
        NumericsError: The arrays have other shapes or dtypes.
    """
    pairs = [[*map(np.asarray, jax.tree.leaves(result))] for result in (got, expected)]
    shapes, wanted = ([f"{v.dtype}{[*v.shape]}" for v in arrays] for arrays in pairs)
    if shapes != wanted:
        raise NumericsError(f"it gives {', '.join(shapes)}, the reference {', '.join(wanted)}.")
    # Unlike that of Python, the maximum of NumPy keeps a NaN.
    return float(np.max([_difference(*pair) for pair in zip(*pairs, strict=True)], initial=0))


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    largest = np.max(np.abs(expected), initial=0)
    return float(np.max(np.abs(got - expected), initial=0) / (largest or 1))


def verdict(op: str, error: float) -> str:
    """What is said of a kernel that differs by too much."""
    return f"differs from the reference of {op!r} by up to {error:.3g} of the largest value."
