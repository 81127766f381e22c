"""Spike-timing-dependent plasticity that waits for a reward."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp

from spikax._fields import param, static
from spikax._system import Array
from spikax.plasticity._pair import PairSTDP
from spikax.units import ms


class RewardSTDP(PairSTDP):
    """Spike-timing-dependent plasticity modulated by dopamine (Izhikevich 2007).

        dw/dt = w_max c d / tau_d
        dc/dt = -c / tau_c,  c changes at spikes as the weight of `PairSTDP` does
        dd/dt = -d / tau_d,  d <- d + 1 at a spike of the modulator

    The eligibility c is one variable per synapse; d, dopamine, one for all. A dopamine spike moves
    a weight by w_max c in all, if tau_c is much longer than tau_d. Exact between spikes.
    """

    modulator: str = static(doc='what gives dopamine, summed over neurons: "dopamine.spike"')
    tau_c: Array = param(1000 * ms, above=0, doc="time constant of the eligibility")
    tau_d: Array = param(200 * ms, above=0, doc="time constant of dopamine")
    mod_traces = {"d": "tau_d"}
    variables = ("eligibility",)

    @property
    def modulators(self) -> tuple[str, ...]:
        return (self.modulator,)

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"eligibility": super().on_post(at)["weight"]}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"eligibility": super().on_pre(at)["weight"]}

    def flow(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        c, rate = at["eligibility"], 1.0 / self.tau_c + 1.0 / self.tau_d
        return {
            "weight": -c * (at["d"] / self.tau_d / rate * jnp.expm1(-rate * dt)),
            "eligibility": c * jnp.expm1(-dt / self.tau_c),
        }
