"""NEST's `gauss_rate_ipn`."""

from __future__ import annotations

from spikax_nest.neurons._gains import NoisyGauss
from spikax_nest.neurons._rate import InputNoise


class GaussRateIpn(NoisyGauss, InputNoise):
    """Gaussian rate unit with input noise (NEST's `gauss_rate_ipn`).

        tau dX = (-lambda X + mean + phi(ex + in)) dt + sqrt(tau) std dW
        phi(h) = g exp(-(h - mu)^2 / (2 sigma^2))

    ex and in are the sums of what arrives, rates times weights, over positive and negative
    weights. With mult_coupling the input is phi(ex) + phi(in). With rectify_output X is
    rectify_rate at least. Exact where the input is held over a step; what arrives at the end of
    a step at `rate` is held over the next, at `instant` over this one.

    As in NEST, setting mu or sigma sets mean or std, too.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34, eq. 15; behaviour as of NEST 3.10.
    """
