"""Binary neurons that are updated at random times: what differs is what makes one active."""

from __future__ import annotations

from abc import abstractmethod
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


class BinaryNeuron(NestNode):
    """A neuron that is active or not, S = 1 or 0, which a Poisson process of updates decides anew.

    h is the sum of the weights of active sources and of the current, one mV for one pA. What
    a connection transmits is `change`; what a spike recorder shows is `spike`. What arrives at the
    end of a step counts there, currents included. There is one update in a step at most; those
    left over follow in the next ones.
    """

    tau_m: Array = param(10 * ms, above=0, doc="mean time between updates")
    theta: Array = param(0 * mV, doc="threshold of the gain function")
    R: Array = param(1 * GOhm, doc="input for a unit of current")
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

    @abstractmethod
    def decided(self, h: Array, chance: Array) -> Array:
        """The state that an update leads to, at an input; `chance` is a random number in [0, 1)."""

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> BinaryState:
        s = state
        h, due = s.h + inputs["syn"], s.wait <= 0
        S = self.decided(h + self.R * inputs["current"], uniform(s.stream, t, 0, h.dtype))
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


class ChanceNeuron(BinaryNeuron):
    """A binary neuron that an update makes active with a probability."""

    width: Array = param(1.0, above=0, doc="scale of the surrogate gradient, a probability")

    @abstractmethod
    def gain(self, h: Array) -> Array:
        """Probability of the active state."""

    def decided(self, h: Array, chance: Array) -> Array:
        return self.surrogate((self.gain(h) - chance) / self.width)
