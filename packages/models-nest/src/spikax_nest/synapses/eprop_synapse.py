"""NEST's `eprop_synapse`."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._eprop import EpropRule, changes


class EpropSynapse(EpropRule):
    """E-prop without updates at fixed intervals (NEST's `eprop_synapse`).

    Step by step, with z the source's spikes, psi, L and R what the target says of the same step:

        z_bar <- a z_bar + z;  e = psi (z_bar - adapt_beta eps);  eps <- rho eps + e
        e_bar <- kappa e_bar + e;  e_reg <- kappa_reg e_reg + (1 - kappa_reg) e
        gradient = L e_bar + R e_reg

    eprop_isi_trace_cutoff after a spike learning pauses, and all only decays. What NEST computes at
    the next spike is computed here at once; it sends and shows the weight as of the last spike.

    Source: Korcsak-Gorzo et al. 2025, arXiv:2511.21674; behaviour as of NEST 3.10.
    """

    kappa: Array = param(0.0, doc="decay of the eligibility, of the target")
    kappa_reg: Array = param(0.0, doc="the same of the rate")
    eprop_isi_trace_cutoff: Array = param(math.inf * ms, finite=False, doc="of the target")
    of_target = (*EpropRule.of_target, "kappa", "kappa_reg", "eprop_isi_trace_cutoff")
    variables = {
        **dict.fromkeys(("fresh", "z", "z_bar", "e_bar", "e_reg", "eps", "total"), 0.0),
        "m": "m",
        "v": "v",
        "done": 1.0,
        "efficacy": "weight",
    }
    sends = "efficacy"
    shown = {"weight": "efficacy"}

    def before(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        a, rho = jnp.exp(-dt / self.tau_m), jnp.exp(-dt / self.adapt_tau)
        learns = at["since"] - dt < self.eprop_isi_trace_cutoff - dt / 2
        z_bar = a * at["z_bar"] + jnp.where(learns, at["z"], 0.0)
        e = at["surrogate_due"] * (z_bar - self.adapt_beta * at["eps"])
        e = jnp.where(learns, e, 0.0)
        e_bar = self.kappa * at["e_bar"] + e
        e_reg = self.kappa_reg * at["e_reg"] + (1 - self.kappa_reg) * e
        gradient = at["signal_due"] * e_bar + at["rate_due"] * e_reg
        gradient = jnp.where(learns, gradient, 0.0)
        moved = {"z_bar": z_bar, "e_bar": e_bar, "e_reg": e_reg, "eps": rho * at["eps"] + e}
        moved |= {
            "z": jnp.where(learns, at["fresh"], at["z"]),
            "fresh": jnp.where(learns, 0.0, at["fresh"]),
        }
        if self.optimize_each_step:
            return changes(at, moved) | self.optimized(at, gradient, at["step"] - 1, learns)
        return changes(at, moved) | {"total": gradient}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        late: dict[str, Array] = {}
        if not self.optimize_each_step:
            late = self.optimized(at, jnp.zeros_like(at["total"]), at["step"], at["since"] < 1e29)
        weight = at["weight"] + late.get("weight", 0.0)
        return late | {"fresh": 1.0 - at["fresh"], "efficacy": weight - at["efficacy"]}
