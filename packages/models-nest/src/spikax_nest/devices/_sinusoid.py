"""What NEST's generators of a sinusoidally modulated rate share."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.units import Hz
from spikax_nest.devices._poisson import RandomTrainState
from spikax_nest.devices._stimulator import Stimulator


class SinusoidState(RandomTrainState):
    """The rate, too."""

    rate: Array = cell(Hz, doc="rate at the end of the step")


class Sinusoid(Stimulator):
    """Trains of the rate r(t) = rate + amplitude sin(2 pi frequency t + pi phase / 180)."""

    rate: Array = param(0 * Hz, doc="mean rate")
    amplitude: Array = param(0 * Hz, doc="half the distance from the lowest to the highest rate")
    frequency: Array = param(0 * Hz, doc="cycles per second")
    phase: Array = param(0.0, doc="phase at t = 0, in degrees")
    individual_spike_trains: Array = param(1.0, doc="whether each connection has its own train")
    types = {"individual_spike_trains": bool}
    model_only = ("individual_spike_trains",)
    per_target = "individual_spike_trains"
    recordables = ("rate",)

    def angle(self, steps: Array, dt: float) -> Array:
        """The phase at the end of step number `steps`."""
        return 2 * math.pi * self.frequency * (steps * dt) + self.phase * (math.pi / 180)

    def rate_at(self, steps: Array, dt: float) -> Array:
        """The rate at the end of step number `steps`."""
        return self.rate + self.amplitude * jnp.sin(self.angle(steps, dt))
