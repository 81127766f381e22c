"""NEST's `sinusoidal_poisson_generator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell
from spikax.units import Hz
from spikax_nest.devices._poisson import PoissonTrains
from spikax_nest.devices._sinusoid import Sinusoid, SinusoidState


class SinusoidalPoissonGeneratorState(SinusoidState):
    """The two variables of NEST's oscillator, too."""

    y_0: Array = cell(Hz, doc="amplitude times the cosine of the phase")
    y_1: Array = cell(Hz, doc="amplitude times its sine")


class SinusoidalPoissonGenerator(Sinusoid, PoissonTrains):
    """Poisson trains of sinusoidally modulated rate (NEST's `sinusoidal_poisson_generator`).

        r(t) = max(rate + amplitude sin(2 pi frequency t + pi phase / 180), 0)

    The number of spikes in the step of width h that ends at t is Poisson with mean r(t) h, while
    start <= t < stop; the sine runs from t = 0 on, whatever origin and start. Each connection has a
    train of its own, or with individual_spike_trains False all have the same. The numbers carry no
    gradient.

    Source: behaviour as of NEST 3.10.
    """

    computed = {"y_0": lambda values: 0.0, "y_1": lambda values: 0.0}
    State = SinusoidalPoissonGeneratorState

    def is_on(self, t: Array, dtype: Any, dt: float) -> Array:
        return self.active(t.astype(dtype) + 1, dt)

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> SinusoidalPoissonGeneratorState:
        state = super().update(state, inputs, t=t, dt=dt)
        steps, shape = t.astype(state.spike.dtype) + 1, state.spike.shape
        angle = self.angle(steps, dt)
        return state.replace(
            rate=jnp.broadcast_to(jnp.maximum(self.rate_at(steps, dt), 0.0), shape),
            y_0=jnp.broadcast_to(self.amplitude * jnp.cos(angle), shape),
            y_1=jnp.broadcast_to(self.amplitude * jnp.sin(angle), shape),
        )
