"""NEST's `ppd_sup_generator`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import clock, param
from spikax.errors import ConfigError
from spikax.units import Hz, ms
from spikax_nest.devices._counts import binomial
from spikax_nest.devices._poisson import RandomTrainState
from spikax_nest.devices._stimulator import Stimulator
from spikax_nest.devices._table import column


class PpdSupGeneratorState(RandomTrainState):
    """How many processes may spike, and how many spiked in each of the last steps, too."""

    ready: Array = clock("processes that are not in their dead time")
    dead: Array = clock("spikes of the steps of the last dead time, (steps, N)")
    steps: Array = clock("whole steps of the dead time")


class PpdSupGenerator(Stimulator):
    """The superposition of Poisson processes with dead time (NEST's `ppd_sup_generator`).

        hazard = (1 + relative_amplitude sin(2 pi frequency t)) / (1 / rate - dead_time)

    Each of n_proc processes spikes in a step of width h with probability hazard h, and then not
    for dead_time, in whole steps, rounded down. At first each step of the past has the same number
    of spikes, rate n_proc h rounded down. Anew for each connection, start + h < stamp <= stop + h.
    The numbers carry no gradient.

    Source: Deger et al. 2012, J. Comput. Neurosci. 32; behaviour as of NEST 3.10.
    """

    rate: Array = param(0 * Hz, at_least=0, doc="mean rate of each process")
    dead_time: Array = param(0 * ms, at_least=0, doc="time without spikes after one")
    n_proc: Array = param(1.0, at_least=1, doc="number of processes")
    frequency: Array = param(0 * Hz, doc="frequency of the modulation of the hazard")
    relative_amplitude: Array = param(0.0, at_least=0, at_most=1, doc="its relative amplitude")
    types = {"n_proc": int}
    shapes = ("dead_time",)
    per_target = True
    State = PpdSupGeneratorState

    def validate(self) -> None:
        super().validate()
        known = isinstance(self.rate, np.ndarray) and isinstance(self.dead_time, np.ndarray)
        if known and np.any(self.rate * self.dead_time >= 1):
            raise ConfigError(
                f"{type(self).__name__}: The inverse rate has to be larger than the dead time."
            )

    def init_state(self, size: int, *, key: Any, dt: float) -> PpdSupGeneratorState:
        state = super().init_state(size, key=key, dt=dt)
        steps = np.floor(np.broadcast_to(np.asarray(self.dead_time, float) / dt, size))
        each = jnp.broadcast_to(jnp.floor(self.rate * self.n_proc * dt), (size,)).astype(jnp.int32)
        past = np.arange(max(int(steps.max(initial=0)), 1))[:, None]
        return state.replace(
            ready=jnp.round(self.n_proc).astype(jnp.int32) - each * steps.astype(np.int32),
            dead=jnp.where(past < steps, each[None], 0),
            steps=jnp.array(steps, dtype=jnp.int32),
        )

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> PpdSupGeneratorState:
        del inputs
        now = t.astype(state.spike.dtype)
        on = self.lets_pass(now, dt)
        hazard = dt * self.rate / (1 - self.rate * self.dead_time)
        sine = jnp.sin(2 * math.pi * self.frequency * (now * dt))
        chance = jnp.where(on, hazard * (1 + self.relative_amplitude * sine), 0.0)
        ready = state.ready.astype(now.dtype)
        spikes = binomial(state.stream, t, ready, chance).astype(jnp.int32)
        slot = t % jnp.maximum(state.steps, 1)
        moves = on & (state.steps > 0)
        there = jnp.arange(len(state.dead), dtype=slot.dtype)[:, None] == slot[None]
        return state.replace(
            spike=spikes.astype(now.dtype),
            ready=state.ready + jnp.where(moves, column(state.dead, slot) - spikes, 0),
            dead=jnp.where(there & moves[None], spikes[None], state.dead),
        )
