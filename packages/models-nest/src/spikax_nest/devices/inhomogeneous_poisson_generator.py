"""NEST's `inhomogeneous_poisson_generator`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from jax import Array

from spikax import param
from spikax.errors import ConfigError
from spikax.units import Hz, ms
from spikax_nest.devices._poisson import PoissonTrains
from spikax_nest.devices._stimulator import NEVER, TIC
from spikax_nest.devices._table import check_increasing, check_table, latest, on_grid


class InhomogeneousPoissonGenerator(PoissonTrains):
    """Poisson trains whose rate changes in steps (NEST's `inhomogeneous_poisson_generator`).

    The rate is rate_values[k] in the steps that end at rate_times[k] or later, whatever origin and
    start; 0 before the first, and where it is negative. Times increase; off the grid, where that is
    allowed, they are rounded up. One train for each connection, start + h < stamp <= stop + h. The
    numbers carry no gradient.

    Source: behaviour as of NEST 3.10.
    """

    rate_times: Array = param([] * ms, free=True, above=0, doc="times of the changes")
    rate_values: Array = param([] * Hz, free=True, doc="rate from each time on")
    allow_offgrid_times: Array = param(0.0, doc="whether times may lie off the grid")
    types = {"allow_offgrid_times": bool}
    pads = {"rate_times": NEVER, "rate_values": 0.0}

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        times = np.asarray(values["rate_times"], np.float64)
        if ("rate_times" in given) != ("rate_values" in given):
            raise ConfigError("Rate times and values must be reset together.")
        if "rate_times" not in given:
            if times.size and "allow_offgrid_times" in given:
                raise ConfigError(
                    "Option can only be set together with rate times or if no rate times have been "
                    "set."
                )
            return {}
        if times.size != np.size(values["rate_values"]):
            raise ConfigError("Rate times and values have to be the same size.")
        if np.any(times < now + TIC / 2):
            raise ConfigError("Time points must lie strictly in the future.")
        steps = on_grid(times, dt, bool(values["allow_offgrid_times"]))
        if np.any(np.diff(steps) <= 0):
            raise ConfigError("Rate times must be strictly increasing.")
        return {"rate_times": steps * dt}

    def validate(self) -> None:
        super().validate()
        check_table(self, "rate_times", "rate_values")

    def check(self, dt: float) -> None:
        super().check(dt)
        check_increasing(self, "rate_times", dt)

    def rate_at(self, steps: Array, dt: float) -> Array:
        return latest(self.rate_times, self.rate_values, steps * dt + TIC / 2)
