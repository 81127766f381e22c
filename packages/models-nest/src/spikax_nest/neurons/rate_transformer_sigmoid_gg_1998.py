"""NEST's `rate_transformer_sigmoid_gg_1998`."""

from __future__ import annotations

from spikax_nest.neurons._gains import SigmoidGg1998
from spikax_nest.neurons._rate import Transformer


class RateTransformerSigmoidGg1998(SigmoidGg1998, Transformer):
    """Sigmoidal gain that rates go through (NEST's `rate_transformer_sigmoid_gg_1998`).

        X(t + h) = phi(ex + in)
        phi(h) = (g h)^4 / (0.1^4 + (g h)^4)

    ex and in are the sums of what arrives, rates times weights. What arrives at the end of a
    step at `rate` acts in the next, at `instant` in this one.

    Source: Gancarz & Grossberg 1998, Neural Netw. 11;
    Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """
