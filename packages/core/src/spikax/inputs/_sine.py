"""A sinusoidal current."""

from __future__ import annotations

import math

import jax.numpy as jnp

from spikax._fields import param
from spikax._system import Array
from spikax.inputs._spike_times import NEVER
from spikax.inputs._waveform import Waveform, between
from spikax.units import Hz, ms, pA


class Sine(Waveform):
    """A sinusoidal current about an offset, zero before `start` and from `stop` on.

        I(t) = offset + amplitude sin(2 pi frequency (t - start) + phase)

    Its signal `current` reaches a neuron's port `current` through a projection without delay and of
    weight 1.
    """

    amplitude: Array = param(100 * pA, doc="half the distance from trough to peak")
    frequency: Array = param(10 * Hz, at_least=0, doc="cycles per second")
    offset: Array = param(0 * pA, doc="mean over a cycle")
    phase: Array = param(0.0, doc="phase at the start, in radians")
    start: Array = param(0 * ms, at_least=0, steps=True, doc="when it begins")
    stop: Array = param(NEVER * ms, above=0, steps=True, doc="when it ends")

    def at(self, time: Array) -> Array:
        angle = 2 * math.pi * self.frequency * (time - self.start) + self.phase
        return between(self.start, self.stop, time, self.offset + self.amplitude * jnp.sin(angle))
