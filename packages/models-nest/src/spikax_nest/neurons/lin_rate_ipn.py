"""NEST's `lin_rate_ipn`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.integrate import phi1
from spikax.noise import NoisyState, normal
from spikax.units import ms
from spikax_nest._node import NestNode


class LinRateIpnState(NoisyState):
    """Variables of `lin_rate_ipn`."""

    rate: Array = cell(init="rate", doc="rate")
    noise: Array = cell(doc="noise of the last step")
    ex: Array = cell(doc="sum of what arrived over positive weights")
    inh: Array = cell(doc="sum of what arrived over negative weights")


class LinRateIpn(NestNode):
    """Linear rate unit with input noise (NEST's `lin_rate_ipn`).

        tau dX = (-lambda X + mu + g (ex + in)) dt + sqrt(tau) sigma dW

    ex and in are the sums of what arrives, delayed rates times weights, over positive and negative
    weights. With mult_coupling the input is g (g_ex (theta_ex - X) ex + g_in (theta_in + X) in).
    With rectify_output X is rectify_rate at least. Exact where the input is held over a step;
    what arrives at the end of a step at `rate` is held over the next, at `instant` over this one.
    linear_summation makes no difference where the gain is linear.

    Source: Hahne et al. 2017, Front. Neuroinform. 11:34, eq. 15; behaviour as of NEST 3.10.
    """

    tau: Array = param(10 * ms, above=0, doc="time constant")
    lambda_: Array = param(1.0, at_least=0, doc="rate of passive decay, in units of 1 / tau")
    mu: Array = param(0.0, doc="mean input")
    sigma: Array = param(1.0, at_least=0, doc="amplitude of the noise")
    rate: Array = param(0.0, doc="rate at the start")
    g: Array = param(1.0, doc="gain")
    linear_summation: Array = param(1.0, doc="whether the gain acts on the sum")
    mult_coupling: Array = param(0.0, doc="whether the rate scales its input")
    g_ex: Array = param(1.0, doc="factor of positive input")
    g_in: Array = param(1.0, doc="factor of negative input")
    theta_ex: Array = param(0.0, doc="rate at which positive input has no effect")
    theta_in: Array = param(0.0, doc="less the rate at which negative input has no effect")
    rectify_rate: Array = param(0.0, at_least=0, doc="lower bound of the rate")
    rectify_output: Array = param(0.0, doc="whether there is one")
    types = {"linear_summation": bool, "mult_coupling": bool, "rectify_output": bool}
    ports = {
        "rate": Port(channels=("ex", "in"), route=by_sign),
        "instant": Port(channels=("ex", "in"), route=by_sign),
    }
    recordables = ("noise", "rate")
    computed = {"noise": lambda v: 0.0}
    aliases = {"mean": "mu", "std": "sigma"}
    sends = "rate"
    uses_wfr = True
    State = LinRateIpnState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> LinRateIpnState:
        s, (ex, inh), x = state, inputs["rate"], dt * self.lambda_ / self.tau
        held = dt / self.tau * phi1(-x)
        spread = jnp.sqrt(dt / self.tau * phi1(-2 * x))
        noise = self.sigma * normal(s.stream, t, dtype=s.rate.dtype)
        given = self.input(s.rate, s.ex + inputs["instant"][0], s.inh + inputs["instant"][1])
        rate = jnp.exp(-x) * s.rate + held * (self.mu + given) + spread * noise
        bounded = jnp.maximum(rate, self.rectify_rate)
        rate = jnp.where(self.rectify_output != 0, bounded, rate)
        return LinRateIpnState(stream=s.stream, rate=rate, noise=noise, ex=ex, inh=inh)

    def input(self, rate: Array, ex: Array, inh: Array) -> Array:
        """What the sums of positive and negative inputs amount to."""
        by_ex = self.g_ex * (self.theta_ex - rate) * ex
        by_in = self.g_in * (self.theta_in + rate) * inh
        return self.g * jnp.where(self.mult_coupling != 0, by_ex + by_in, ex + inh)
