"""NEST's `ht_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import Unbounded


class HtSynapse(Unbounded):
    """Short-term depression of Hill & Tononi's model of the thalamus (NEST's `ht_synapse`).

        dP/dt = (1 - P) / tau_P;  a spike of the source sends weight P, then P <- (1 - delta_P) P

    Exact between spikes, from t = 0 to the first.

    Source: Hill & Tononi 2005, J. Neurophysiol. 93; behaviour as of NEST 3.10.
    """

    tau_P: Array = param(500 * ms, above=0, doc="time constant of recovery")
    delta_P: Array = param(0.125, at_least=0, at_most=1, doc="share of P that a spike takes")
    P: Array = param(1.0, at_least=0, at_most=1, doc="what is ready at the start")
    pre_clocks = {"since": 0.0}
    variables = {"P": "P", "efficacy": "weight"}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        P = 1.0 - (1.0 - at["P"]) * jnp.exp(-at["since"] / self.tau_P)
        sent = at["weight"] * P
        return {"P": P * (1.0 - self.delta_P) - at["P"], "efficacy": sent - at["efficacy"]}
