"""NEST's `lin_rate_opn`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Linear, Noise
from spikax_nest.neurons._rate import OutputNoise


class LinRateOpn(Linear, Noise, OutputNoise):
    """Linear rate unit with output noise (NEST's `lin_rate_opn`).

        tau dX/dt = -X + mu + phi(ex + in);  it sends Y = X + sqrt(tau / h) sigma z, z ~ N(0, 1)
        phi(h) = g h

    ex and in are the sums of what arrives, rates times weights, over positive and negative
    weights, h is the step, z is drawn in each. With mult_coupling the input is g (g_ex
    (theta_ex - Y) ex + g_in (theta_in + Y) in). What arrives at the end of a step at `rate`
    acts in the next, at `instant` in this one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """
