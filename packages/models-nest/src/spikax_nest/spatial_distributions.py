"""Functions of distances: profiles for probabilities and weights, of height 1 save for gamma."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._parameter import Parameter, mapped

__all__ = ["exponential", "gabor", "gamma", "gaussian", "gaussian2D"]


def exponential(x: Parameter, beta: float = 1.0) -> Parameter:
    """exp(-x / beta)."""
    _positive("exponential distribution parameter", beta=beta)
    return _profile(lambda x: np.exp(-x / beta), x)


def gaussian(x: Parameter, mean: float = 0.0, std: float = 1.0) -> Parameter:
    """exp(-(x - mean)^2 / (2 std^2))."""
    _positive("gaussian distribution parameter", std=std)
    return _profile(lambda x: np.exp(-0.5 * ((x - mean) / std) ** 2), x)


def gaussian2D(
    x: Parameter,
    y: Parameter,
    mean_x: float = 0.0,
    mean_y: float = 0.0,
    std_x: float = 1.0,
    std_y: float = 1.0,
    rho: float = 0.0,
) -> Parameter:
    """exp(-(u^2 + v^2 - 2 rho u v) / (2 (1 - rho^2))), u = (x - mean_x) / std_x, v likewise."""
    _positive("gaussian2d distribution parameter", std_x=std_x, std_y=std_y)
    if not -1 < rho < 1:
        raise NESTErrors.BadProperty(
            f"-1 < rho < 1 required for gaussian2d distribution parameter, got rho={rho:g}."
        )

    def profile(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = (x - mean_x) / std_x, (y - mean_y) / std_y
        return np.exp(-(u**2 + v**2 - 2 * rho * u * v) / (2 * (1 - rho**2)))

    return _profile(profile, x, y)


def gamma(x: Parameter, kappa: float = 1.0, theta: float = 1.0) -> Parameter:
    """The density of the gamma distribution, x^(kappa-1) exp(-x/theta) / (G(kappa) theta^kappa)."""
    _positive("gamma distribution parameter", kappa=kappa, theta=theta)
    height = 1.0 / (math.gamma(kappa) * theta**kappa)
    return _profile(lambda x: height * np.power(x, kappa - 1) * np.exp(-x / theta), x)


def gabor(
    x: Parameter,
    y: Parameter,
    theta: float = 0.0,
    gamma: float = 1.0,
    std: float = 1.0,
    lam: float = 1.0,
    psi: float = 0.0,
) -> Parameter:
    """max(0, cos(2 pi v / lam + psi)) exp(-(gamma^2 u^2 + v^2) / (2 std^2)).

    u, v are x, y turned by theta; theta and psi are in degrees.
    """
    _positive("gabor function parameter", std=std, gamma=gamma)
    cos, sin, phase = (*_cos_sin(theta), math.radians(psi))

    def profile(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        u, v = x * cos + y * sin, y * cos - x * sin
        wave = np.maximum(0.0, np.cos(2 * np.pi * v / lam + phase))
        return wave * np.exp(-((gamma * u) ** 2 + v**2) / (2 * std**2))

    return _profile(profile, x, y)


def _cos_sin(degrees: float) -> tuple[float, float]:
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def _positive(what: str, **given: Any) -> None:
    for name, value in given.items():
        if not isinstance(value, (int, float)):
            raise NESTErrors.TypeMismatch(f"{name} is {value!r}; it must be a number.")
        if value <= 0:
            raise NESTErrors.BadProperty(f"{name} > 0 required for {what}, got {name}={value:g}.")


def _profile(function: Any, *parameters: Any) -> Parameter:
    for parameter in parameters:
        if not isinstance(parameter, Parameter):
            raise NESTErrors.TypeMismatch(
                f"{parameter!r} is no Parameter, such as nest.spatial.distance."
            )
    return mapped(function, *parameters)
