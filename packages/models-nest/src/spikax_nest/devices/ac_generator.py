"""NEST's `ac_generator`."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import Hz, pA
from spikax_nest.devices._stimulator import CurrentDevice


class AcGenerator(CurrentDevice):
    """A sinusoidal current (NEST's `ac_generator`).

        I(t) = offset + amplitude sin(2 pi frequency t + pi phase / 180)

    It oscillates from t = 0 on, whatever origin and start, and sends while it is active.

    Source: behaviour as of NEST 3.10.
    """

    amplitude: Array = param(0 * pA, doc="half the distance from trough to peak")
    offset: Array = param(0 * pA, doc="mean over a cycle")
    phase: Array = param(0.0, doc="phase at t = 0, in degrees")
    frequency: Array = param(0 * Hz, doc="cycles per second")
    computed = {"y_0": lambda values: 0.0, "y_1": lambda values: 0.0}

    def current_at(self, steps: Array, dt: float) -> Array:
        angle = 2 * math.pi * self.frequency * (steps * dt) + self.phase * (math.pi / 180)
        return self.offset + self.amplitude * jnp.sin(angle)
