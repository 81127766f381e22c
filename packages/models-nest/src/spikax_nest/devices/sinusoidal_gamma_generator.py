"""NEST's `sinusoidal_gamma_generator`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.special import gammaincc, gammaln

from spikax import cell, param
from spikax.errors import ConfigError
from spikax.noise import uniform
from spikax_nest.devices._sinusoid import Sinusoid, SinusoidState

FAR = 80.0
"""How far beyond its order the hazard of a gamma process is as good as constant."""


class SinusoidalGammaGeneratorState(SinusoidState):
    """The expected number of steps of the gamma process since the last spike, too."""

    Lambda: Array = cell(doc="order times the integral of the rate since the last spike")


class SinusoidalGammaGenerator(Sinusoid):
    """Gamma trains of sinusoidally modulated rate (NEST's `sinusoidal_gamma_generator`).

        r(t) = rate + amplitude sin(2 pi frequency t + pi phase / 180)
        Lambda = order times the integral of r since the last spike, or the start of the run
        probability of a spike in a step of width h:
            h order r Lambda^(order - 1) exp(-Lambda) / Gamma(order, Lambda)

    One spike in a step at most, start + h < stamp <= stop + h; Lambda and the sine run on whatever
    origin and start. Each connection has a train of its own, or with individual_spike_trains False
    all have the same. The spikes carry no gradient.

    Source: behaviour as of NEST 3.10.
    """

    order: Array = param(1.0, at_least=1, doc="order of the gamma process; 1 is Poisson")
    State = SinusoidalGammaGeneratorState

    def validate(self) -> None:
        super().validate()
        if not all(isinstance(v, np.ndarray) for v in (self.rate, self.amplitude)):
            return
        if np.any((self.amplitude < 0) | (self.amplitude > self.rate)):
            raise ConfigError(
                f"{type(self).__name__}: Rate parameters must fulfill 0 <= amplitude <= rate."
            )

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> SinusoidalGammaGeneratorState:
        del inputs
        now = t.astype(state.spike.dtype)
        rate = self.rate_at(now + 1, dt)
        Lambda = state.Lambda + self.order * self.integral(now, dt)
        probability = lax.stop_gradient(dt * self.order * rate) * hazard(self.order, Lambda)
        drawn = uniform(state.stream, t, dtype=now.dtype) < probability
        spikes = drawn & self.lets_pass(now, dt)
        return state.replace(
            rate=jnp.broadcast_to(rate, spikes.shape),
            Lambda=jnp.where(spikes, 0.0, Lambda),
            spike=spikes.astype(now.dtype),
        )

    def integral(self, steps: Array, dt: float) -> Array:
        """The integral of the rate over the step that begins at number `steps`.

        As in NEST without the sine if it stands still, at frequency 0.
        """
        omega = 2 * math.pi * self.frequency
        moves = omega != 0
        fall = jnp.cos(self.angle(steps, dt)) - jnp.cos(self.angle(steps + 1, dt))
        return self.rate * dt + jnp.where(
            moves, self.amplitude * fall / jnp.where(moves, omega, 1.0), 0.0
        )


def hazard(order: Array, Lambda: Array) -> Array:
    """Lambda^(order - 1) exp(-Lambda) / Gamma(order, Lambda); no gradient flows."""
    order, Lambda = lax.stop_gradient((order, Lambda))
    x = jnp.minimum(Lambda, order + FAR)
    positive = x > 0
    power = jnp.where(positive, (order - 1) * jnp.log(jnp.where(positive, x, 1.0)), -jnp.inf)
    power = jnp.where(order == 1, 0.0, power)
    return jnp.exp(power - x - gammaln(order)) / gammaincc(order, x)
