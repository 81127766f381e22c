"""The rate unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from spikax._fields import cell, param, static
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.units import Hz, ms

_SHAPES = {"linear": lambda x: x, "relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}


class RateUnitState(State):
    """A firing rate."""

    rate: Array = cell(Hz, doc="firing rate")


class RateUnit(Dynamics):
    """A population by its rate (Wilson & Cowan 1972; Dayan & Abbott 2001, eq. 7.11).

        tau dr/dt = -r + r_max phi(gain (I - theta) / r_max)

    phi is "linear" or "relu", where r_max cancels; "tanh", which starts with the slope `gain` and
    ends at r_max; or the logistic "sigmoid", with gain / 4 at theta. I, theta and r are rates: a
    weight from `rate` into the port `input` is a plain number. Exact for an input that is held
    over the step; as units drive each other by their rates at its start, a network is of order 1.
    """

    tau: Array = param(20 * ms, above=0, doc="time constant")
    gain: Array = param(1.0, doc="slope of the response")
    theta: Array = param(0 * Hz, doc="threshold; where negative, a constant drive")
    r_max: Array = param(100 * Hz, above=0, doc="rate at saturation")
    phi: str = static("relu", choices=tuple(_SHAPES), doc="shape of the response")
    ports: Mapping[str, Port] = {"input": Port(Hz)}
    State = RateUnitState

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> RateUnitState:
        del t
        drive = self.gain * (inputs["input"] - self.theta) / self.r_max
        target = self.r_max * _SHAPES[self.phi](drive)
        return RateUnitState(rate=target + (state.rate - target) * jnp.exp(-dt / self.tau))
