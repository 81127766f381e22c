"""NEST's `ginzburg_neuron`."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import mV
from spikax_nest.neurons._binary import ChanceNeuron


class GinzburgNeuron(ChanceNeuron):
    """Binary neuron with a sigmoidal gain (NEST's `ginzburg_neuron`).

    In a Poisson process of updates, tau_m apart in the mean, it becomes active (S = 1) with the
    probability g(h), else inactive (S = 0):

        g(h) = c_1 h + c_2 (1 + tanh(c_3 (h - theta))) / 2

    h is the sum of the weights of active sources and of the current, one mV for one pA. What
    a connection transmits is `change`; what a spike recorder shows is `spike`. What arrives at the
    end of a step counts there, currents included. There is one update in a step at most; those
    left over follow in the next ones.

    Source: Ginzburg & Sompolinsky 1994, Phys. Rev. E 50; Morrison & Diesmann 2007; behaviour as of
    NEST 3.10.
    """

    c_1: Array = param(0.0 / mV, doc="slope of its linear part")
    c_2: Array = param(1.0, doc="height of its step")
    c_3: Array = param(1.0 / mV, doc="steepness of its step")

    def gain(self, h: Array) -> Array:
        return self.c_1 * h + self.c_2 * (1 + jnp.tanh(self.c_3 * (h - self.theta))) / 2
