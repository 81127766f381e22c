"""Gain functions of rate units: each a part of the models that are named after it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax_nest._node import NestNode


class Linear(NestNode):
    """phi(h) = g h; with mult_coupling f_ex = g_ex (theta_ex - X), f_in = g_in (theta_in + X)."""

    g: Array = param(1.0, doc="gain")
    g_ex: Array = param(1.0, doc="factor of positive input")
    g_in: Array = param(1.0, doc="factor of negative input")
    theta_ex: Array = param(0.0, doc="rate at which positive input has no effect")
    theta_in: Array = param(0.0, doc="less the rate at which negative input has no effect")
    is_linear = True

    def gain(self, h: Array) -> Array:
        return self.g * h

    def factors(self, rate: Array) -> tuple[Array, Array]:
        return self.g_ex * (self.theta_ex - rate), self.g_in * (self.theta_in + rate)


class Tanh(NestNode):
    """phi(h) = tanh(g (h - theta))."""

    g: Array = param(1.0, doc="steepness of the gain")
    theta: Array = param(0.0, doc="input that leads to no rate")

    def gain(self, h: Array) -> Array:
        return jnp.tanh(self.g * (h - self.theta))


class ThresholdLinear(NestNode):
    """phi(h) = min(max(g (h - theta), 0), alpha)."""

    g: Array = param(1.0, doc="slope of the gain")
    theta: Array = param(0.0, doc="threshold")
    alpha: Array = param(math.inf, finite=False, doc="largest value of the gain")

    def gain(self, h: Array) -> Array:
        return jnp.minimum(jnp.maximum(self.g * (h - self.theta), 0.0), self.alpha)


class Sigmoid(NestNode):
    """phi(h) = g / (1 + exp(-beta (h - theta)))."""

    g: Array = param(1.0, doc="largest value of the gain")
    beta: Array = param(1.0, doc="steepness of the gain")
    theta: Array = param(0.0, doc="input that leads to half of it")

    def gain(self, h: Array) -> Array:
        return self.g / (1 + jnp.exp(-self.beta * (h - self.theta)))


class SigmoidGg1998(NestNode):
    """phi(h) = (g h)^4 / (0.1^4 + (g h)^4) (Gancarz & Grossberg 1998)."""

    g: Array = param(1.0, doc="factor of the input")

    def gain(self, h: Array) -> Array:
        fourth = (self.g * h) ** 4
        return fourth / (0.1**4 + fourth)


class Gauss(NestNode):
    """phi(h) = g exp(-(h - mu)^2 / (2 sigma^2))."""

    g: Array = param(1.0, doc="largest value of the gain")
    mu: Array = param(0.0, doc="input that leads to it")
    sigma: Array = param(0.0, doc="width of the gain")

    def gain(self, h: Array) -> Array:
        # Of no width it is 0 but at mu, where NEST has NaN.
        wide = self.sigma != 0
        z = (h - self.mu) / jnp.where(wide, self.sigma, 1.0)
        return jnp.where(wide, self.g * jnp.exp(-(z**2) / 2), 0.0)


class NoisyGauss(Gauss):
    """The same of a unit with noise, of which NEST sets mean and std along with mu and sigma."""

    mean: Array = param(0.0, doc="mean input")
    std: Array = param(1.0, at_least=0, doc="amplitude of the noise")
    sigma: Array = param(0.0, at_least=0, doc="width of the gain")
    mean_name, std_name = "mean", "std"

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        pairs = (("mu", "mean"), ("sigma", "std"))
        return {b: values[a] for a, b in pairs if a in given and b not in given}


class Noise(NestNode):
    """Mean and amplitude of the noise under NEST's two names."""

    mu: Array = param(0.0, doc="mean input")
    sigma: Array = param(1.0, at_least=0, doc="amplitude of the noise")
    aliases = {"mean": "mu", "std": "sigma"}
