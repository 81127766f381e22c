"""NEST's `stdp_pl_synapse_hom`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._power_law import power
from spikax_nest.synapses._synapse import NO_BOUND, Traced


class StdpPlSynapseHom(Traced):
    """Spike-timing-dependent plasticity, potentiation by a power (NEST's `stdp_pl_synapse_hom`).

    With w the weight in its unit, Kplus and Kminus traces of spikes of source and target:

        spike of the target:  w <- w + lambda w^mu Kplus
        spike of the source:  w <- max(w - alpha lambda w Kminus, 0), Kplus <- Kplus + 1

    There is no upper bound. All synapses share the parameters. NEST shows the weight as it was
    after the last spike of the source: the variable `committed`.

    Source: Morrison, Aertsen & Diesmann 2007, Neural Comput. 19; behaviour as of NEST 3.10.
    """

    tau_plus: Array = param(20 * ms, above=0, doc="time constant of Kplus")
    lambda_: Array = param(0.1, doc="step size")
    alpha: Array = param(1.0, doc="depression over potentiation")
    mu: Array = param(0.4, doc="exponent of the weight in potentiation")
    w_max: Any = NO_BOUND
    names = {"lambda": "lambda_"}
    common = ("tau_plus", "lambda_", "alpha", "mu")

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": self.lambda_ * power(at["weight"], self.mu) * self.now(at)}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        less = w - self.alpha * self.lambda_ * w * at["Kminus"]
        return self.left(at, jnp.maximum(less, 0.0)) | self.rise(at)
