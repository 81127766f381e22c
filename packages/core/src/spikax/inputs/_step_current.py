"""A current that changes in steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikax._fields import cell, param
from spikax._state import State
from spikax._system import Array, Dynamics
from spikax.errors import ConfigError, ShapeError
from spikax.units import ms, pA


class StepCurrentState(State):
    """The current of the last step."""

    current: Array = cell(pA, doc="current")


class StepCurrent(Dynamics):
    """A current that takes the value `values[k]` from `times[k]` on and is zero before.

    Its signal `current` reaches a neuron's port `current` through a projection without delay and of
    weight 1.
    """

    times: Array = param(
        [0.0] * ms, at_least=0, steps=True, free=True, doc="times of the changes, sorted"
    )
    values: Array = param([100.0] * pA, free=True, doc="current from each time on")
    State = StepCurrentState

    def validate(self) -> None:
        if np.shape(self.times) != np.shape(self.values):
            raise ShapeError(
                f"StepCurrent has times of shape {np.shape(self.times)} and values of shape "
                f"{np.shape(self.values)}; give one value for each time."
            )
        if np.ndim(self.times) != 1:
            raise ShapeError(
                f"StepCurrent.times has shape {np.shape(self.times)}; give a list of times."
            )
        if isinstance(self.times, np.ndarray) and np.any(np.diff(self.times) < 0):
            raise ConfigError("StepCurrent.times must be sorted, with the values in their order.")

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> StepCurrentState:
        del inputs
        passed = jnp.searchsorted(self.times, (t.astype(self.times.dtype) + 0.5) * dt, side="right")
        value = jnp.where(passed > 0, self.values[jnp.maximum(passed - 1, 0)], 0.0)
        return StepCurrentState(current=jnp.broadcast_to(value, state.current.shape))
