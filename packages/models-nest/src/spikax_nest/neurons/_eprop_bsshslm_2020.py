"""What NEST's e-prop neurons of Bellec et al. 2020 share: updates at fixed intervals.

An interval begins `shift` steps after a multiple of the update interval: what a generator sends in
its first step arrives then.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.units import ms
from spikax_nest.neurons._eprop import EpropMembrane, EpropNeuron, EpropState
from spikax_nest.neurons._neuron import left_after


class Interval(EpropMembrane):
    """A neuron that is reset when an update interval ends."""

    shift: ClassVar[int]
    """Steps by which its intervals are late."""
    regular_spike_arrival: Array = param(1.0, doc="whether spikes arrive at the end of a step")
    update_interval: Array = param(1000 * ms, above=0, doc="interval of the updates")
    learning_window: Array = param(1000 * ms, above=0, doc="last part of it, in which errors count")
    resets: Array = param(1.0, doc="whether the end of an interval resets the neuron")
    types = {"regular_spike_arrival": bool}
    hidden = ("width", "surrogate", "update_interval", "learning_window", "resets")
    settings = {
        "update_interval": "eprop_update_interval",
        "learning_window": "eprop_learning_window",
        "resets": "eprop_reset_neurons_on_update",
    }

    def jump(self, dt: float) -> Any:
        held = -jnp.expm1(-dt / self.tau_m)
        return jnp.where(self.regular_spike_arrival != 0, 1.0, held)

    def place(self, t: Array, dt: float, late: int = 0) -> Array:
        """The step of its interval that step t is."""
        # As in NEST what is before the first interval has a negative place.
        return jnp.fmod(jnp.asarray(t - self.shift - late, float), self.steps(dt))

    def steps(self, dt: float) -> Array:
        """Steps of an interval."""
        return jnp.round(self.update_interval / dt)


class IntervalState(EpropState):
    """Variables of a neuron whose rate is regularised at the end of an interval."""

    spikes: Array = cell(kind="trace", doc="spikes in this interval")
    rate_due: Array = cell(doc="regularisation of the last interval")


class IntervalNeuron(Interval, EpropNeuron):
    """A spiking neuron of Bellec et al. 2020, whose V is lowered in the step after a spike."""

    shift = 2
    types = {"regular_spike_arrival": bool}
    State = IntervalState

    def kept(self, s: Any, t: Array, dt: float) -> Any:
        """The variables at the start of a step: reset if an interval begins."""
        begins = (self.place(t, dt) == 0) & (self.resets != 0)
        V = jnp.where(begins, self.E_L, s.V_m)
        spike = jnp.where(begins, 0.0, s.spike)
        return s.replace(V_m=V, spike=spike, r=jnp.where(begins, 0, s.r))

    def fired(self, s: Any, inputs: Any, threshold: Any, t: Array, dt: float) -> dict[str, Array]:
        """The variables after a step."""
        r = jnp.maximum(s.r - 1, 0)
        V = self.moved(s, inputs["syn"], dt, s.spike * (self.V_th - self.E_L))
        psi, spikes = self.psi(V, r, threshold), self.crossed(V, r, threshold)
        return (
            {
                "V_m": V,
                "spike": spikes,
                "r": left_after(r + 1, spikes, self.t_ref, dt),
            }
            | self.counted(s, spikes, t, dt)
            | self.heard(s, inputs, psi)
        )

    def counted(self, s: Any, spikes: Array, t: Array, dt: float) -> dict[str, Array]:
        """The spikes of this interval, and at its end what they mean for the rate."""
        steps, count = self.steps(dt), s.spikes + spikes
        ends = self.place(t, dt) == steps - 1
        error = self.c_reg * (count / steps - self.f_target * dt) / steps
        return {
            "spikes": jnp.where(ends, 0.0, count),
            "rate_due": jnp.where(ends, error, s.rate_due),
        }
