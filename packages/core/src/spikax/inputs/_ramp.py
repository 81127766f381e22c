"""A current that rises or falls along a line."""

from __future__ import annotations

import numpy as np

from spikax._fields import param
from spikax._system import Array
from spikax.errors import ConfigError
from spikax.inputs._waveform import Waveform, between
from spikax.units import ms, pA


class Ramp(Waveform):
    """A current on the line from I_start at `start` to I_stop at `stop`, zero before and after.

        I(t) = I_start + (I_stop - I_start) (t - start) / (stop - start)

    Its signal `current` reaches a neuron's port `current` through a projection without delay and of
    weight 1.
    """

    I_start: Array = param(0 * pA, doc="current at the start")
    I_stop: Array = param(100 * pA, doc="current at the end")
    start: Array = param(0 * ms, at_least=0, steps=True, doc="time of the first value")
    stop: Array = param(100 * ms, above=0, steps=True, doc="time of the last value")

    def validate(self) -> None:
        ends = self.start, self.stop
        if all(isinstance(end, np.ndarray) for end in ends) and np.any(self.stop <= self.start):
            raise ConfigError(f"Ramp.start = {ends[0]} ms must be before Ramp.stop = {ends[1]} ms.")

    def at(self, time: Array) -> Array:
        share = (time - self.start) / (self.stop - self.start)
        line = self.I_start + (self.I_stop - self.I_start) * share
        return between(self.start, self.stop, time, line)
