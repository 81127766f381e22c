"""How long building and running took: NEST's `time_...` of the kernel, in seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = ("construction_create", "construction_connect", "simulate")


class Timers:
    """Sums since the kernel was reset, by the wall clock and of the processor.

    A network is made of the synapses when it is first run: that counts as connecting.
    """

    def __init__(self) -> None:
        self.seconds = {f"time_{name}{of}": 0.0 for name in NAMES for of in ("", "_cpu")}

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Count what is done within."""
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[f"time_{name}"] += time.perf_counter() - wall
            self.seconds[f"time_{name}_cpu"] += time.process_time() - cpu
