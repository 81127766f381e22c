"""NEST's `rate_transformer_gauss`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Gauss
from spikax_nest.neurons._rate import Transformer


class RateTransformerGauss(Gauss, Transformer):
    """Gaussian gain that rates go through (NEST's `rate_transformer_gauss`).

        X(t + h) = phi(ex + in)
        phi(h) = g exp(-(h - mu)^2 / (2 sigma^2))

    ex and in are the sums of what arrives, rates times weights. What arrives at the end of a
    step at `rate` acts in the next, at `instant` in this one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """
