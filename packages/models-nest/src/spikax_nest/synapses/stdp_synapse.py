"""NEST's `stdp_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import Traced


class StdpSynapse(Traced):
    """Spike-timing-dependent plasticity with a power law of the weight (NEST's `stdp_synapse`).

    With w as a share of Wmax (either sign), Kplus and Kminus traces of spikes of source and target:

        spike of the target:  w <- min(w + lambda (1 - w)^mu_plus Kplus, 1)
        spike of the source:  w <- max(w - alpha lambda w^mu_minus Kminus, 0), Kplus <- Kplus + 1

    NEST shows the weight as it was after the last spike of the source: the variable `committed`.
    Kplus is kept likewise, with a tau_plus for each synapse. tau_minus is the target's.

    Source: Guetig et al. 2003, J. Neurosci. 23; behaviour as of NEST 3.10.
    """

    tau_plus: Array = param(20 * ms, above=0, doc="time constant of Kplus")
    lambda_: Array = param(0.01, doc="step size")
    alpha: Array = param(1.0, doc="depression over potentiation")
    mu_plus: Array = param(1.0, doc="exponent of the weight in potentiation")
    mu_minus: Array = param(1.0, doc="exponent of the weight in depression")
    names = {"lambda": "lambda_", "Wmax": "w_max"}
    defaults = {"Wmax": 100.0}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        grown = w + self.lambda_ * power(1.0 - w, self.mu_plus) * self.now(at)
        return {"weight": jnp.minimum(grown, 1.0) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        less = w - self.alpha * self.lambda_ * power(w, self.mu_minus) * at["Kminus"]
        return self.left(at, jnp.maximum(less, 0.0)) | self.rise(at)


def power(share: Array, mu: Array) -> Array:
    """share^mu for 0 <= share <= 1; at 0 it is 0 with slope 0, but 1 where mu is 0."""
    inside = jnp.where(share > 0, share, 1.0) ** mu
    return jnp.where((share > 0) | (mu == 0), inside, 0.0)
