"""NEST's `rate_transformer_sigmoid`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Sigmoid
from spikax_nest.neurons._rate import Transformer


class RateTransformerSigmoid(Sigmoid, Transformer):
    """Sigmoidal gain that rates go through (NEST's `rate_transformer_sigmoid`).

        X(t + h) = phi(ex + in)
        phi(h) = g / (1 + exp(-beta (h - theta)))

    ex and in are the sums of what arrives, rates times weights. What arrives at the end of a
    step at `rate` acts in the next, at `instant` in this one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """
