"""What point neurons share: the current that drives them, refractoriness, spike and reset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax._fields import param, static
from spikax._surrogate import SuperSpike, Surrogate
from spikax._system import Array, Dynamics, Port
from spikax.units import mV, pA

Current: TypeAlias = Callable[[Array, float], Array]
"""`current(V, tau)`: synaptic current (pA) at potential V (mV), `tau` ms into the step."""


class Neuron(Dynamics):
    """A point neuron, driven by a current and by jumps of its potential.

    A model writes `step`; whoever wraps it (a `Cell` with receptors) hands in the current as a
    function of the potential and of the time within the step, so one integrator serves current- and
    conductance-based synapses.
    """

    ports: Mapping[str, Port] = {"current": Port(pA), "delta": Port(mV)}

    @abstractmethod
    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> Any:
        """Propagate under `current`, add `jump` (mV), threshold, reset."""

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        del t
        return self.step(state, lambda V, tau: inputs["current"], inputs["delta"], dt=dt)


def surrogate_width(values: Mapping[str, Any]) -> Any:
    """Scale of the surrogate: |V_th - V_reset|, 10 mV where that is zero."""
    gap = abs(values["V_th"] - values["V_reset"])
    return jnp.where(gap > 0, gap, 10.0) if isinstance(gap, Tracer) else np.where(gap, gap, 10.0)


class Firing(Neuron):
    """A neuron that fires when its potential reaches a threshold and is then reset and held.

    Where a spike is s in {0, 1}, a hard reset is V <- (1 - s) V + s V_reset, a soft one V <- V - s
    (V_th - V_reset). The neuron keeps its potential for the t_ref that follows.
    """

    V_th: Array = param(-50 * mV, doc="threshold")
    V_reset: Array = param(-60 * mV, doc="potential after a spike")
    width: Array = param(surrogate_width, unit=mV, above=0, doc="scale of the surrogate gradient")
    reset: str = static(
        "hard", choices=("hard", "soft"), doc="hard: to V_reset; soft: by V_th - V_reset"
    )
    detach_reset: bool = static(False, choices=(False, True), doc="no gradient through the reset")
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the spike")

    def fire(self, V: Array, active: Array, threshold: Array) -> Array:
        """Spikes (0 or 1): V has reached the threshold in a neuron that is not refractory."""
        return self.surrogate((V - threshold) / self.width) * active.astype(V.dtype)

    def after_reset(self, V: Array, spikes: Array, V_peak: Array) -> Array:
        """The potential after the reset of the neurons that fired."""
        s = jax.lax.stop_gradient(spikes) if self.detach_reset else spikes
        if self.reset == "soft":
            return V - s * (V_peak - self.V_reset)
        return (1 - s) * V + s * self.V_reset


def refractory_after(refractory: Array, spikes: Array, t_ref: Array, dt: float) -> Array:
    """Steps left to be refractory: started by a spike, else counted down to zero."""
    steps = jnp.round(t_ref / dt).astype(jnp.int32)
    return jnp.where(spikes >= 0.5, steps, jnp.maximum(refractory - 1, 0))
