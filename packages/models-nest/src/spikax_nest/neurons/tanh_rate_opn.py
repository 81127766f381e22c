"""NEST's `tanh_rate_opn`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Noise, Tanh
from spikax_nest.neurons._rate import OutputNoise


class TanhRateOpn(Tanh, Noise, OutputNoise):
    """Sigmoidal rate unit with output noise (NEST's `tanh_rate_opn`).

        tau dX/dt = -X + mu + phi(ex + in);  it sends Y = X + sqrt(tau / h) sigma z, z ~ N(0, 1)
        phi(h) = tanh(g (h - theta))

    ex and in are the sums of what arrives, rates times weights, over positive and negative
    weights, h is the step, z is drawn in each. With mult_coupling the input is phi(ex) +
    phi(in). What arrives at the end of a step at `rate` acts in the next, at `instant` in this
    one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34; behaviour as of NEST 3.10.
    """
