"""Functions of distance and position."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._parameter import Parameter, combined

__all__ = ["exponential", "gabor", "gamma", "gaussian", "gaussian2D"]


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not float(value) > 0:
            raise NESTErrors.BadProperty(f"{name} is {value:g}: {name} > 0 required.")


def exponential(x: Parameter, beta: float = 1.0) -> Parameter:
    """exp(-x / beta)."""
    _positive(beta=beta)
    return combined(lambda x: np.exp(-x / beta), x)


def gaussian(x: Parameter, mean: float = 0.0, std: float = 1.0) -> Parameter:
    """exp(-(x - mean)^2 / (2 std^2))."""
    _positive(std=std)
    return combined(lambda x: np.exp(-((x - mean) ** 2) / (2 * std**2)), x)


def gaussian2D(
    x: Parameter,
    y: Parameter,
    mean_x: float = 0.0,
    mean_y: float = 0.0,
    std_x: float = 1.0,
    std_y: float = 1.0,
    rho: float = 0.0,
) -> Parameter:
    """The bivariate Gaussian with correlation rho, 1 at its mean."""
    _positive(std_x=std_x, std_y=std_y)
    if not -1 < rho < 1:
        raise NESTErrors.BadProperty(f"rho is {rho:g}: -1 < rho < 1 required.")

    def function(x: Any, y: Any) -> Any:
        u, v = (x - mean_x) / std_x, (y - mean_y) / std_y
        return np.exp(-(u**2 + v**2 - 2 * rho * u * v) / (2 * (1 - rho**2)))

    return combined(function, x, y)


def gamma(x: Parameter, kappa: float = 1.0, theta: float = 1.0) -> Parameter:
    """The density of the gamma distribution of shape kappa and scale theta."""
    _positive(kappa=kappa, theta=theta)
    scale = 1 / (math.gamma(kappa) * theta**kappa)
    return combined(lambda x: scale * x ** (kappa - 1) * np.exp(-x / theta), x)


def gabor(
    x: Parameter,
    y: Parameter,
    theta: float = 0.0,
    gamma: float = 1.0,
    std: float = 1.0,
    lam: float = 1.0,
    psi: float = 0.0,
) -> Parameter:
    """The rectified Gabor function of orientation theta and phase psi (in degrees).

    max(cos(2 pi y' / lam + psi), 0) exp(-(gamma^2 x'^2 + y'^2) / (2 std^2)), where x' and y' are x
    and y turned by theta.
    """
    _positive(gamma=gamma, std=std, lam=lam)
    angle, phase = math.radians(theta), math.radians(psi)

    def function(x: Any, y: Any) -> Any:
        u = x * math.cos(angle) + y * math.sin(angle)
        v = -x * math.sin(angle) + y * math.cos(angle)
        wave = np.maximum(np.cos(2 * math.pi * v / lam + phase), 0.0)
        return wave * np.exp(-(gamma**2 * u**2 + v**2) / (2 * std**2))

    return combined(function, x, y)
