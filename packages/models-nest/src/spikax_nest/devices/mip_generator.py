"""NEST's `mip_generator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.units import Hz
from spikax_nest.devices._counts import binomial, counts
from spikax_nest.devices._poisson import RandomTrainState
from spikax_nest.devices._stimulator import SliceStimulator

OF_MOTHER = 1 << 30
"""The first draw of mother trains, beyond those of the copies."""


class MipGeneratorState(RandomTrainState):
    """The stream of random numbers of the mother train, too."""

    mother: Array = cell(kind="seed", doc="noise stream of the mother train")


class MipGenerator(SliceStimulator):
    """Correlated Poisson trains by multiple interaction (NEST's `mip_generator`).

    A mother train, Poisson of mean rate h in a step of width h, is the same for all connections;
    each of its spikes passes on each connection with probability p_copy. Slices that begin in
    (start, stop] are active. The numbers carry no gradient.

    Source: Kuhn, Aertsen & Rotter 2003, Neural Comput. 15; behaviour as of NEST 3.10.
    """

    rate: Array = param(0 * Hz, at_least=0, doc="rate of the mother train")
    p_copy: Array = param(1.0, at_least=0, at_most=1, doc="probability that a spike is copied")
    train: Array = param(0.0, at_least=0, doc="which mother train, below the number of neurons")
    hidden = (*SliceStimulator.hidden, "train")
    per_target = True
    State = MipGeneratorState

    def init_state(self, size: int, *, key: Any, dt: float) -> MipGeneratorState:
        state = super().init_state(size, key=key, dt=dt)
        train = jnp.broadcast_to(jnp.round(self.train).astype(jnp.int32), size)
        return state.replace(mother=state.stream[:, train])

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> MipGeneratorState:
        del inputs
        on = self.lets_pass(self.slice_start(t, state.spike.dtype, dt), dt)
        mean = jnp.broadcast_to(jnp.where(on, self.rate * dt, 0.0), state.spike.shape)
        spikes = counts(state.mother, t, mean, OF_MOTHER)
        return state.replace(spike=binomial(state.stream, t, spikes, self.p_copy))
