"""Count what JAX compiles."""

from __future__ import annotations

from collections.abc import Generator
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
def count_compilations() -> Generator[Compilations, None, None]:
    """Count the programs that JAX compiles, or fetches from its cache on disk, within the block."""
    seen = Compilations()

    def listen(event: str, duration: float, **_: str | int) -> None:
        if event == _EVENT:
            seen.count += 1
            seen.seconds += duration

    monitoring: Any = jax.monitoring
    monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        monitoring.unregister_event_duration_listener(listen)
