"""Count what JAX compiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax

_EVENT = "/jax/core/compile/backend_compile_duration"


@dataclass
class Compilations:
    """How many programs were compiled, and in how many seconds."""

    count: int = 0
    seconds: float = 0.0


@contextmanager
def count_compilations() -> Iterator[Compilations]:
    """Count the programs that JAX compiles, or fetches from its cache on disk, within the block."""
    seen = Compilations()

    def listen(event: str, duration: float, **_: Any) -> None:
        if event == _EVENT:
            seen.count += 1
            seen.seconds += duration

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
