"""NEST's `sigmoid_rate_ipn`."""

from __future__ import annotations

from spikax_nest.neurons._gains import Noise, Sigmoid
from spikax_nest.neurons._rate import InputNoise


class SigmoidRateIpn(Sigmoid, Noise, InputNoise):
    """Sigmoidal rate unit with input noise (NEST's `sigmoid_rate_ipn`).

        tau dX = (-lambda X + mu + phi(ex + in)) dt + sqrt(tau) sigma dW
        phi(h) = g / (1 + exp(-beta (h - theta)))

    ex and in are the sums of what arrives, rates times weights, over positive and negative
    weights. With mult_coupling the input is phi(ex) + phi(in). With rectify_output X is
    rectify_rate at least. Exact where the input is held over a step; what arrives at the end of
    a step at `rate` is held over the next, at `instant` over this one.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34, eq. 15; behaviour as of NEST 3.10.
    """
