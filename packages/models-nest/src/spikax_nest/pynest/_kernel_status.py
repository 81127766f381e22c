"""`nest.get` and `nest.set`: in a module of their own, for they hide Python's `set`."""

from __future__ import annotations

from typing import Any

from spikax_nest.pynest._api import GetKernelStatus, SetKernelStatus


def get(*args: Any) -> Any:
    """Attributes of the kernel, as `GetKernelStatus`."""
    return GetKernelStatus(*args)


def set(**kwargs: Any) -> None:
    """Set attributes of the kernel, as `SetKernelStatus`."""
    SetKernelStatus(kwargs)
