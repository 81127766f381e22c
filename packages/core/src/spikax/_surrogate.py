"""Spikes that can be differentiated: a step forward, a surrogate for its derivative.

The argument x = (V - V_th) / width is dimensionless. A surrogate is a frozen record of plain
numbers, so it is static wherever it stands: another slope is another program.
"""

from __future__ import annotations

import abc
import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from spikax.errors import ConfigError


def heaviside(x: ArrayLike) -> Array:
    """1 where x >= 0, else 0, in the dtype of x."""
    x = jnp.asarray(x)
    return (x >= 0).astype(x.dtype)


def piecewise_linear(x: Array) -> Array:
    """A triangle of height 1 from -1 to 1: max(0, 1 - |x|)."""
    return jnp.maximum(0.0, 1.0 - jnp.abs(x))


def two_sided_exponential(x: Array) -> Array:
    """e^(-|x|)."""
    return jnp.exp(-jnp.abs(x))


def fast_sigmoid_derivative(x: Array) -> Array:
    """1 / (1 + |x|)^2, the derivative of x / (1 + |x|)."""
    return 1.0 / (1.0 + jnp.abs(x)) ** 2


def arctan_derivative(x: Array) -> Array:
    """1 / (1 + x^2)."""
    return 1.0 / (1.0 + x**2)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _spike(surrogate: Surrogate, x: Array) -> Array:
    spikes = heaviside(x)
    if surrogate.support == math.inf:
        return spikes
    return jnp.where(x <= -surrogate.support, jnp.asarray(-0.0, spikes.dtype), spikes)


@_spike.defjvp
def _spike_jvp(
    surrogate: Surrogate, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return _spike(surrogate, x), surrogate.derivative(x) * dx


@dataclasses.dataclass(frozen=True)
class Surrogate(abc.ABC):
    """The spike z = 1 where x >= 0, with `derivative(x)` in place of the missing dz/dx.

    Works in forward and reverse mode; higher derivatives are those of the formula. In a scan, such
    as `simulate` is, that holds for reverse over forward mode and forward over forward alone.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, int | float) and 0.0 < value < math.inf):
                raise ConfigError(
                    f"{type(self).__name__}: {field.name} is {value!r}; "
                    f"expected a plain finite number above 0, such as {field.default!r}"
                )

    @property
    def support(self) -> float:
        """The derivative is exactly zero where |x| is not below it.

        There no spike is written as -0.0, a zero that says so: a backward pass need not ask what
        such a neuron could have sent.
        """
        return math.inf

    @abc.abstractmethod
    def derivative(self, x: Array) -> Array:
        """What stands for dz/dx."""

    def __call__(self, x: ArrayLike) -> Array:
        """Spike, 0 or 1, in the dtype of x."""
        return _spike(self, jnp.asarray(x))


@dataclasses.dataclass(frozen=True)
class SuperSpike(Surrogate):
    """Derivative of the fast sigmoid: height / (1 + beta |x|)^2.

    Source: Zenke & Ganguli 2018 (SuperSpike), section 3.3.2. The tails fall off slowly, so a neuron
    far from threshold learns too.
    """

    beta: float = 10.0
    height: float = 1.0

    def derivative(self, x: Array) -> Array:
        return self.height * fast_sigmoid_derivative(self.beta * x)


@dataclasses.dataclass(frozen=True)
class ATan(Surrogate):
    """Derivative of an arc tangent from 0 to 1: alpha/2 / (1 + (pi/2 alpha x)^2).

    Source: Fang et al. 2021, "Incorporating learnable membrane time constant". Its integral is 1.
    """

    alpha: float = 2.0

    def derivative(self, x: Array) -> Array:
        return self.alpha / 2.0 * arctan_derivative(math.pi / 2.0 * self.alpha * x)


@dataclasses.dataclass(frozen=True)
class Triangular(Surrogate):
    """Triangle around the threshold: height max(0, 1 - |x| / width).

    Source: Bellec et al. 2018 (height 0.3), Bellec et al. 2020. Zero beyond the width.
    """

    height: float = 0.3
    width: float = 1.0

    @property
    def support(self) -> float:
        return self.width

    def derivative(self, x: Array) -> Array:
        return self.height * piecewise_linear(x / self.width)


@dataclasses.dataclass(frozen=True)
class Sigmoid(Surrogate):
    """Derivative of the logistic sigmoid s = 1 / (1 + e^(-slope x)): slope s (1 - s).

    Source: Neftci, Mostafa & Zenke 2019. Its integral is 1.
    """

    slope: float = 4.0

    def derivative(self, x: Array) -> Array:
        s = jax.nn.sigmoid(self.slope * x)
        # 1 - s of a large x would be rounding alone.
        return self.slope * s * jax.nn.sigmoid(-self.slope * x)


@dataclasses.dataclass(frozen=True)
class Boxcar(Surrogate):
    """Rectangle around the threshold: 1 / width where |x| < width / 2, else 0.

    Source: Wu et al. 2018, "Spatio-temporal backpropagation", h1. Its integral is 1.
    """

    width: float = 1.0

    @property
    def support(self) -> float:
        return self.width / 2.0

    def derivative(self, x: Array) -> Array:
        inside = jnp.abs(x) < self.width / 2.0
        return inside.astype(x.dtype) / self.width


@dataclasses.dataclass(frozen=True)
class Gaussian(Surrogate):
    """Normal density of standard deviation sigma: e^(-x^2 / (2 sigma^2)) / (sqrt(2 pi) sigma).

    Source: Wu et al. 2018, "Spatio-temporal backpropagation", h4. Its integral is 1.
    """

    sigma: float = 0.5

    def derivative(self, x: Array) -> Array:
        return _normal(x, 0.0, self.sigma)


@dataclasses.dataclass(frozen=True)
class MultiGaussian(Surrogate):
    """Normal density between two wide negative ones.

    height ((1 + h) N(x; 0, sigma) - h N(x; sigma, s sigma) - h N(x; -sigma, s sigma)), with N the
    normal density of a mean and a standard deviation. Source: Yin, Corradi & Bohte 2021, "Accurate
    and efficient time-domain classification", whose h is 0.15 and s is 6. Its integral is
    height (1 - h).
    """

    sigma: float = 0.5
    h: float = 0.15
    s: float = 6.0
    height: float = 1.0

    def derivative(self, x: Array) -> Array:
        wide = self.s * self.sigma
        sides = _normal(x, self.sigma, wide) + _normal(x, -self.sigma, wide)
        return self.height * ((1.0 + self.h) * _normal(x, 0.0, self.sigma) - self.h * sides)


@dataclasses.dataclass(frozen=True)
class Exponential(Surrogate):
    """Two-sided exponential: height e^(-beta |x|).

    Source: Shrestha & Orchard 2018 (SLAYER); also the "exponential" surrogate of NEST's e-prop
    neurons, where the height is called gamma.
    """

    beta: float = 1.0
    height: float = 1.0

    def derivative(self, x: Array) -> Array:
        return self.height * two_sided_exponential(self.beta * x)


@dataclasses.dataclass(frozen=True)
class Smooth(Surrogate):
    """A graded spike, 1 / (1 + e^(-slope x)), with its own derivative and no surrogate at all.

    A model that spikes by it is smooth, so its gradient can be compared with finite differences.
    """

    slope: float = 4.0

    def derivative(self, x: Array) -> Array:
        return Sigmoid(self.slope).derivative(x)

    def __call__(self, x: ArrayLike) -> Array:
        return jax.nn.sigmoid(self.slope * jnp.asarray(x))


def _normal(x: Array, mean: float, deviation: float) -> Array:
    density = jnp.exp(-(((x - mean) / deviation) ** 2) / 2.0)
    return density / (math.sqrt(2.0 * math.pi) * deviation)
