"""Run the kernels on any device, in Pallas' interpreter, to look at what they compute."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Generator

_interpreting: contextvars.ContextVar[bool] = contextvars.ContextVar("interpreting", default=False)


def interpreted() -> contextlib.AbstractContextManager[None]:
    """Interpret the kernels that are traced inside.

    What was traced for a GPU before stays so: `jax.clear_caches()` makes JAX forget it.

    with spikax.ops.use_kernels("gpu"), interpreted(): ...

    It is slow: a program after the other, so that no order of a GPU is tried.
    """
    return running(True)


@contextlib.contextmanager
def running(interpret: bool) -> Generator[None]:
    """Say whether the kernels that are traced inside are interpreted."""
    token = _interpreting.set(interpret)
    try:
        yield
    finally:
        _interpreting.reset(token)


def interpreting() -> bool:
    """Whether kernels are interpreted."""
    return _interpreting.get()
