"""NEST's `stdp_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from spikax_nest.synapses._power_law import PowerLaw
from spikax_nest.synapses._synapse import Traced


class StdpSynapse(PowerLaw, Traced):
    """Spike-timing-dependent plasticity with a power law of the weight (NEST's `stdp_synapse`).

    With w as a share of Wmax (either sign), Kplus and Kminus traces of spikes of source and target:

        spike of the target:  w <- min(w + lambda (1 - w)^mu_plus Kplus, 1)
        spike of the source:  w <- max(w - alpha lambda w^mu_minus Kminus, 0), Kplus <- Kplus + 1

    NEST shows the weight as it was after the last spike of the source: the variable `committed`.
    Kplus is kept likewise, with a tau_plus for each synapse. tau_minus is the target's.

    Source: Guetig et al. 2003, J. Neurosci. 23; behaviour as of NEST 3.10.
    """

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        return {"weight": self.stronger(w, self.now(at)) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return self.left(at, self.weaker(at["weight"], at["Kminus"])) | self.rise(at)
