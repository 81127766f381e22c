"""Distributions of parameters, weights and delays: what a description holds until it is built."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from spikax.errors import ConfigError, ShapeError
from spikax.units import UNITLESS, Quantity, to_coherent

Shape = int | tuple[int, ...]
Convert = Callable[[Any], np.ndarray]

# Below this share of draws within the bounds, redrawing takes more than a thousand rounds.
_RAREST = 1e-3


@dataclass(frozen=True, eq=False, repr=False)
class Distribution(abc.ABC):
    """A law that the build of a network draws one value per neuron or synapse from.

    Opaque to `jax.tree_util`: a leaf of the description. Two are equal if they state one law.
    """

    @abc.abstractmethod
    def sample(self, rng: np.random.Generator, shape: Shape, convert: Convert) -> np.ndarray:
        """Draw values.

        Args:
            rng: The source of random numbers, advanced by the call.
            shape: Of the result.
            convert: Turns a quantity of this distribution into coherent numbers; it knows which
                unit is wanted, and of which parameter, for the error.

        Returns:
            A float64 array in the coherent unit of the quantities.
        """

    def quantiles(self, shares: np.ndarray, convert: Convert) -> np.ndarray:
        """The values that so many shares of all draws, each in (0, 1), do not exceed: float64.

        Raises:
            ConfigError: The quantiles of this law are not known.
        """
        del shares, convert
        raise ConfigError(
            f"{self} has no quantiles here; use Uniform, Normal, LogNormal or Exponential, or one "
            "number"
        )

    def check(self, convert: Convert) -> None:
        """Raise, before anything is drawn, if `convert` refuses an argument."""
        for value in self._stated().values():
            convert(value)

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, float]:
        """The arguments in coherent numbers; raises if they make no law."""
        stated = self._stated()
        unit = getattr(next(iter(stated.values())), "unit", UNITLESS)
        return {
            name: _number(v, unit, f"{type(self).__name__}.{name}") for name, v in stated.items()
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distribution) and self._law() == other._law()

    def __hash__(self) -> int:
        return hash(self._law())

    def __repr__(self) -> str:
        given = (f"{name}={' '.join(str(v).split())}" for name, v in self._stated().items())
        return f"{type(self).__name__}({', '.join(given)})"

    def _stated(self) -> dict[str, Any]:
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in given.items() if value is not None}

    def _law(self) -> tuple[object, ...]:
        unit = getattr(next(iter(self._stated().values())), "unit", UNITLESS)
        return type(self), unit.dim, *self.numbers().items()


def _number(value: Any, unit: Any, where: str) -> float:
    number = np.asarray(to_coherent(value, unit, where))
    if number.size != 1:
        raise ShapeError(f"{where} has shape {number.shape}; give one number")
    if not np.all(np.isfinite(number)):
        raise ConfigError(f"{where} is {value}; give a finite value")
    return float(number.item())


@dataclass(frozen=True, eq=False, repr=False)
class Normal(Distribution):
    """Normal values; what falls outside [low, high] is drawn again."""

    mean: Quantity
    std: Quantity
    low: Quantity | None = None
    high: Quantity | None = None

    def __post_init__(self) -> None:
        _refuse_negative(self, "std")
        _refuse_disorder(self)

    def sample(self, rng: np.random.Generator, shape: Shape, convert: Convert) -> np.ndarray:
        mean, std = float(convert(self.mean)), float(convert(self.std))
        low = -math.inf if self.low is None else float(convert(self.low))
        high = math.inf if self.high is None else float(convert(self.high))
        if _share_between(low, high, mean, std) < _RAREST:
            raise ConfigError(
                f"{self} keeps fewer than one draw in {1 / _RAREST:.0f}; "
                "widen the bounds, or use Uniform(low, high)"
            )
        values = rng.normal(mean, std, shape)
        while np.any(outside := (values < low) | (values > high)):
            values[outside] = rng.normal(mean, std, np.count_nonzero(outside))
        return values

    def quantiles(self, shares: np.ndarray, convert: Convert) -> np.ndarray:
        mean, std = float(convert(self.mean)), float(convert(self.std))
        low = -math.inf if self.low is None else float(convert(self.low))
        high = math.inf if self.high is None else float(convert(self.high))
        if std == 0.0:
            return np.full(shares.shape, mean)
        law = NormalDist(mean, std)
        bottom, top = law.cdf(low), law.cdf(high)
        values = [law.inv_cdf(float(q)) for q in bottom + shares * (top - bottom)]
        return np.clip(values, low, high)


@dataclass(frozen=True, eq=False, repr=False)
class LogNormal(Distribution):
    """Log-normal values of given mean and standard deviation.

    Both are those of the values themselves, not of their logarithm, which is normal with variance
    log(1 + (std/mean)^2) and mean log(mean) less half of that.
    """

    mean: Quantity
    std: Quantity

    def __post_init__(self) -> None:
        _refuse_negative(self, "std")
        if self.numbers()["mean"] <= 0.0:
            raise ConfigError(f"{self}: mean is not above 0, as that of log-normal values is")

    def sample(self, rng: np.random.Generator, shape: Shape, convert: Convert) -> np.ndarray:
        mean, std = float(convert(self.mean)), float(convert(self.std))
        variance = math.log1p((std / mean) ** 2)
        return rng.lognormal(math.log(mean) - variance / 2.0, math.sqrt(variance), shape)

    def quantiles(self, shares: np.ndarray, convert: Convert) -> np.ndarray:
        mean, std = float(convert(self.mean)), float(convert(self.std))
        variance = math.log1p((std / mean) ** 2)
        normal = np.array([NormalDist().inv_cdf(float(q)) for q in shares])
        return np.exp(math.log(mean) - variance / 2.0 + math.sqrt(variance) * normal)


@dataclass(frozen=True, eq=False, repr=False)
class Uniform(Distribution):
    """Values of equal probability from low to high."""

    low: Quantity
    high: Quantity

    def __post_init__(self) -> None:
        _refuse_disorder(self)

    def sample(self, rng: np.random.Generator, shape: Shape, convert: Convert) -> np.ndarray:
        return rng.uniform(float(convert(self.low)), float(convert(self.high)), shape)

    def quantiles(self, shares: np.ndarray, convert: Convert) -> np.ndarray:
        low, high = float(convert(self.low)), float(convert(self.high))
        return low + (high - low) * shares


@dataclass(frozen=True, eq=False, repr=False)
class Exponential(Distribution):
    """Exponential values of mean `scale`."""

    scale: Quantity

    def __post_init__(self) -> None:
        _refuse_negative(self, "scale")

    def sample(self, rng: np.random.Generator, shape: Shape, convert: Convert) -> np.ndarray:
        return rng.exponential(float(convert(self.scale)), shape)

    def quantiles(self, shares: np.ndarray, convert: Convert) -> np.ndarray:
        return -float(convert(self.scale)) * np.log1p(-shares)


@dataclass(frozen=True, eq=False, repr=False)
class Each(Distribution):
    """The law of a constant, for a value of its own at every synapse: see `each`."""

    value: Quantity

    def sample(self, rng: np.random.Generator, shape: Shape, convert: Convert) -> np.ndarray:
        return np.full(shape, float(convert(self.value)))


def each(value: Quantity | Distribution) -> Distribution:
    """Store `value` once per synapse, so that every synapse can be trained on its own.

    A plain constant is stored as one number and has one gradient. A distribution is stored per
    synapse in any case, and returned as it is.
    """
    return value if isinstance(value, Distribution) else Each(value)


def _refuse_negative(law: Distribution, name: str) -> None:
    if law.numbers()[name] < 0.0:
        raise ConfigError(f"{law}: {name} is below 0; give 0 or more")


def _refuse_disorder(law: Distribution) -> None:
    numbers = law.numbers()
    if numbers.get("low", -math.inf) > numbers.get("high", math.inf):
        raise ConfigError(f"{law}: low is above high; swap them")


def _share_between(low: float, high: float, mean: float, std: float) -> float:
    if std == 0.0:
        return float(low <= mean <= high)
    below_high, below_low = (math.erf((x - mean) / std / math.sqrt(2.0)) for x in (high, low))
    return (below_high - below_low) / 2.0
