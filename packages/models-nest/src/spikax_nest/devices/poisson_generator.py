"""NEST's `poisson_generator`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import Hz
from spikax_nest.devices._poisson import PoissonTrains


class PoissonGenerator(PoissonTrains):
    """Poisson spike trains, one for each connection (NEST's `poisson_generator`).

    The number of spikes in a step of width h is Poisson with mean rate h. A step later than other
    devices: start + h < stamp <= stop + h. The numbers carry no gradient.

    Source: behaviour as of NEST 3.10.
    """

    rate: Array = param(0 * Hz, at_least=0, doc="mean rate")

    def rate_at(self, steps: Array, dt: float) -> Array:
        del steps, dt
        return self.rate
