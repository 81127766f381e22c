"""NEST's `gamma_sup_generator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import clock, param
from spikax.units import Hz
from spikax_nest.devices._counts import binomial
from spikax_nest.devices._poisson import RandomTrainState
from spikax_nest.devices._stimulator import Stimulator


class GammaSupGeneratorState(RandomTrainState):
    """How many processes are in each phase, too."""

    occupied: Array = clock("processes in each of the phases, (phases, N)")


class GammaSupGenerator(Stimulator):
    """Superposed gamma processes, anew for each connection (NEST's `gamma_sup_generator`).

    Each of n_proc processes runs through gamma_shape phases and spikes at the end of the last one;
    in a step of width h it leaves a phase with probability rate gamma_shape h. At first they are
    spread evenly over the phases, what is left over in the last. start + h < stamp <= stop + h.
    The numbers carry no gradient.

    Source: Deger et al. 2012, J. Comput. Neurosci. 32; behaviour as of NEST 3.10.
    """

    rate: Array = param(0 * Hz, at_least=0, doc="mean rate of each process")
    gamma_shape: Array = param(1.0, at_least=1, doc="shape of the intervals' gamma distribution")
    n_proc: Array = param(1.0, at_least=1, doc="number of processes")
    types = {"gamma_shape": int, "n_proc": int}
    shapes = ("gamma_shape",)
    per_target = True
    State = GammaSupGeneratorState

    def initial(self, spec: Any, size: int, name: str) -> Array:
        if name != "occupied":
            return super().initial(spec, size, name)
        phase = jnp.arange(int(np.asarray(self.gamma_shape).max()), dtype=jnp.int32)[:, None]
        shape = self.phases((1, size))
        n = jnp.broadcast_to(jnp.round(self.n_proc), shape.shape).astype(jnp.int32)
        each = n // shape
        left = jnp.where(phase == shape - 1, n - each * shape, 0)
        return jnp.where(phase < shape, each, 0) + left

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> GammaSupGeneratorState:
        del inputs
        dtype = state.spike.dtype
        on = self.lets_pass(t.astype(dtype), dt)
        leave = jnp.where(on, self.rate * self.gamma_shape * dt, 0.0)
        phase = jnp.arange(len(state.occupied), dtype=jnp.int32)

        def gone_from(n: Array, k: Array) -> Array:
            return binomial(state.stream, t, n.astype(dtype), leave, k).astype(jnp.int32)

        gone = jax.vmap(gone_from)(state.occupied, phase)
        last = phase[:, None] >= self.phases(state.spike.shape)[None] - 1
        spikes = jnp.sum(jnp.where(last, gone, 0), axis=0, dtype=gone.dtype)
        entered = jnp.concatenate([spikes[None], jnp.where(last, 0, gone)[:-1]])
        return state.replace(spike=spikes.astype(dtype), occupied=state.occupied - gone + entered)

    def phases(self, shape: tuple[int, ...]) -> Array:
        """The number of phases of each neuron."""
        return jnp.broadcast_to(jnp.round(self.gamma_shape), shape).astype(jnp.int32)
