"""What NEST's point neurons share: the threshold, the reset and the refractory clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import SuperSpike, param, static, surrogate_width
from spikax.errors import ConfigError
from spikax.surrogates import Surrogate
from spikax.units import ms, mV
from spikax_nest._node import NestNode

TIC = 1e-3
"""NEST's grain of time in ms: times are rounded to it before they are counted in steps."""


def whole_steps(time: Array, dt: float) -> Array:
    """Steps (int32) of `dt` that a time takes, the last one begun included."""
    return jnp.ceil((time - TIC / 2) / dt).astype(jnp.int32)


def left_after(r: Array, spikes: Array, t_ref: Array, dt: float) -> Array:
    """Steps left of a refractory period: begun by a spike, else counted down to 0."""
    return jnp.where(spikes >= 0.5, whole_steps(t_ref, dt), jnp.maximum(r - 1, 0))


def width_between(high: str, low: str) -> Any:
    """Declare the scale of the surrogate: how far two potentials are apart, 10 mV if not at all."""

    def between(values: Mapping[str, Any]) -> Any:
        return surrogate_width({"V_th": values[high], "V_reset": values[low]})

    return param(between, unit=mV, above=0, doc="scale of the surrogate gradient")


class SpikingNode(NestNode):
    """A neuron whose spikes, 0 or 1, have a surrogate gradient of a width that it declares."""

    width: Array
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the spike")

    @property
    def fires_once(self) -> bool:
        return True

    def spikes(self, excess: Array) -> Array:
        """1 where a potential is not below its threshold: `excess` is the difference."""
        # A division by a parameter would be one per neuron and step; its inverse is taken once.
        return self.surrogate(excess * (1 / self.width))

    def crossed(self, V: Array, r: Array, threshold: Array) -> Array:
        """Spikes (0 or 1) where V is not below a threshold and no refractory step is left."""
        return self.spikes(V - threshold) * (r == 0).astype(V.dtype)

    def refuse_equal(self, *names: str) -> None:
        """Raise if parameters after the first share a value with it, which NEST refuses."""
        first, *others = ((n, getattr(self, n)) for n in names)
        for name, value in others:
            known = isinstance(first[1], np.ndarray) and isinstance(value, np.ndarray)
            if known and np.any(value == first[1]):
                raise ConfigError(
                    f"{type(self).__name__}.{name} has a value that {first[0]} has, too; NEST "
                    "refuses this: let them differ by a millionth."
                )


class NestNeuron(SpikingNode):
    """A point neuron that spikes at V_th, is reset to V_reset, and is then held there for t_ref.

    A model's `update` keeps NEST's order: propagate where `r` is 0, add arrivals, `fire`.
    """

    V_th: Array = param(-55 * mV, doc="spike threshold")
    V_reset: Array = param(-70 * mV, doc="potential after a spike, below the threshold")
    t_ref: Array = param(2 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    width: Array = width_between("V_th", "V_reset")

    def validate(self) -> None:
        V_reset, V_th = self.V_reset, self.V_th
        known = isinstance(V_reset, np.ndarray) and isinstance(V_th, np.ndarray)
        if known and np.any(V_reset >= V_th):
            raise ConfigError(
                f"{type(self).__name__}.V_reset is {np.max(V_reset):g} mV and V_th is "
                f"{np.min(V_th):g} mV; V_reset must be below V_th."
            )

    def fire(
        self, V: Array, r: Array, dt: float, spikes: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Threshold and reset at the end of a step.

        Args:
            V: Potential after the step (mV).
            r: Steps that were left of the refractory period when the step began.
            dt: Time step in ms.
            spikes: Who fires, those at V_th if not given.

        Returns:
            The potential, the spikes and the refractory steps left now.
        """
        spikes = self.crossed(V, r, self.V_th) if spikes is None else spikes
        V = (1 - spikes) * V + spikes * self.V_reset
        return V, spikes, left_after(r, spikes, self.t_ref, dt)
