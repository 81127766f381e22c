"""Regularisers: losses that compare a network's activity with no target, and penalties on weights.

Those of a step work with every rule. Those of a whole run need backpropagation through time; each
says what takes its place online. Add them to a loss: `cross_entropy("out") + l1_rate("E", 1e-3)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax
from jax import Array

from spikax.errors import ConfigError
from spikax.units import Hz, ms, mV, to_coherent
from spikax_learning.losses import OfRun, OfStep


@dataclass(frozen=True)
class RateRegulariser(OfRun):
    """See `rate_regulariser`."""

    target: float
    strength: float
    dt: float
    usual = "spike"
    takes_target: ClassVar[bool] = False
    instead = 'running_rate_regulariser("R", target, strength), with a RateReadout R of each neuron'

    def value(self, y: Array, target: Any) -> Array:
        del target
        return self.strength / 2 * ((y.mean(0) / self.dt - self.target) ** 2).sum()


@dataclass(frozen=True)
class RunningRateRegulariser(OfStep):
    """See `running_rate_regulariser`."""

    target: float
    strength: float
    usual = "rate"
    takes_target: ClassVar[bool] = False

    def value(self, y: Array, target: Any) -> Array:
        del target
        return self.strength / 2 * ((y - self.target) ** 2).sum()


@dataclass(frozen=True)
class VoltageRegulariser(OfStep):
    """See `voltage_regulariser`."""

    low: float
    high: float
    strength: float
    usual = "V_m"
    takes_target: ClassVar[bool] = False

    def value(self, y: Array, target: Any) -> Array:
        del target
        beyond = jnp.maximum(y - self.high, 0) + jnp.maximum(self.low - y, 0)
        return self.strength / 2 * (beyond**2).sum()


@dataclass(frozen=True)
class SparsityRegulariser(OfRun):
    """See `sparsity_regulariser`."""

    most: float
    strength: float
    usual = "spike"
    takes_target: ClassVar[bool] = False
    instead = 'l1_rate("E", strength)'

    def value(self, y: Array, target: Any) -> Array:
        del target
        beyond = jnp.maximum(y.sum(0).mean() - self.most, 0)
        small = jnp.minimum(beyond, 1)  # the norm of Huber: x^2 / 2, from 1 on a line
        return self.strength * (small**2 / 2 + beyond - small)


@dataclass(frozen=True)
class SilenceRegulariser(OfRun):
    """See `silence_regulariser`."""

    least: float
    strength: float
    usual = "spike"
    takes_target: ClassVar[bool] = False
    instead = 'running_rate_regulariser("R", target, strength), with a RateReadout R of each neuron'

    def value(self, y: Array, target: Any) -> Array:
        del target
        return self.strength * (jnp.maximum(self.least - y.sum(0), 0) ** 2).mean()


@dataclass(frozen=True)
class L1Rate(OfStep):
    """See `l1_rate`."""

    strength: float
    usual = "spike"
    takes_target: ClassVar[bool] = False

    def value(self, y: Array, target: Any) -> Array:
        del target
        return self.strength * y.sum()


def rate_regulariser(signal: str, target: Any, strength: float, *, dt: Any) -> RateRegulariser:
    """Firing rates near a target, over a whole run (Bellec et al. 2020, Methods).

        E_reg = strength / 2 sum_j (f_j - f*)^2,   f_j = mean_t z_j(t) / dt, in spikes per ms

    Online it becomes `running_rate_regulariser`.

    Args:
        signal: Population, or a path of spikes.
        target: The rate f*, 10*Hz.
        strength: c_reg.
        dt: Time step of the network.
    """
    step = float(to_coherent(dt, ms, "rate_regulariser: dt"))
    return RateRegulariser(signal, _rate(target), _strength(strength), step)


def running_rate_regulariser(signal: str, target: Any, strength: float) -> RunningRateRegulariser:
    """Firing rates near a target, at every step (NEST's online form, with f_av a running average).

        E_reg(t) = strength / 2 sum_j (f_av_j(t) - f*)^2

    The average is one more population of the network, which reads every neuron by itself:

        "R": Population(RateReadout(100*ms), n)
        Projection("E", "R", "input", one_to_one(), weight=1.0)

    Its filter, exp(-dt / tau), is what the e-prop paper calls kappa_reg. A loss of steps: rules
    follow it wherever they can follow the way to R.

    Args:
        signal: Population of a `RateReadout`, or a path of rates in spikes per ms.
        target: The rate f*, 10*Hz.
        strength: c_reg.
    """
    return RunningRateRegulariser(signal, _rate(target), _strength(strength))


def voltage_regulariser(signal: str, low: Any, high: Any, strength: float) -> VoltageRegulariser:
    """Potentials within a range, at every step, as LSNNs are kept from saturating.

        E_reg(t) = strength / 2 sum_j (max(0, V_j - high)^2 + max(0, low - V_j)^2), in mV^2

    Args:
        signal: Population, or the path of a potential.
        low: Lower end of the range.
        high: Upper end of the range.
        strength: Per mV^2.
    """
    ends = [float(to_coherent(v, mV, "voltage_regulariser: range")) for v in (low, high)]
    if ends[0] > ends[1]:
        shown = " to ".join(f"{end:g}" for end in ends)
        raise ConfigError(f"voltage_regulariser: the range from {shown} mV is empty.")
    return VoltageRegulariser(signal, ends[0], ends[1], _strength(strength))


def sparsity_regulariser(signal: str, most: float, strength: float) -> SparsityRegulariser:
    """No more spikes per neuron than `most` in a run, on average over the population.

        E_reg = strength huber(max(0, mean_j n_j - most)),   n_j = sum_t z_j(t)

    With huber(x) = x^2 / 2 up to 1, x - 1/2 beyond: Spyx's `sparsity_reg`. Online, `l1_rate`.

    Args:
        signal: Population, or a path of spikes.
        most: Spikes per neuron and run.
        strength: Factor.
    """
    return SparsityRegulariser(signal, float(most), _strength(strength))


def silence_regulariser(signal: str, least: float, strength: float) -> SilenceRegulariser:
    """At least `least` spikes of every neuron in a run.

        E_reg = strength mean_j max(0, least - n_j)^2,   n_j = sum_t z_j(t)

    Spyx's `silence_reg`. Online, `running_rate_regulariser`.

    Args:
        signal: Population, or a path of spikes.
        least: Spikes per run.
        strength: Factor.
    """
    return SilenceRegulariser(signal, float(least), _strength(strength))


def l1_rate(signal: str, strength: float) -> L1Rate:
    """A price for every spike: strength sum_j z_j(t) in each step.

    Linear in the spikes, so online it is what it is over the whole run.

    Args:
        signal: Population, or a path of spikes.
        strength: Price of one spike.
    """
    return L1Rate(signal, _strength(strength))


def weight_penalty(weights: Any, *, l1: float = 0.0, l2: float = 0.0) -> Array:
    """l1 sum |w| + l2 / 2 sum w^2 over all weights, in coherent units; see `weight_regulariser`."""
    leaves = jax.tree.leaves(weights)
    return sum((l1 * abs(w).sum() + l2 / 2 * (w**2).sum() for w in leaves), start=jnp.zeros(()))


def weight_regulariser(*, l1: float = 0.0, l2: float = 0.0) -> optax.GradientTransformation:
    """The gradient of `weight_penalty`, for `optax.chain` before an optimiser.

    A penalty on weights reads no signal of the network, so it joins the gradients rather than the
    loss, and needs no rule: `optax.chain(weight_regulariser(l2=1e-4), optax.adam(1e-3))`. After an
    optimiser `optax.add_decayed_weights` does what is called decoupled weight decay.

    Args:
        l1: Strength of sum |w|; the derivative at 0 is 0.
        l2: Strength of sum w^2 / 2.
    """

    def update(updates: Any, params: Any) -> Any:
        return jax.tree.map(lambda g, w: g + l1 * jnp.sign(w) + l2 * w, updates, params)

    return optax.stateless(update)


def _rate(value: Any) -> float:
    return float(to_coherent(value, Hz, "target rate"))


def _strength(value: float) -> float:
    if not value >= 0:
        raise ConfigError(f"the strength of a regulariser is {value}; it must be 0 or more.")
    return float(value)
