"""Progress of a long run, after a second, if somebody is watching: a terminal or a notebook."""

from __future__ import annotations

import importlib.util
import sys
import time
import warnings
from typing import Any, Self

_PATIENCE = 1.0  # seconds before anything is shown


class Progress:
    """Shows how far a run is: tqdm where it is installed, else one line that is written over.

    Args:
        steps: All that is to be done.
        dt: What a step counts for.
        wanted: Whether to show it; None where somebody watches.
        unit: Of `dt`.
    """

    def __init__(self, steps: int, dt: float, wanted: bool | None, unit: str = "ms") -> None:
        self._steps, self._dt, self._unit = steps, dt, unit
        self._wanted = _watched() if wanted is None else wanted
        self._began, self._bar, self._shown = time.monotonic(), None, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._shown:
            sys.stderr.write("\n")

    def update(self, done: int) -> None:
        """Say that `done` steps of the whole are done."""
        elapsed = time.monotonic() - self._began
        if not self._wanted or elapsed < _PATIENCE:
            return
        if importlib.util.find_spec("tqdm"):
            self._tick(done)
        else:
            left = elapsed / done * (self._steps - done)
            far = f"{done * self._dt:.0f} of {self._steps * self._dt:.0f} {self._unit}"
            sys.stderr.write(f"\r{far}, {left:.0f} s left ")
            sys.stderr.flush()
        self._shown = True

    def _tick(self, done: int) -> None:
        if self._bar is None:
            with warnings.catch_warnings():  # a notebook without widgets gets the bar in text
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm

            total = round(self._steps * self._dt)
            bar: Any = tqdm(total=total, unit=f" {self._unit}", leave=False)
            bar.start_t = bar.start_t - (time.monotonic() - self._began)
            self._bar = bar
        self._bar.update(round(done * self._dt) - self._bar.n)


def _watched() -> bool:
    # A notebook's standard error is no terminal, but somebody looks at it.
    kernel = sys.modules.get("ipykernel.zmqshell")
    return sys.stderr.isatty() or bool(kernel and kernel.ZMQInteractiveShell.initialized())
