"""Changes of a weight that depend on it by a power."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import NestSynapse


class PowerLaw(NestSynapse):
    """Potentiation and depression of a weight w, as a share of Wmax (either sign).

    w <- min(w + lambda (1 - w)^mu_plus K, 1);  w <- max(w - alpha lambda w^mu_minus K, 0)
    """

    tau_plus: Array = param(20 * ms, above=0, doc="time constant of the trace of the source")
    lambda_: Array = param(0.01, doc="step size")
    alpha: Array = param(1.0, doc="depression over potentiation")
    mu_plus: Array = param(1.0, doc="exponent of the weight in potentiation")
    mu_minus: Array = param(1.0, doc="exponent of the weight in depression")
    names = {"lambda": "lambda_", "Wmax": "w_max"}
    defaults = {"Wmax": 100.0}

    def stronger(self, w: Array, trace: Array) -> Array:
        """The weight after potentiation by a trace of the source."""
        return jnp.minimum(w + self.lambda_ * power(1.0 - w, self.mu_plus) * trace, 1.0)

    def weaker(self, w: Array, trace: Array) -> Array:
        """The weight after depression by a trace of the target."""
        less = w - self.alpha * self.lambda_ * power(w, self.mu_minus) * trace
        return jnp.maximum(less, 0.0)


def power(share: Array, mu: Array) -> Array:
    """share^mu for 0 <= share <= 1; at 0 it is 0 with slope 0, but 1 where mu is 0."""
    inside = jnp.where(share > 0, share, 1.0) ** mu
    return jnp.where((share > 0) | (mu == 0), inside, 0.0)
