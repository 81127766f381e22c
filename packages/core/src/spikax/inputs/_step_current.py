"""A current that changes in steps."""

from __future__ import annotations

from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from spikax._fields import param
from spikax._system import Array
from spikax.inputs._table import check_table
from spikax.inputs._waveform import Waveform
from spikax.units import ms, pA, to_coherent


class StepCurrent(Waveform):
    """A current that takes the value `values[k]` from `times[k]` on and is zero before.

    `values` are (K,) for all neurons, or one column (K, N) for each.
    Its signal `current` reaches a neuron's port `current` through a projection without delay and of
    weight 1. `section` takes durations instead of times.
    """

    times: Array = param(
        np.array([0.0]) * ms, at_least=0, steps=True, free=True, doc="times of the changes, sorted"
    )
    values: Array = param(np.array([100.0]) * pA, free=True, doc="current from each time on")

    def validate(self) -> None:
        check_table(self.times, self.values, type(self).__name__, "values")

    @classmethod
    def section(cls, values: Any, durations: Any) -> Self:
        """One piece after the other: `values[k]` for `durations[k]`, zero after the last."""
        ends = np.cumsum(to_coherent(durations, ms, "StepCurrent.section durations"))
        pieces = to_coherent(values, pA, "StepCurrent.section values")
        return cls(np.append(0.0, ends) * ms, np.append(pieces, 0.0) * pA)

    def at(self, time: Array) -> Array:
        passed = jnp.searchsorted(self.times, time, side="right")
        return jnp.where(passed > 0, self.values[jnp.maximum(passed - 1, 0)], 0.0)
