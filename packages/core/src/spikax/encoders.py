"""What turns values into spikes, step by step: x comes in by a port, `inputs={"enc.x": values}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from spikax._fields import cell, param, spike
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.inputs._poisson import PoissonProcess
from spikax.units import Hz, ms

__all__ = ["DeltaEncoder", "LatencyEncoder", "PopulationEncoder", "RateEncoder"]


class RateEncoder(PoissonProcess):
    """Poisson spikes at a rate in proportion to x (Eshraghian et al. 2023).

        rate = max_rate x, with x cut to [0, 1]

    The spikes carry no gradient.
    """

    max_rate: Array = param(100 * Hz, at_least=0, doc="rate at x = 1")
    ports: Mapping[str, Port] = {"x": Port()}

    def response(self, x: Array) -> Array:
        """Share of the highest rate."""
        return jnp.clip(x, 0.0, 1.0)

    def rate_at(self, time: Array, inputs: Mapping[str, Array]) -> Array:
        del time
        return self.max_rate * self.response(inputs["x"])

    def highest_rate(self) -> Any:
        return self.max_rate


class PopulationEncoder(RateEncoder):
    """Poisson spikes of neurons that each prefer a value of x (Dayan & Abbott 2001, sec. 1.2).

        rate = max_rate exp(-(x - centre)^2 / (2 width^2))

    A column (T, 1) shows one x to all neurons; `evenly` spreads their centres. The spikes carry no
    gradient.
    """

    centre: Array = param(0.5, doc="the x that the neuron prefers")
    width: Array = param(0.1, above=0, doc="width of the tuning")

    @classmethod
    def evenly(cls, low: float, high: float, size: int, **parameters: Any) -> Self:
        """Neurons with centres from `low` to `high`, as wide as these are apart."""
        width = (high - low) / (size - 1)
        return cls(**{"centre": np.linspace(low, high, size), "width": width} | parameters)

    def response(self, x: Array) -> Array:
        return jnp.exp(-0.5 * ((x - self.centre) / self.width) ** 2)


class LatencyState(State):
    """Variables of a latency code."""

    charge: Array = cell(doc="how far x has charged the neuron")
    spike: Array = spike()


class LatencyEncoder(Dynamics):
    """One spike after each rise of x above theta, the earlier the larger x is.

    While x > theta a charge follows it from zero, and there is a spike where it reaches theta,

        tau d charge/dt = x - charge,  latency = tau ln(x / (x - theta))

    for a constant x (Eshraghian et al. 2023), rounded up to the grid. The charge is lost when x
    falls to theta or below. The spike carries no gradient.
    """

    tau: Array = param(20 * ms, above=0, doc="time constant")
    theta: Array = param(0.2, above=0, doc="threshold; a smaller x is silent")
    ports: Mapping[str, Port] = {"x": Port()}
    State = LatencyState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> LatencyState:
        del t
        x = inputs["x"]
        charged = x + (state.charge - x) * jnp.exp(-dt / self.tau)
        charge = jnp.where(x > self.theta, charged, 0.0)
        fires = (state.charge < self.theta) & (charge >= self.theta)
        return LatencyState(charge=charge, spike=fires.astype(charge.dtype))


class DeltaState(State):
    """Variables of a delta code."""

    level: Array = cell(init="x_init", doc="what the spikes so far say that x is")
    off: Array = spike("falls in the last step")
    spike: Array = spike("rises in the last step")


class DeltaEncoder(Dynamics):
    """A spike for each rise of x by a threshold, an `off` for each fall (Lichtsteiner et al. 2008).

        n = (x - level) / threshold, rounded towards zero;  level <- level + n threshold
        spike = max(n, 0),  off = max(-n, 0)

    So x_init + threshold sum(spike - off), the signal `level`, stays within a threshold of x. The
    counts carry no gradient.
    """

    threshold: Array = param(0.1, above=0, doc="change of x that makes a spike")
    x_init: Array = param(0.0, doc="level at the beginning")
    ports: Mapping[str, Port] = {"x": Port()}
    State = DeltaState

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> DeltaState:
        del t, dt
        n = jnp.trunc((inputs["x"] - state.level) / self.threshold)
        level = state.level + n * self.threshold
        return DeltaState(level=level, spike=jnp.maximum(n, 0.0), off=jnp.maximum(-n, 0.0))
