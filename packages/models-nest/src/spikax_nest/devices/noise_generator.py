"""NEST's `noise_generator`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import param
from spikax.errors import ConfigError
from spikax.noise import NoisyState, normal
from spikax.units import Hz, ms, pA
from spikax_nest.devices._stimulator import CurrentDevice, CurrentState


class NoiseGeneratorState(NoisyState, CurrentState):
    """The stream of random numbers and the current."""


class NoiseGenerator(CurrentDevice):
    """A current of Gaussian noise, drawn anew every `dt` (NEST's `noise_generator`).

        I = mean + sqrt(std^2 + std_mod^2 sin(2 pi frequency s + pi phase / 180)) z,  z ~ N(0, 1)

    s is the time of the draw since the step before it became active; each connection has numbers of
    its own.

    Source: behaviour as of NEST 3.10.
    """

    mean: Array = param(0 * pA, doc="mean current")
    std: Array = param(0 * pA, at_least=0, doc="standard deviation")
    std_mod: Array = param(0 * pA, at_least=0, doc="its modulation, at most std")
    phase: Array = param(0.0, doc="phase of the modulation at the start, in degrees")
    frequency: Array = param(0 * Hz, doc="frequency of the modulation")
    dt: Array = param(1 * ms, above=0, doc="time between changes, whole steps")
    computed = {"y_0": lambda values: 0.0, "y_1": lambda values: 0.0}
    on_grid = (*CurrentDevice.on_grid, "dt")
    per_target = True
    State = NoiseGeneratorState

    def validate(self) -> None:
        super().validate()
        known = isinstance(self.std, np.ndarray) and isinstance(self.std_mod, np.ndarray)
        if known and np.any(self.std_mod > self.std):
            raise ConfigError(
                f"NoiseGenerator.std_mod is {np.max(self.std_mod):g} pA and std is "
                f"{np.min(self.std):g} pA; the modulation must not be larger than std."
            )

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> NoiseGeneratorState:
        del inputs
        steps = t.astype(state.current.dtype) + 1
        # A device with start 0 is late: the first step ends at 1.
        age = jnp.minimum(self.since_start(steps, dt), steps - 1)
        z = normal(state.stream, t, dtype=state.current.dtype)
        drawn = self.mean + self.deviation((age + 1) * dt) * z
        I = jnp.where(age % jnp.round(self.dt / dt) == 0, drawn, state.current)
        return state.replace(current=jnp.where(self.active(steps, dt), I, 0.0))

    def current_at(self, steps: Array, dt: float) -> Array:
        del steps, dt
        return self.mean

    def deviation(self, since: Array) -> Array:
        """The standard deviation (pA) at a time (ms)."""
        angle = 2 * math.pi * self.frequency * since + self.phase * (math.pi / 180)
        variance = self.std**2 + self.std_mod**2 * jnp.sin(angle)
        # At 0 the slope of a root is infinite.
        return jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)
