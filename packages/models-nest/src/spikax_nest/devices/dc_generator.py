"""NEST's `dc_generator`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import pA
from spikax_nest.devices._stimulator import CurrentDevice


class DcGenerator(CurrentDevice):
    """A constant current (NEST's `dc_generator`): I = amplitude while it is active.

    Source: behaviour as of NEST 3.10.
    """

    amplitude: Array = param(0 * pA, doc="current")

    def current_at(self, steps: Array, dt: float) -> Array:
        del steps, dt
        return self.amplitude
