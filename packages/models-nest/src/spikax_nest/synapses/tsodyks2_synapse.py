"""NEST's `tsodyks2_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest._short_term import left_after
from spikax_nest.synapses._synapse import Unbounded

NEVER = 1e30  # steps before the start, of a last spike that there was not
LONG_AGO = 1e20  # ms: longer than any run


class Tsodyks2Synapse(Unbounded):
    """Short-term depression and facilitation (NEST's `tsodyks2_synapse`).

    A spike of the source sends weight u x, with u and x moved on from the last spike, h before:

        u <- U + u (1 - U) exp(-h / tau_fac)
        x <- 1 + (x - x u - 1) exp(-h / tau_rec),  the old u

    The first spike takes u and x as they are. tau_fac = 0 stands for no facilitation.

    Source: Fuhrmann et al. 2002, J. Neurophysiol. 87; behaviour as of NEST 3.10.
    """

    U: Array = param(0.5, at_least=0, at_most=1, doc="release by a spike at rest")
    tau_rec: Array = param(800 * ms, above=0, doc="time constant of recovery")
    tau_fac: Array = param(0 * ms, at_least=0, doc="time constant of facilitation")
    u: Array = param(0.5, at_least=0, at_most=1, doc="release probability at the start")
    x: Array = param(1.0, doc="share of vesicles that are ready at the start")
    pre_clocks = {"since": -NEVER}
    variables = {"x": "x", "u": "u", "efficacy": "weight"}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        h, x, u, first = at["since"], at["x"], at["u"], at["since"] > LONG_AGO
        moved_u = self.U + u * (1 - self.U) * left_after(h, self.tau_fac)
        moved_x = 1 + (x - x * u - 1) * jnp.exp(-h / self.tau_rec)
        new_u, new_x = jnp.where(first, u, moved_u), jnp.where(first, x, moved_x)
        sent = at["weight"] * new_u * new_x
        return {"u": new_u - u, "x": new_x - x, "efficacy": sent - at["efficacy"]}
