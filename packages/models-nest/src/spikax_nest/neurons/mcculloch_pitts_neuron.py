"""NEST's `mcculloch_pitts_neuron`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import mV
from spikax_nest.neurons._binary import BinaryNeuron


class MccullochPittsNeuron(BinaryNeuron):
    """Binary neuron with a sharp threshold (NEST's `mcculloch_pitts_neuron`).

    In a Poisson process of updates, tau_m apart in the mean, it becomes active (S = 1) where
    h > theta, else inactive (S = 0).

    h is the sum of the weights of active sources and of the current, one mV for one pA; what is
    transmitted and recorded is as for `ginzburg_neuron`.

    Source: McCulloch & Pitts 1943; Hertz, Krogh & Palmer 1991; behaviour as of NEST 3.10.
    """

    width: Array = param(1 * mV, above=0, doc="scale of the surrogate gradient")

    def decided(self, h: Array, chance: Array) -> Array:
        return 1 - self.surrogate((self.theta - h) / self.width)  # at theta it is inactive
