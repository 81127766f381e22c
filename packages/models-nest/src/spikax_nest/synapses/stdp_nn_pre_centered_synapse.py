"""NEST's `stdp_nn_pre_centered_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from spikax_nest.synapses._power_law import PowerLaw
from spikax_nest.synapses._synapse import Nearest, Traced


class StdpNnPreCenteredSynapse(PowerLaw, Nearest, Traced):
    """Spikes of the source pair with the nearest of the target (`stdp_nn_pre_centered_synapse`).

    With w as a share of Wmax (either sign), and dt the time since the target's last spike:

        spike of the target:  w <- min(w + lambda (1 - w)^mu_plus Kplus, 1), Kplus <- 0
        spike of the source:  w <- max(w - alpha lambda w^mu_minus exp(-dt / tau_minus), 0),
                              Kplus <- Kplus + 1

    NEST shows the weight and Kplus as they were after the last spike of the source.

    Source: Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98; behaviour as of NEST 3.10.
    """

    variables = {"committed": "weight", "Kplus": "Kplus", "met": 0.0}

    def now(self, at: Mapping[str, Array]) -> Array:
        return (1.0 - at["met"]) * super().now(at)

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        return {"weight": self.stronger(w, self.now(at)) - w, "met": 1.0 - at["met"]}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        weight = self.weaker(at["weight"], at["Kminus"])
        return self.left(at, weight) | self.rise(at) | {"met": -at["met"]}
