"""Synaptic scaling."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp

from spikax._fields import param
from spikax._plasticity import Plasticity
from spikax._system import Array
from spikax.units import Hz, second


class HomeostaticScaling(Plasticity):
    """Multiplicative scaling towards a target rate (van Rossum, Bi & Turrigiano 2000).

        dw/dt = beta w (rate - a),  a = y / tau
        dy/dt = -y / tau,  y <- y + 1 at a spike of the target

    The proportional term of the paper, without the integral one. Exact between spikes.
    """

    rate: Array = param(5 * Hz, at_least=0, doc="rate to which the target is led")
    beta: Array = param(4e-5, at_least=0, doc="relative change of a weight by each missing spike")
    tau: Array = param(100 * second, above=0, doc="over which the target's rate a is taken")
    post_traces = {"y": "tau"}

    def flow(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        a_dt = -at["y"] * jnp.expm1(-dt / self.tau)
        return {"weight": at["weight"] * jnp.expm1(self.beta * (self.rate * dt - a_dt))}
