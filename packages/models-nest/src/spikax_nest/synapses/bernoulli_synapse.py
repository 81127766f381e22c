"""NEST's `bernoulli_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax_nest.synapses._synapse import Unbounded


class BernoulliSynapse(Unbounded):
    """A synapse that transmits each spike with a probability (NEST's `bernoulli_synapse`).

    Source: Lefort et al. 2009, Neuron 61; behaviour as of NEST 3.10.
    """

    p_transmit: Array = param(1.0, at_least=0, at_most=1, doc="probability of transmission")
    variables = {"efficacy": "weight"}
    random = True
    drops = True

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        sent = jnp.where(at["uniform"] < self.p_transmit, at["weight"], 0.0)
        return {"efficacy": sent - at["efficacy"]}
