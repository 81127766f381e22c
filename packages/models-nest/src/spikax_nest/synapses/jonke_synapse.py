"""NEST's `jonke_synapse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import NO_BOUND, Traced


class JonkeSynapse(Traced):
    """Plasticity that depends on the weight exponentially (NEST's `jonke_synapse`).

    With w the weight, Kplus and Kminus traces of spikes of source and target:

        spike of the target:  w <- min(w + lambda (exp(mu_plus w) Kplus - beta), Wmax)
        spike of the source:  w <- max(w - lambda (alpha exp(mu_minus w) Kminus + beta), 0),
                              Kplus <- Kplus + 1

    lambda, Wmax and 1 / mu count in the unit of the weight; lambda = 0 switches the rule off. All
    synapses share the parameters. NEST shows the weight as it was after the last spike of the
    source: the variable `committed`.

    Source: Jonke, Legenstein, Habenschuss & Maass 2017, J. Neurosci. 37; behaviour as of NEST 3.10.
    """

    tau_plus: Array = param(20 * ms, above=0, doc="time constant of Kplus")
    lambda_: Array = param(0.01, doc="step size")
    alpha: Array = param(1.0, doc="depression over potentiation")
    beta: Array = param(0.0, doc="loss by any spike, in steps")
    mu_plus: Array = param(0.0, doc="dependence of potentiation on the weight")
    mu_minus: Array = param(0.0, doc="dependence of depression on the weight")
    Wmax: Array = param(100.0, doc="largest weight")
    w_max: Any = NO_BOUND
    names = {"lambda": "lambda_"}
    common = ("tau_plus", "lambda_", "alpha", "beta", "mu_plus", "mu_minus", "Wmax")

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        more = w + self.lambda_ * (jnp.exp(self.mu_plus * w) * self.now(at) - self.beta)
        return {"weight": self.if_on(jnp.minimum(more, self.Wmax), w) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        lost = self.alpha * jnp.exp(self.mu_minus * w) * at["Kminus"] + self.beta
        less = jnp.maximum(w - self.lambda_ * lost, 0.0)
        return self.left(at, self.if_on(less, w)) | self.rise(at)

    def if_on(self, new: Array, old: Array) -> Array:
        """The new weight, unless the rule is off."""
        return jnp.where(self.lambda_ == 0, old, new)
