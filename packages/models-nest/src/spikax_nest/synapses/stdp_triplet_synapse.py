"""NEST's `stdp_triplet_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import Sized


class StdpTripletSynapse(Sized):
    """Plasticity of pairs and triplets of spikes (NEST's `stdp_triplet_synapse`).

    With w the size of the weight, which has the sign of Wmax, K of one end fast and slow traces:

        spike of the target:  w <- min(w + Kplus (Aplus + Aplus_triplet Kminus_triplet), |Wmax|)
        spike of the source:  w <- max(w - Kminus (Aminus + Aminus_triplet Kplus_triplet), 0);
                              Kplus and Kplus_triplet rise by 1

    Each sees the traces just before its spike. Weights and amplitudes count in the unit of the
    weight; tau_minus and tau_minus_triplet are the target's. NEST shows the weight and the source's
    traces as they were after the last spike of the source.

    Source: Pfister & Gerstner 2006, J. Neurosci. 26; behaviour as of NEST 3.10.
    """

    Aplus: Array = param(5e-10, doc="potentiation by a pair")
    Aminus: Array = param(7e-3, doc="depression by a pair")
    Aplus_triplet: Array = param(6.2e-3, doc="potentiation by a triplet")
    Aminus_triplet: Array = param(2.3e-4, doc="depression by a triplet")
    Kplus_triplet: Array = param(0.0, at_least=0, doc="slow trace of the source at the start")
    tau_plus: Array = param(16.8 * ms, above=0, doc="time constant of Kplus")
    tau_plus_triplet: Array = param(101 * ms, above=0, doc="time constant of Kplus_triplet")
    tau_minus_triplet: Array = param(
        110 * ms, above=0, doc="time constant of Kminus_triplet, of the target"
    )
    post_traces = {"Kminus": "tau_minus", "Kminus_triplet": "tau_minus_triplet"}
    per_neuron = ("tau_minus", "tau_minus_triplet")
    variables = {"committed": "weight", "Kplus": "Kplus", "Kplus_triplet": "Kplus_triplet"}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w, rate = at["weight"], self.Aplus + self.Aplus_triplet * at["Kminus_triplet"]
        return {"weight": self.grown(jnp.abs(w) + self.now(at) * rate) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        slow = at["Kplus_triplet"] * jnp.exp(-at["since"] / self.tau_plus_triplet)
        lost = at["Kminus"] * (self.Aminus + self.Aminus_triplet * slow)
        weight = self.signed(jnp.maximum(jnp.abs(at["weight"]) - lost, 0.0))
        rise = self.rise(at) | {"Kplus_triplet": slow + 1.0 - at["Kplus_triplet"]}
        return self.left(at, weight) | rise
