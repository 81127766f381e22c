"""What reads a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.units import Hz, ms

__all__ = ["LeakyReadout", "RateReadout", "SpikeCount"]


class LeakyReadoutState(State):
    """The output."""

    y: Array = cell(doc="output")


class LeakyReadout(Dynamics):
    """A leaky sum of spikes: y(t + dt) = exp(-dt / tau) y(t) + x (Bellec et al. 2020, eq. 11).

    Weights into its port `input` are plain numbers.
    """

    tau: Array = param(20 * ms, above=0, doc="time constant")
    ports: Mapping[str, Port] = {"input": Port()}
    State = LeakyReadoutState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> LeakyReadoutState:
        del t
        return LeakyReadoutState(y=jnp.exp(-dt / self.tau) * state.y + inputs["input"])


class RateReadoutState(State):
    """The estimate."""

    rate: Array = cell(Hz, doc="filtered rate")


class RateReadout(Dynamics):
    """The rate of what arrives, filtered by an exponential (Dayan & Abbott 2001, sec. 1.2).

        rate(t + dt) = exp(-dt / tau) rate(t) + x / tau

    The solution of rate' = -rate / tau + x / tau for spikes x at the end of a step. Weights into
    its port `input` are plain numbers; 1/N for the mean of N neurons.
    """

    tau: Array = param(100 * ms, above=0, doc="time constant")
    ports: Mapping[str, Port] = {"input": Port()}
    State = RateReadoutState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> RateReadoutState:
        del t
        kept = jnp.exp(-dt / self.tau) * state.rate
        return RateReadoutState(rate=kept + inputs["input"] / self.tau)


class SpikeCountState(State):
    """The sum."""

    count: Array = cell(doc="what has arrived so far")


class SpikeCount(Dynamics):
    """The spikes that arrived since the beginning, weighted: count(t + dt) = count(t) + x.

    For losses on counts. Weights into its port `input` are plain numbers.
    """

    ports: Mapping[str, Port] = {"input": Port()}
    State = SpikeCountState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> SpikeCountState:
        del t, dt
        return SpikeCountState(count=state.count + inputs["input"])
