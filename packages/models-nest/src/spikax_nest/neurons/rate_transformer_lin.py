"""NEST's `rate_transformer_lin`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Linear
from spikax_nest.neurons._rate import Transformer


class RateTransformerLin(Linear, Transformer):
    """Linear gain that rates go through (NEST's `rate_transformer_lin`).

        X(t + h) = phi(ex + in)
        phi(h) = g h

    ex and in are the sums of what arrives, rates times weights. What arrives at the end of a
    step at `rate` acts in the next, at `instant` in this one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """
