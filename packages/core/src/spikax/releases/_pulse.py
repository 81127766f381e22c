"""Pulses of transmitter."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, clock, param
from spikax._neuron import refractory_after
from spikax._state import State
from spikax._system import Array
from spikax.releases._count import first_and_more
from spikax.releases._gate import Gate
from spikax.units import mM, ms


class PulseState(State):
    """A pulse of transmitter and the receptors that it binds to."""

    r: Array = cell(doc="share of the receptors that are bound")
    transmitter: Array = cell(mM, doc="concentration in the cleft")
    left: Array = clock("steps left of the pulse")
    release: Array = cell(doc="what the synapses transmit")


class Pulsed(Gate):
    """A gate that is driven by a rectangular pulse of transmitter after each spike."""

    T: Array = param(1 * mM, above=0, doc="concentration in a pulse")
    duration: Array = param(1 * ms, above=0, steps=True, doc="length of a pulse")

    def pulse(self, s: Any, spikes: Array, dt: float) -> Any:
        """The transmitter after `spikes`: a spike starts a pulse, or starts it anew."""
        first, _ = first_and_more(spikes)
        # A part of a spike (a tangent at 0, a sigmoid) starts no clock: it leaves at the rate that
        # gives it the area of a pulse, so a neuron that does not fire gets the whole gradient.
        kept = jnp.where(s.left == 0, 1 - dt / self.duration, (s.left > 1).astype(s.r.dtype))
        still = s.transmitter * kept
        return s.replace(
            transmitter=still + (self.T - still) * first,
            left=refractory_after(s.left, spikes, self.duration, dt),
        )
