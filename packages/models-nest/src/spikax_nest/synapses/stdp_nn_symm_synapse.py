"""NEST's `stdp_nn_symm_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from spikax_nest.synapses._power_law import PowerLaw
from spikax_nest.synapses._synapse import Nearest


class StdpNnSymmSynapse(PowerLaw, Nearest):
    """Each spike pairs with the last one of the other end (NEST's `stdp_nn_symm_synapse`).

    With w as a share of Wmax (either sign), and dt the time since the other end's last spike:

        spike of the target:  w <- min(w + lambda (1 - w)^mu_plus exp(-dt / tau_plus), 1)
        spike of the source:  w <- max(w - alpha lambda w^mu_minus exp(-dt / tau_minus), 0)

    As in NEST, the source counts as having spiked at t = 0. NEST shows the weight as it was after
    the last spike of the source: the variable `committed`.

    Source: Morrison, Diesmann & Gerstner 2008, Biol. Cybern. 98; behaviour as of NEST 3.10.
    """

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        return {"weight": self.stronger(w, self.faded(at)) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return self.left(at, self.weaker(at["weight"], at["Kminus"]))
