"""NEST's time: whole steps, made of whole tics of a microsecond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors

OFF_GRID = 1e-9
"""Share of a step that is rounding alone."""


@dataclass
class Clock:
    """The grid of time, and where the network is on it.

    Attributes:
        tics_per_ms: Grain of time.
        tics_per_step: Tics of one step.
        step: The present step.
    """

    tics_per_ms: float = 1000.0
    tics_per_step: int = 100
    step: int = 0

    @property
    def resolution(self) -> float:
        """A step in ms."""
        return self.tics_per_step / self.tics_per_ms

    @property
    def time(self) -> float:
        """The present time in ms."""
        return self.ms(self.step)

    def ms(self, steps: Any) -> Any:
        """Steps in ms."""
        # The product is rounded as NEST's is.
        return steps * self.tics_per_step * (1 / self.tics_per_ms)

    def tics(self, ms: Any) -> Any:
        """The nearest whole number of tics."""
        return np.round(np.asarray(ms, np.float64) * self.tics_per_ms)

    def delay_steps(self, ms: Any) -> Any:
        """Delays in steps: rounded, halves up.

        Raises:
            NESTErrors.BadDelay: A delay is below one step.
        """
        per_ms = self.tics_per_ms / self.tics_per_step
        steps = np.floor(np.asarray(ms, np.float64) * per_ms + 0.5).astype(np.int64)
        if np.any(steps < 1):
            shortest = float(np.min(ms))
            raise NESTErrors.BadDelay(
                f"Delay value {shortest:g} is invalid: Delay must be greater than or equal to "
                f"resolution, {self.resolution:g} ms."
            )
        return steps

    def split_delay(self, ms: Any, precise: bool) -> tuple[Any, Any]:
        """Delays in steps: rounded, or if precise up; and then how much less they are (ms).

        Raises:
            NESTErrors.BadDelay: A delay is below one step.
        """
        if not precise:
            return self.delay_steps(ms), 0.0
        steps = np.asarray(ms, np.float64) / self.resolution
        whole = np.floor(steps + OFF_GRID).astype(np.int64)
        beyond = steps > whole + OFF_GRID
        self.delay_steps(np.where(beyond, self.resolution * whole, ms))
        early = np.where(beyond, (whole + 1 - steps) * self.resolution, 0.0)
        return whole + beyond, early

    def whole_steps(self, ms: float, what: str) -> int:
        """A time that must be a whole number of steps."""
        steps = float(self.tics(ms)) / self.tics_per_step
        if not np.isfinite(steps) or steps != round(steps):
            raise NESTErrors.BadParameter(
                f"The {what} must be a multiple of the simulation resolution, "
                f"{self.resolution:g} ms; it is {ms:g} ms."
            )
        return round(steps)

    def set_resolution(self, ms: float) -> None:
        """Another step, in whole tics.

        Raises:
            NESTErrors.BadProperty: It is not positive, or no whole number of tics.
        """
        tics = float(ms) * self.tics_per_ms
        if not tics > 0 or abs(tics - round(tics)) > 1e-9 * tics:
            raise NESTErrors.BadProperty(
                f"Resolution must be a positive multiple of the tic length, "
                f"{1 / self.tics_per_ms:g} ms; it is {ms:g} ms."
            )
        self.tics_per_step = round(tics)
