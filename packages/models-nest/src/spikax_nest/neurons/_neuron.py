"""What NEST's point neurons share: the threshold, the reset and the refractory clock."""

from __future__ import annotations

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


class NestNeuron(NestNode):
    """A point neuron that spikes at V_th, is reset to V_reset, and is then held there for t_ref.

    A model's `update` keeps NEST's order: propagate where `r` is 0, add arrivals, `fire`.
    """

    V_th: Array = param(-55 * mV, doc="spike threshold")
    V_reset: Array = param(-70 * mV, doc="potential after a spike, below the threshold")
    t_ref: Array = param(2 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    width: Array = param(surrogate_width, unit=mV, above=0, doc="scale of the surrogate gradient")
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the spike")

    def validate(self) -> None:
        V_reset, V_th = self.V_reset, self.V_th
        known = isinstance(V_reset, np.ndarray) and isinstance(V_th, np.ndarray)
        if known and np.any(V_reset >= V_th):
            raise ConfigError(
                f"{type(self).__name__}.V_reset is {np.max(V_reset):g} mV and V_th is "
                f"{np.min(V_th):g} mV; V_reset must be below V_th."
            )

    def fire(self, V: Array, r: Array, dt: float) -> tuple[Array, Array, Array]:
        """Threshold and reset at the end of a step.

        Args:
            V: Potential after the step (mV).
            r: Steps that were left of the refractory period when the step began.
            dt: Time step in ms.

        Returns:
            The potential, the spikes and the refractory steps left now.
        """
        spikes = self.surrogate((V - self.V_th) / self.width) * (r == 0).astype(V.dtype)
        steps = jnp.ceil((self.t_ref - TIC / 2) / dt).astype(jnp.int32)
        left = jnp.where(spikes >= 0.5, steps, jnp.maximum(r - 1, 0))
        return (1 - spikes) * V + spikes * self.V_reset, spikes, left
