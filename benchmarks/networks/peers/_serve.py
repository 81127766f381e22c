"""What each peer says on its standard output, and hears on its input: one JSON object per line.

First what the build took, then, for each line "run", what a run took. What a simulator prints
itself goes to the standard error.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[], dict[str, Any]]


def serve(build: Callable[[dict[str, Any]], tuple[dict[str, Any], Run]]) -> None:
    """Build what the file named by the first argument describes; then run it whenever asked to."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    task = json.loads(Path(sys.argv[1]).read_text())
    ready, run = build(task)
    _say(out, ready)
    for line in sys.stdin:
        if line.strip() == "run":
            _say(out, run())


def _say(out: Any, message: dict[str, Any]) -> None:
    peak = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    out.write(json.dumps(peak | message) + "\n")
    out.flush()


class Clock:
    """Seconds since it was made, or since it was last asked."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        taken, self.start = now - self.start, now
        return taken
