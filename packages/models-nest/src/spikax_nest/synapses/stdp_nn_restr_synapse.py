"""NEST's `stdp_nn_restr_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from spikax_nest.synapses._power_law import PowerLaw
from spikax_nest.synapses._synapse import Nearest


class StdpNnRestrSynapse(PowerLaw, Nearest):
    """Spikes that follow each other make a pair, and none else (NEST's `stdp_nn_restr_synapse`).

    With w as a share of Wmax (either sign), and dt the time since the other end's last spike:

        first spike of the target after one of the source:
            w <- min(w + lambda (1 - w)^mu_plus exp(-dt / tau_plus), 1)
        spike of the source, if the target spiked since the one before:
            w <- max(w - alpha lambda w^mu_minus exp(-dt / tau_minus), 0)

    As in NEST, the source counts as having spiked at t = 0. NEST shows the weight as it was after
    the last spike of the source: the variable `committed`.

    Source: Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98; behaviour as of NEST 3.10.
    """

    variables = {"committed": "weight", "met": 0.0}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w, first = at["weight"], 1.0 - at["met"]
        return {"weight": first * (self.stronger(w, self.faded(at)) - w), "met": first}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w, met = at["weight"], at["met"]
        return self.left(at, w + met * (self.weaker(w, at["Kminus"]) - w)) | {"met": -met}
