"""Losses: what a network's signals should be.

A loss is a small frozen record that says which signals it `reads` and is called with them. A loss
of steps gives a number for one step; that of a run is their sum, which is what online rules can
follow. A loss of a whole run needs the whole series at once: backpropagation through time takes it,
online rules refuse it and say which loss of steps does the same. Losses can be added:
`cross_entropy("out") + l1_rate("E", 1e-3)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from spikax.errors import ConfigError, ShapeError
from spikax.units import ms, to_coherent


class Loss(ABC):
    """A scalar of signals and a target.

    Attributes:
        whole_run: Called once, with (steps, neurons); else once for each step, with (neurons,).
        takes_target: A regulariser takes none.
    """

    whole_run: bool
    takes_target: bool

    @property
    @abstractmethod
    def reads(self) -> str | tuple[str, ...]:
        """The path of the signal, "out.y"; of several, each once."""

    @abstractmethod
    def __call__(self, y: Any, target: Any) -> Array:
        """The loss.

        Args:
            y: The signal, coherent units; of several, a tuple in the order of `reads`.
            target: What it is compared with.
        """

    def __add__(self, other: Loss) -> Total:
        return Total((*_parts(self), *_parts(other)))


@dataclass(frozen=True)
class OfSignal(Loss):
    """A loss of one signal.

    Attributes:
        signal: Its path; a population alone stands for the signal that such a loss usually reads.
    """

    signal: str
    usual: ClassVar[str] = "y"
    takes_target: ClassVar[bool] = True  # pyright: ignore[reportIncompatibleVariableOverride]

    @property
    def reads(self) -> str:
        return self.signal if "." in self.signal else f"{self.signal}.{self.usual}"


class OfStep(OfSignal):
    """A loss of each step. A target `(target, weight)` weights it: 0 where nothing is asked for."""

    whole_run: ClassVar[bool] = False  # pyright: ignore[reportIncompatibleVariableOverride]

    def __call__(self, y: Array, target: Any) -> Array:
        if isinstance(target, tuple) and len(target) == 2:
            return self.value(y, target[0]) * jnp.asarray(target[1], y.dtype)
        return self.value(y, target)

    @abstractmethod
    def value(self, y: Array, target: Any) -> Array:
        """The loss of one step, y of shape (neurons,)."""


class OfRun(OfSignal):
    """A loss of a whole run.

    Attributes:
        instead: The loss of steps to use online.
    """

    whole_run: ClassVar[bool] = True  # pyright: ignore[reportIncompatibleVariableOverride]
    instead: ClassVar[str]

    def __call__(self, y: Array, target: Any) -> Array:
        if jnp.ndim(y) != 2:
            raise ConfigError(
                f"{self} is a loss of a whole run, of a series (steps, neurons); it was given the "
                f"shape {jnp.shape(y)}. Backpropagation through time can use it. Online rules see "
                f"one step at a time; for them write {self.instead}."
            )
        return self.value(y, target)

    @abstractmethod
    def value(self, y: Array, target: Any) -> Array:
        """The loss of the run, y of shape (steps, neurons)."""


@dataclass(frozen=True)
class Total(Loss):
    """A sum of losses.

    The target is that of the part that takes one; if several do, a tuple with one for each, in
    their order. With a part of a whole run the sum is of a whole run: the parts of steps are summed
    over the steps, and their targets have a row for each.
    """

    parts: tuple[Loss, ...]

    @property
    def whole_run(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return any(part.whole_run for part in self.parts)

    @property
    def takes_target(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return any(part.takes_target for part in self.parts)

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(path for part in self.parts for path in _paths(part)))

    def __call__(self, y: tuple[Array, ...], target: Any) -> Array:
        signals = dict(zip(self.reads, y, strict=True))
        values = [
            self._part(part, signals, of) for part, of in zip(*self._targets(target), strict=True)
        ]
        return sum(values[1:], start=values[0])

    def _targets(self, target: Any) -> tuple[tuple[Loss, ...], list[Any]]:
        wanted = sum(part.takes_target for part in self.parts)
        if wanted < 2:
            given = [target] * wanted
        elif isinstance(target, tuple) and len(target) == wanted:
            given = list(target)
        else:
            raise ShapeError(
                f"{wanted} parts of the loss compare with a target each; give a tuple of {wanted}."
            )
        rest = iter(given)
        return self.parts, [next(rest) if part.takes_target else None for part in self.parts]

    def _part(self, part: Loss, signals: Mapping[str, Array], target: Any) -> Array:
        y = signals[_paths(part)[0]] if isinstance(part.reads, str) else _several(part, signals)
        if self.whole_run and not part.whole_run:
            return jax.vmap(part)(y, target).sum()
        return part(y, target)


def _several(part: Loss, signals: Mapping[str, Array]) -> tuple[Array, ...]:
    return tuple(signals[path] for path in part.reads)


def _parts(loss: Loss) -> tuple[Loss, ...]:
    if not isinstance(loss, Loss):
        raise ConfigError(f"{loss!r} cannot be added to a loss; make it a subclass of OfSignal.")
    return loss.parts if isinstance(loss, Total) else (loss,)


def _paths(loss: Loss) -> tuple[str, ...]:
    return (loss.reads,) if isinstance(loss.reads, str) else loss.reads


# Of each step.


class CrossEntropy(OfStep):
    """See `cross_entropy`."""

    def value(self, y: Array, target: Any) -> Array:
        return _cross_entropy(self, y, target)


class MSE(OfStep):
    """See `mse`."""

    def value(self, y: Array, target: Any) -> Array:
        return ((y - _alike(self, y, target)) ** 2).mean()


class SquaredError(OfStep):
    """See `squared_error`."""

    def value(self, y: Array, target: Any) -> Array:
        return ((y - _alike(self, y, target)) ** 2).sum() / 2


@dataclass(frozen=True)
class RateMSE(OfStep):
    """See `rate_mse`."""

    dt: float
    usual = "spike"

    def value(self, y: Array, target: Any) -> Array:
        rate = 1000 * y.mean() / self.dt
        return (rate - _alike(self, rate, target)) ** 2


def cross_entropy(signal: str) -> CrossEntropy:
    """Softmax cross-entropy in each step: log sum_k exp(y_k) - y_label.

    Where only some steps ask for an answer, such as the last 150, the target is (label, weight).

    Args:
        signal: Population of a readout, or a path; its values are the logits.

    The target is an integer, or the probability of each class. A label that is no class gives NaN.
    """
    return CrossEntropy(signal)


def mse(signal: str) -> MSE:
    """Mean squared error in each step: mean_k (y_k - y*_k)^2, in coherent units.

    Args:
        signal: Population of a readout, or a path: "E.V_m".
    """
    return MSE(signal)


def squared_error(signal: str) -> SquaredError:
    """Half the squared error in each step: sum_k (y_k - y*_k)^2 / 2.

    The loss of regression in Bellec et al. 2020 and of NEST's e-prop.

    Args:
        signal: Population of a readout, or a path: "E.V_m".
    """
    return SquaredError(signal)


def rate_mse(signal: str, dt: Any) -> RateMSE:
    """Squared error of the population's rate in each step: (mean_j z_j / dt - f*)^2, in Hz.

    The rate of a single step is rough. For a smooth one, feed the population to a `RateReadout`
    with weights 1/N and write `mse("R.rate")`.

    Args:
        signal: Population, or a path of spikes.
        dt: Time step of the network.

    The target is one number for each step, in Hz.
    """
    return RateMSE(signal, _ms(dt, "rate_mse: dt"))


# Of a whole run.


class CountCrossEntropy(OfRun):
    """See `count_cross_entropy`."""

    usual = "spike"
    instead = 'cross_entropy("count.count") of a SpikeCount population that reads the spikes'

    def value(self, y: Array, target: Any) -> Array:
        return _cross_entropy(self, y.sum(0), target)


class CountMSE(OfRun):
    """See `count_mse`."""

    usual = "spike"
    instead = 'mse("count.count") of a SpikeCount population, with weight 0 before the last step'

    def value(self, y: Array, target: Any) -> Array:
        counts = y.sum(0)
        return ((counts - _alike(self, counts, target)) ** 2).mean()


class MaxCrossEntropy(OfRun):
    """See `max_cross_entropy`."""

    instead = 'cross_entropy("out"), in every step or in the last ones'

    def value(self, y: Array, target: Any) -> Array:
        return _cross_entropy(self, y.max(0), target)


class FirstSpikeCrossEntropy(OfRun):
    """See `first_spike_cross_entropy`."""

    usual = "spike"
    instead = 'cross_entropy("out") with weights that are larger in early steps'

    def value(self, y: Array, target: Any) -> Array:
        return _cross_entropy(self, -first_spikes(y), target)


class FirstSpikeMSE(OfRun):
    """See `first_spike_mse`."""

    usual = "spike"
    instead = 'mse("E.spike") with the spikes that are wanted as targets'

    def value(self, y: Array, target: Any) -> Array:
        first = first_spikes(y)
        return ((first - _alike(self, first, target)) ** 2).mean()


@dataclass(frozen=True)
class VanRossum(OfRun):
    """See `van_rossum`."""

    tau: float
    dt: float
    usual = "spike"
    instead = 'mse("out") of a LeakyReadout with the same tau, against the filtered target'

    def value(self, y: Array, target: Any) -> Array:
        kept = jnp.exp(jnp.asarray(-self.dt / self.tau, y.dtype))
        difference = y - _alike(self, y, target)

        def step(f: Array, new: Array) -> tuple[Array, Array]:
            f = kept * f + new
            return f, (f**2).sum()

        last, squares = jax.lax.scan(step, jnp.zeros_like(difference[0]), difference)
        return (1 - kept**2) / 2 * squares.sum() + kept**2 / 2 * (last**2).sum()


def count_cross_entropy(signal: str) -> CountCrossEntropy:
    """Softmax cross-entropy of the spike counts of a whole run, n_k = sum_t z_k(t).

    Args:
        signal: Population with a neuron for each class, or a path of spikes.

    The target of a run is an integer, or the probability of each class.
    """
    return CountCrossEntropy(signal)


def count_mse(signal: str) -> CountMSE:
    """Mean squared error of the spike counts of a whole run: mean_k (n_k - n*_k)^2.

    Args:
        signal: Population, or a path of spikes.
    """
    return CountMSE(signal)


def max_cross_entropy(signal: str) -> MaxCrossEntropy:
    """Softmax cross-entropy of the largest value in a whole run, max_t y_k(t).

    Args:
        signal: Population of a readout, or a path: "out.V_m" for membrane potentials.

    The target of a run is an integer, or the probability of each class.
    """
    return MaxCrossEntropy(signal)


def first_spike_cross_entropy(signal: str) -> FirstSpikeCrossEntropy:
    """Softmax cross-entropy of -t_k, the step of the first spike: who fires first is the answer.

    Times and their derivative as in `first_spikes`.

    Args:
        signal: Population with a neuron for each class, or a path of spikes.

    The target of a run is an integer, or the probability of each class.
    """
    return FirstSpikeCrossEntropy(signal)


def first_spike_mse(signal: str) -> FirstSpikeMSE:
    """Mean squared error of the step of the first spike: mean_k (t_k - t*_k)^2.

    Times and their derivative as in `first_spikes`.

    Args:
        signal: Population, or a path of spikes.
    """
    return FirstSpikeMSE(signal)


def van_rossum(signal: str, tau: Any, dt: Any) -> VanRossum:
    """Distance of spike trains (van Rossum 2001, eq. 2), summed over the neurons.

        D^2 = 1/tau integral_0^inf (f(t) - g(t))^2 dt,   f(t) = sum_k exp(-(t - t_k) / tau)

    Exact for spikes at steps: between two of them f - g decays, and after the last one too. Two
    single spikes that lie d apart have D^2 = 1 - exp(-d / tau); a spike against none has 1/2.

    Args:
        signal: Population, or a path of spikes.
        tau: Time constant of the filter.
        dt: Time step of the network.

    The target of a run is the spikes that are wanted, (steps, neurons).
    """
    return VanRossum(signal, _ms(tau, "van_rossum: tau"), _ms(dt, "van_rossum: dt"))


def first_spikes(spikes: Array) -> Array:
    """The step of each neuron's first spike, counted from 0; without a spike, the last step.

    Linear in the spike at that step, with slope -1, so that a surrogate carries its gradient to the
    potential there: dt_k = -dz_k(t_k). It is the rule of snnTorch's temporal losses; more drive
    brings a spike forward, and brings one about at the end where there is none.

    Args:
        spikes: (steps, neurons).
    """
    when = jnp.where(spikes.any(0), (spikes > 0).argmax(0), len(spikes) - 1)
    there = jnp.take_along_axis(spikes, when[None], axis=0)[0]
    return when.astype(spikes.dtype) + jax.lax.stop_gradient(there) - there


def _cross_entropy(loss: Loss, logits: Array, target: Any) -> Array:
    target = jnp.asarray(target)
    if target.ndim:
        return -(_alike(loss, logits, target) * jax.nn.log_softmax(logits)).sum()
    if not jnp.issubdtype(target.dtype, jnp.integer):
        raise ConfigError(f"{loss} was given a label of {target.dtype}; give an integer.")
    # An index out of range would be taken for the last class.
    known = (target >= 0) & (target < logits.size)
    return jax.nn.logsumexp(logits) - jnp.where(known, logits[target], jnp.nan)


def _alike(loss: Loss, y: Array, target: Any) -> Array:
    if jnp.shape(target) != jnp.shape(y):
        raise ShapeError(
            f"{loss} compares values of shape {jnp.shape(y)} with a target of shape "
            f"{jnp.shape(target)}; they must be the same."
        )
    return jnp.asarray(target, y.dtype)


def _ms(value: Any, where: str) -> float:
    number = float(to_coherent(value, ms, where))
    if number <= 0:
        raise ConfigError(f"{where} is {number:g} ms; it must be above 0.")
    return number
