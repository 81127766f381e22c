"""NEST's `vogels_sprekeler_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import Sized


class VogelsSprekelerSynapse(Sized):
    """Symmetric plasticity that balances excitation (NEST's `vogels_sprekeler_synapse`).

    With w the size of the weight, which has the sign of Wmax, Kplus and Kminus traces of spikes:

        spike of the target:  w <- min(w + eta Kplus, |Wmax|)
        spike of the source:  w <- max(min(w + eta Kminus, |Wmax|) - alpha eta, 0),
                              Kplus <- Kplus + 1

    eta and Wmax count in the unit of the weight. NEST shows the weight as it was after the last
    spike of the source: the variable `committed`.

    Source: Vogels et al. 2011, Science 334; behaviour as of NEST 3.10.
    """

    tau: Array = param(20 * ms, above=0, doc="time constant of Kplus")
    alpha: Array = param(0.12, doc="depression by a spike of the source, as a share of eta")
    eta: Array = param(0.001, doc="learning rate")
    Wmax: Array = param(1.0, doc="largest weight")
    fades = "tau"

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        return {"weight": self.grown(jnp.abs(w) + self.eta * self.now(at)) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        grown = jnp.abs(self.grown(jnp.abs(at["weight"]) + self.eta * at["Kminus"]))
        less = jnp.maximum(grown - self.alpha * self.eta, 0.0)
        return self.left(at, self.signed(less)) | self.rise(at)
