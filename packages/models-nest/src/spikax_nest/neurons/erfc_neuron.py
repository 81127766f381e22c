"""NEST's `erfc_neuron`."""

from __future__ import annotations

import math

import jax
from jax import Array

from spikax import param
from spikax.units import mV
from spikax_nest.neurons._binary import ChanceNeuron


class ErfcNeuron(ChanceNeuron):
    """Binary neuron whose gain is an error function (NEST's `erfc_neuron`).

    In a Poisson process of updates, tau_m apart in the mean, it becomes active (S = 1) with the
    probability g(h), else inactive (S = 0): a threshold with Gaussian noise of width sigma.

        g(h) = erfc((theta - h) / (sqrt(2) sigma)) / 2

    h is the sum of the weights of active sources and of the current, one mV for one pA; what is
    transmitted and recorded is as for `ginzburg_neuron`.

    Source: McCulloch & Pitts 1943; Hertz, Krogh & Palmer 1991; behaviour as of NEST 3.10.
    """

    sigma: Array = param(1 * mV, doc="width of the gain function")

    def gain(self, h: Array) -> Array:
        return jax.scipy.special.erfc((self.theta - h) / (math.sqrt(2) * self.sigma)) / 2
