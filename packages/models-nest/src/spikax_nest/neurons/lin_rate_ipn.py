"""NEST's `lin_rate_ipn`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Linear, Noise
from spikax_nest.neurons._rate import InputNoise


class LinRateIpn(Linear, Noise, InputNoise):
    """Linear rate unit with input noise (NEST's `lin_rate_ipn`).

        tau dX = (-lambda X + mu + phi(ex + in)) dt + sqrt(tau) sigma dW
        phi(h) = g h

    ex and in are the sums of what arrives, rates times weights, over positive and negative
    weights. With mult_coupling the input is g (g_ex (theta_ex - X) ex + g_in (theta_in + X)
    in). With rectify_output X is rectify_rate at least. Exact where the input is held over a
    step; what arrives at the end of a step at `rate` is held over the next, at `instant` over
    this one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34, eq. 15; behaviour as of NEST 3.10.
    """
