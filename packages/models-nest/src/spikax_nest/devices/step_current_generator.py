"""NEST's `step_current_generator`."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import param
from spikax.errors import ConfigError
from spikax.units import ms, pA
from spikax_nest.devices._stimulator import NEVER, TIC, CurrentDevice, check_grid
from spikax_nest.devices._table import check_table, column, passed


class StepCurrentGenerator(CurrentDevice):
    """A current that changes in steps (NEST's `step_current_generator`).

    I = amplitude_values[k] from origin-independent time amplitude_times[k] on, 0 before the first.
    Times are above 0 and increase; off the grid, where that is allowed, they are rounded up.

    Source: behaviour as of NEST 3.10.
    """

    amplitude_times: Array = param([] * ms, free=True, above=0, doc="times of the changes")
    amplitude_values: Array = param([] * pA, free=True, doc="current from each time on")
    allow_offgrid_times: Array = param(0.0, doc="whether times may lie off the grid")
    types = {"allow_offgrid_times": bool}
    pads = {"amplitude_times": NEVER, "amplitude_values": 0.0}

    def validate(self) -> None:
        super().validate()
        check_table(self, "amplitude_times", "amplitude_values")

    def check(self, dt: float) -> None:
        super().check(dt)
        where = f"{type(self).__name__}.amplitude_times"
        if isinstance(self.amplitude_times, np.ndarray):
            free = np.broadcast_to(self.allow_offgrid_times, self.amplitude_times.shape) != 0
            check_grid(np.where(free, NEVER, self.amplitude_times), dt, where)
            steps = np.ceil((self.amplitude_times - TIC / 2) / dt)
            if np.any((np.diff(steps, axis=0) <= 0) & (self.amplitude_times[1:] < NEVER)):
                raise ConfigError(f"{where} must be at strictly increasing time steps.")

    def current_at(self, steps: Array, dt: float) -> Array:
        if not np.shape(self.amplitude_times)[0]:
            return jnp.zeros((), steps.dtype)
        k = passed(self.amplitude_times, steps * dt + TIC / 2)
        value = column(self.amplitude_values, jnp.maximum(k - 1, 0))
        return jnp.where(k > 0, value, 0.0)
