"""NEST's `ginzburg_neuron`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, SuperSpike, cell, param, spike, static
from spikax.noise import NoisyState, uniform
from spikax.surrogates import Surrogate
from spikax.units import GOhm, ms, mV, pA
from spikax_nest._node import NestNode
from spikax_nest.neurons._escape import drawn_exponential


class BinaryState(NoisyState):
    """Variables of a binary neuron."""

    S: Array = cell(doc="whether it is active")
    h: Array = cell(mV, doc="summed input")
    wait: Array = cell(ms, doc="time to the next update")
    change: Array = cell(doc="1 at a transition to active, -1 at one back")
    spike: Array = spike("2 at a transition to active, 1 at one back, as NEST codes them")


class GinzburgNeuron(NestNode):
    """Binary neuron that is updated at random times (NEST's `ginzburg_neuron`).

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

    tau_m: Array = param(10 * ms, above=0, doc="mean time between updates")
    theta: Array = param(0 * mV, doc="threshold of the gain function")
    c_1: Array = param(0.0 / mV, doc="slope of its linear part")
    c_2: Array = param(1.0, doc="height of its step")
    c_3: Array = param(1.0 / mV, doc="steepness of its step")
    R: Array = param(1 * GOhm, doc="input for a unit of current")
    width: Array = param(1.0, above=0, doc="scale of the surrogate gradient, a probability")
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the decision")
    hidden = (*NestNode.hidden, "R")
    ports = {"syn": Port(mV), "current": Port(pA)}
    recordables = ("S", "h")
    computed = {"S": lambda _: False, "h": lambda _: 0.0}
    sends = "change"
    State = BinaryState

    def init_state(self, size: int, *, key: Any, dt: float) -> BinaryState:
        state = super().init_state(size, key=key, dt=dt)
        return state.replace(
            wait=self.tau_m * drawn_exponential(state.stream, jnp.int32(-1), state.S)
        )

    def gain(self, h: Array) -> Array:
        """Probability of the active state."""
        return self.c_1 * h + self.c_2 * (1 + jnp.tanh(self.c_3 * (h - self.theta))) / 2

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> BinaryState:
        s = state
        h, due = s.h + inputs["syn"], s.wait <= 0
        chance = uniform(s.stream, t, 0, h.dtype)
        S = self.surrogate((self.gain(h + self.R * inputs["current"]) - chance) / self.width)
        S = jnp.where(due, S, s.S)
        change = S - s.S
        next_one = self.tau_m * drawn_exponential(s.stream, t, h, 1)
        return BinaryState(
            stream=s.stream,
            S=S,
            h=h,
            wait=s.wait - dt + jnp.where(due, next_one, 0.0),
            change=change,
            spike=jnp.where(change > 0, 2 * change, -change),
        )
