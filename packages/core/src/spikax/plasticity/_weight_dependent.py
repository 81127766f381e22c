"""Spike-timing-dependent plasticity between additive and multiplicative."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp

from spikax._fields import param
from spikax._system import Array
from spikax.plasticity._pair import PairSTDP


class WeightDependentSTDP(PairSTDP):
    """Spike-timing-dependent plasticity that depends on the weight (Guetig et al. 2003).

    With the traces x and y of `PairSTDP`:

        spike of the target:  w <- w + A_plus w_max (1 - w / w_max)^mu x
        spike of the source:  w <- w - A_minus w_max (w / w_max)^mu y

    mu = 0 is additive, mu = 1 multiplicative. In the paper A_plus is called lambda, and A_minus is
    alpha lambda.
    """

    mu: Array = param(0.02, at_least=0, doc="exponent of the weight")

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": self.A_plus * self._power(1.0 - at["weight"]) * at["x"]}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": -self.A_minus * self._power(at["weight"]) * at["y"]}

    def _power(self, share: Array) -> Array:
        # At 0 the slope is infinite.
        return jnp.where(share > 0, jnp.where(share > 0, share, 1.0) ** self.mu, 0.0)
