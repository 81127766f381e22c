"""NEST's `step_current_generator`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import ms, pA
from spikax_nest.devices._stimulator import NEVER, TIC, CurrentDevice
from spikax_nest.devices._table import check_increasing, check_table, latest


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
        check_increasing(self, "amplitude_times", dt)

    def current_at(self, steps: Array, dt: float) -> Array:
        return latest(self.amplitude_times, self.amplitude_values, steps * dt + TIC / 2)
