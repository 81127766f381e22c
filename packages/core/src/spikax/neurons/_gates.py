"""Gates of ion channels, and the sodium and potassium channels that they make."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import jax.numpy as jnp

from spikax._component import Component
from spikax._fields import param
from spikax._integrate import phi1
from spikax._neuron import Crossing
from spikax._system import Array
from spikax.units import UNITLESS, ms, mV


class GateRate(Component):
    """A rate of opening or closing, a function of the potential with x = (V - V_half) / slope."""

    rate: Array = param(unit=UNITLESS / ms, above=0, doc="scale of the rate")
    V_half: Array = param(unit=mV, doc="potential where x is zero")
    slope: Array = param(unit=mV, doc="potential for one unit of x")

    def __call__(self, V: Array) -> Array:
        """The rate (1/ms) at potential V (mV)."""
        return self.rate * self.shape((V - self.V_half) / self.slope)

    @abstractmethod
    def shape(self, x: Array) -> Array:
        """The rate in units of `rate`."""


class ExpRate(GateRate):
    """rate exp(x)."""

    def shape(self, x: Array) -> Array:
        return jnp.exp(x)


class SigmoidRate(GateRate):
    """rate / (1 + exp(-x))."""

    def shape(self, x: Array) -> Array:
        return 1 / (1 + jnp.exp(-x))


class LinoidRate(GateRate):
    """rate x / (1 - exp(-x)), which is rate at x = 0."""

    def shape(self, x: Array) -> Array:
        return 1 / phi1(-x)


class Gate(NamedTuple):
    """A gate that opens at one rate and closes at another."""

    opening: GateRate
    closing: GateRate

    def steady(self, V: Array) -> Array:
        """The part that is open after a long time at V."""
        rate = self.opening(V)
        return rate / (rate + self.closing(V))

    def slope(self, V: Array, x: Array) -> Array:
        """Rate of change (1/ms) of the part x that is open."""
        return self.opening(V) * (1 - x) - self.closing(V) * x


class SodiumPotassium(Crossing):
    """Channels of the squid axon and its kin: sodium by m^3 h, potassium by n^4, a leak."""

    g_Na: Array
    g_K: Array
    g_L: Array
    E_Na: Array
    E_K: Array
    E_L: Array
    alpha_m: GateRate
    beta_m: GateRate
    alpha_h: GateRate
    beta_h: GateRate
    alpha_n: GateRate
    beta_n: GateRate

    def _gates(self) -> tuple[Gate, Gate, Gate]:
        return (
            Gate(self.alpha_m, self.beta_m),
            Gate(self.alpha_h, self.beta_h),
            Gate(self.alpha_n, self.beta_n),
        )

    def _channels(self, V: Array, m: Array, h: Array, n: Array) -> Array:
        sodium = self.g_Na * m**3 * h * (self.E_Na - V)
        return sodium + self.g_K * n**4 * (self.E_K - V) + self.g_L * (self.E_L - V)
