"""NEST's `siegert_neuron`."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erf, erfc

from spikax import Port, State, cell, param
from spikax.errors import ConfigError
from spikax.integrate import phi1
from spikax.units import ms, mV
from spikax_nest._node import NestNode

# Enough for 1e-11 of both integrals below, whatever their bounds.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
COLOURED = 2.0652531522312172 / 2
"""|zeta(1/2)| / sqrt(2): by how much coloured noise shifts the bounds, Fourcaud & Brunel 2002."""
NEVER = 6
"""Standard deviations below the threshold at which NEST takes the rate to be 0."""


def erfcx(x: Array) -> Array:
    """exp(x^2) erfc(x) for x >= 0, to rounding."""
    near, far = jnp.minimum(x, 5.0), jnp.maximum(x, 5.0)
    rest = far
    for k in range(24, 0, -1):  # Laplace's continued fraction
        rest = far + k / 2 / rest
    return jnp.where(x < 5, jnp.exp(near**2) * erfc(near), 1 / (math.sqrt(math.pi) * rest))


def _mean(values: Array) -> Array:
    """The mean of a function over an interval, from its values at NODES, the first axis."""
    return jnp.tensordot(jnp.asarray(WEIGHTS / 2, values.dtype), values, axes=1)


def _between(low: Array, high: Array) -> Array:
    """Places within intervals, one for each of NODES along a first axis."""
    places = jnp.asarray((NODES + 1) / 2, low.dtype).reshape(-1, *(1,) * jnp.ndim(low))
    return low[None] + (high - low)[None] * places


def siegert_integral(low: Array, high: Array) -> Array:
    """The integral of exp(u^2) (1 + erf u) from `low` to `high`, where high is not too large.

    Below 0 the function is erfcx(-u), which falls as 1 / |u|: its part is taken over the logarithm
    of 1 - u. So neither of the parts is a difference of nearly equal numbers.
    """
    start, end = jnp.log1p(jnp.maximum(-high, 0.0)), jnp.log1p(jnp.maximum(-low, 0.0))
    u = jnp.expm1(_between(start, end))
    below = (end - start) * _mean(erfcx(u) * (1 + u))
    start, end = jnp.maximum(low, 0.0), jnp.maximum(high, 0.0)
    u = _between(start, end)
    return below + (end - start) * _mean(jnp.exp(u**2) * (1 + erf(u)))


class SiegertState(State):
    """Variables of `siegert_neuron`."""

    rate: Array = cell(init="rate", doc="rate in 1 / s")


class SiegertNeuron(NestNode):
    """Mean-field rate of leaky integrate-and-fire neurons (NEST's `siegert_neuron`).

        tau dr/dt = -r + mean + Phi(mu, sigma^2)
        1 / Phi = t_ref + tau_m sqrt(pi) int exp(u^2) (1 + erf u) du
        from (V_reset - mu) / sigma + s to (theta - mu) / sigma + s

    mu and sigma^2 are the sums of what arrives at `drift` and `diffusion`: rates of the sources
    times the factors of `diffusion_connection`. s is 1.03 sqrt(tau_syn / tau_m). Without noise
    Phi is the rate of the neuron with constant input, and 0 up to the threshold; with it, 0 where
    the threshold is 6 sigma above mu or more. Exact where the input is held over a step.

    Source: Siegert 1951, Phys. Rev. 81; Fourcaud & Brunel 2002, Neural Comput. 14, eq. 4.33;
    Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """

    tau: Array = param(1 * ms, above=0, doc="time constant of the rate")
    tau_m: Array = param(5 * ms, above=0, doc="membrane time constant")
    tau_syn: Array = param(0 * ms, at_least=0, doc="time constant of synaptic currents")
    t_ref: Array = param(2 * ms, at_least=0, doc="refractory period")
    mean: Array = param(0.0, doc="rate that is added to the one of the neurons")
    theta: Array = param(15 * mV, doc="threshold above rest")
    V_reset: Array = param(0 * mV, doc="potential after a spike, above rest")
    rate: Array = param(0.0, doc="rate at the start")
    second: Array = param(1000 * ms, doc="in which spikes are counted")
    hidden = (*NestNode.hidden, "second")
    ports = {"drift": Port(mV), "diffusion": Port(mV**2)}
    recordables = ("rate",)
    sends = ""
    couples = {"diffusion": ("rate",)}
    uses_wfr = True
    State = SiegertState

    def validate(self) -> None:
        V_reset, theta = self.V_reset, self.theta
        known = isinstance(V_reset, np.ndarray) and isinstance(theta, np.ndarray)
        if known and np.any(V_reset >= theta):
            raise ConfigError(
                f"SiegertNeuron.V_reset is {np.max(V_reset):g} mV and theta is "
                f"{np.min(theta):g} mV; V_reset must be below theta."
            )

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> SiegertState:
        del t
        x = dt / self.tau
        driven = self.mean + self.phi(inputs["drift"], inputs["diffusion"])
        return SiegertState(rate=jnp.exp(-x) * state.rate + x * phi1(-x) * driven)

    def phi(self, mu: Array, variance: Array) -> Array:
        """The rate for an input of this mean and variance."""
        noisy = variance > 0
        sigma = jnp.sqrt(jnp.where(noisy, variance, jnp.ones_like(variance)))
        reached = self.theta - mu <= NEVER * sigma
        # Where the threshold is never reached: any bounds, of which nothing is used.
        theta = jnp.where(reached, self.theta, mu)
        shift = self._shift()
        low, high = (self.V_reset - self.theta + theta - mu) / sigma, (theta - mu) / sigma
        interval = math.sqrt(math.pi) * siegert_integral(low + shift, high + shift)
        by_noise = jnp.where(reached, self._rate(interval), 0.0)
        return jnp.where(noisy, by_noise, self._without_noise(mu))

    def _without_noise(self, mu: Array) -> Array:
        above = mu > self.theta
        mu = jnp.where(above, mu, 2 * self.theta - self.V_reset)
        interval = jnp.log((mu - self.V_reset) / (mu - self.theta))
        return jnp.where(above, self._rate(interval), 0.0)

    def _rate(self, interval: Array) -> Array:
        return self.second / (self.t_ref + self.tau_m * interval)

    def _shift(self) -> Array:
        coloured = self.tau_syn > 0  # else the root has no derivative
        ratio = jnp.where(coloured, self.tau_syn, self.tau_m) / self.tau_m
        return jnp.where(coloured, COLOURED * jnp.sqrt(ratio), 0.0)
