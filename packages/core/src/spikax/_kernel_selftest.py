"""Every kernel of this machine on many calls: whether it is right, and how long it takes."""

from __future__ import annotations

import functools
import math
import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import jax

from spikax import _kernel_check
from spikax._kernel_cases import LARGE, Case, call, cases
from spikax._ops import REFERENCE, Operator
from spikax._progress import Progress
from spikax.plugins import Kernel

CAUTION = (
    "A time is the median of calls that are started and waited for one by one, on one machine "
    "and beside whatever else it did. It is no benchmark."
)
_FEWEST, _MOST, _PATIENCE = 5, 200, 0.3  # calls; seconds after which no more are begun

Row = dict[str, Any]


class Trial(NamedTuple):
    """What became of one case.

    Attributes:
        case: The case.
        error: The largest difference, in terms of the largest value; None if there is no result.
        failure: What is wrong, empty if nothing is.
        times: Of the kernel and of the reference, in microseconds, where they were taken.
    """

    case: Case
    error: float | None = None
    failure: str = ""
    times: tuple[float, float] | None = None

    @property
    def supported(self) -> bool:
        """Whether the kernel serves the case."""
        return self.error is not None or bool(self.failure)


def selftest(kernels: Iterable[Kernel]) -> list[Row]:
    """Try each kernel on all cases of its operator and format.

    Returns:
        A row for each kernel, ready for JSON. `cases` counts the calls that it supports and
        `unsupported` the others; `error` is the largest difference from the reference, in terms of
        the largest value; `kernel_us` and `reference_us` are the times of the large case in
        microseconds, `ratio` the second over the first. `status` is "ok", "failed" or "not run",
        with the `reason`; `failures` has each case that failed, and how.
    """
    # Next to each other, kernels of one operator and format share what the reference computed.
    in_turn = sorted(kernels, key=lambda kernel: (kernel.op, kernel.format))
    trials = {kernel.name: list[Trial]() for kernel in in_turn}
    todo = [(k, c) for k in in_turn if not any(_untried(k)) for c in cases(k.op, k.format)]
    with Progress(len(todo), 1, None, "calls") as bar:
        for done, (kernel, case) in enumerate(todo, 1):
            trials[kernel.name].append(_try(kernel, case))
            bar.update(done)
    return [_row(kernel, trials[kernel.name]) for kernel in in_turn]


def _untried(kernel: Kernel) -> tuple[str, str]:
    """Status of a kernel that cannot be tried here, and why; empty if it can."""
    try:
        _kernel_check.load(kernel)
    # As in the doctor's own check: whatever keeps a kernel from loading is reported.
    except Exception as error:
        return "failed", str(error)
    reason = _kernel_check.elsewhere(kernel)
    return ("not run", reason) if reason else ("", "")


def _try(kernel: Kernel, case: Case) -> Trial:
    with jax.enable_x64(case.double):
        try:
            return _compared(kernel, case)
        # A kernel raises what it will: a compiler that is missing, a driver too old.
        except Exception as error:
            return Trial(case, failure=f"{type(error).__name__}: {error}")


def _compared(kernel: Kernel, case: Case) -> Trial:
    run, where = kernel.load(), (kernel.op, kernel.format)
    given = _call(case, *where)
    if not _kernel_check.supports(run, *given):
        return Trial(case)
    error = _kernel_check.difference(_kernel_check.compute(run, *given), _expected(case, *where))
    if not error <= _kernel_check.TOLERANCE[case.dtype]:
        return Trial(case, error, _kernel_check.verdict(kernel.op, error))
    if case != LARGE.fitted(*where):
        return Trial(case, error)
    return Trial(case, error, times=(_microseconds(run, *given), _reference_time(case, *where)))


# Two kernels of one operator and format have at most these cases in common.
_of_a_case = functools.lru_cache(maxsize=32)


@_of_a_case
def _call(case: Case, op: str, format: str) -> tuple[Any, tuple[Any, ...]]:
    return call(case, op, format)


@_of_a_case
def _expected(case: Case, op: str, format: str) -> Any:
    return _kernel_check.compute(REFERENCE[op], *_call(case, op, format))


@_of_a_case
def _reference_time(case: Case, op: str, format: str) -> float:
    return _microseconds(REFERENCE[op], *_call(case, op, format))


def _microseconds(run: Operator, fmt: Any, operands: tuple[jax.Array, ...]) -> float:
    """Median time of a call that was compiled before."""
    program, times = jax.jit(run), list[float]()
    jax.block_until_ready(program(fmt, *operands))
    while len(times) < _FEWEST or (len(times) < _MOST and sum(times) < _PATIENCE):
        began = time.perf_counter()
        jax.block_until_ready(program(fmt, *operands))
        times.append(time.perf_counter() - began)
    return 1e6 * statistics.median(times)


def _row(kernel: Kernel, trials: Sequence[Trial]) -> Row:
    # JSON has no NaN; what is wrong stands with the failures.
    errors = [t.error for t in trials if t.error is not None and math.isfinite(t.error)]
    failures = [{"case": str(t.case), "reason": t.failure} for t in trials if t.failure]
    kernel_us, reference_us = next((t.times for t in trials if t.times), (None, None))
    supported = sum(trial.supported for trial in trials)
    status, reason = _verdict(len(failures), supported, len(trials)) if trials else _untried(kernel)
    return {
        "name": kernel.name,
        "op": kernel.op,
        "format": kernel.format,
        "plugin": kernel.origin.plugin if kernel.origin else "",
        "cases": supported,
        "unsupported": len(trials) - supported,
        "error": max(errors, default=None),
        "kernel_us": kernel_us,
        "reference_us": reference_us,
        "ratio": reference_us / kernel_us if kernel_us and reference_us else None,
        "status": status,
        "reason": reason,
        "failures": failures,
    }


def _verdict(failed: int, supported: int, tried: int) -> tuple[str, str]:
    if failed:
        return "failed", f"{failed} of {supported} cases"
    return ("ok", "") if supported else ("not run", f"supports none of {tried} cases")
