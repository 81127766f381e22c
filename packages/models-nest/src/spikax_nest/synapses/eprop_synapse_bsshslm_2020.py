"""NEST's `eprop_synapse_bsshslm_2020`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param, static
from spikax.units import ms
from spikax_nest.synapses._eprop import EpropRule, changes


class EpropSynapseBsshslm2020(EpropRule):
    """E-prop with updates at fixed intervals (NEST's `eprop_synapse_bsshslm_2020`).

    From the source's first spike in an interval on, with z its spikes, psi and L of the target:

        z_bar <- a z_bar + c z;  e = psi (z_bar - adapt_beta eps);  eps <- rho eps + e
        e_bar <- kappa e_bar + (1 - kappa) e;  gradient = sum L e_bar + R sum e

    with kappa = e^(-dt / tau_m_readout) and R the regularisation of the interval. The source's
    first spike after the interval updates the weight; a spike in the step where the intervals of a
    spiking target meet is not sent. As in NEST, an update in the step after the end comes before
    the last learning signal. Flush events change nothing, if not more frequent than updates.

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; behaviour as of NEST 3.10.
    """

    tau_m_readout: Array = param(10 * ms, above=0, doc="time constant of the readout")
    average_gradient: Array = param(0.0, doc="whether the gradient is a mean over the window")
    regular_spike_arrival: Array = param(1.0, doc="of the target")
    learning_window: Array = param(1000 * ms, above=0, doc="its last part, in which errors count")
    shift: int = static(2, doc="steps by which the target's intervals are late")
    interval_steps: int = static(1000, doc="steps of an interval")
    of_target = (*EpropRule.of_target, "regular_spike_arrival")
    own = {"average_gradient": False, "tau_m_readout": 10.0}
    variables = {
        **dict.fromkeys(("fresh", "z", "z_bar", "e_bar", "eps", "sum_e", "gradient"), 0.0),
        **dict.fromkeys(("interval", "total"), 0.0),
        "m": "m",
        "v": "v",
        "done": 1.0,
        "efficacy": "weight",
        "sent": "weight",
    }
    sends = "sent"
    drops = True
    shown = {"weight": "efficacy"}

    def before(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        a, rho = jnp.exp(-dt / self.tau_m), jnp.exp(-dt / self.adapt_tau)
        kappa = jnp.exp(-dt / self.tau_m_readout) if self.recurrent else 0.0
        c = jnp.where(self.regular_spike_arrival != 0, 1.0, 1 - a)
        now, end = at["step"] - 2, self.end(at)
        inside = now < end
        z_bar = jnp.where(inside, a * at["z_bar"] + c * at["z"], 0.0)
        e = at["surrogate_due"] * (z_bar - self.adapt_beta * at["eps"])
        e = jnp.where(inside, e, 0.0)
        e_bar = jnp.where(inside, kappa * at["e_bar"] + (1 - kappa) * e, 0.0)
        sum_e, ends = at["sum_e"] + e, now == end - 1
        # What a spiking target hears is of the step before, what a readout says of this.
        heard = at["signal_due"] * (at["e_bar"] if self.recurrent else e_bar)
        window = jnp.round(self.learning_window / dt)
        share = jnp.where(self.average_gradient != 0, 1 / window, 1.0)
        more = heard + jnp.where(ends, at["rate_due"] * sum_e, 0.0)
        new = {
            "z": at["fresh"],
            "fresh": jnp.zeros_like(at["fresh"]),
            "z_bar": z_bar,
            "e_bar": e_bar,
            "eps": jnp.where(inside, rho * at["eps"] + e, 0.0),
            "sum_e": jnp.where(ends, 0.0, sum_e),
            "gradient": at["gradient"] + share * more,
            "sent": jnp.where(self.passes(at), at["efficacy"], 0.0),
        }
        return changes(at, new)

    def end(self, at: Mapping[str, Array]) -> Array:
        """The first step after the interval that the gradient is of."""
        return (at["interval"] + 1) * self.interval_steps + self.shift

    def passes(self, at: Mapping[str, Array]) -> Array:
        """Whether a spike of this step is sent."""
        place = jnp.fmod(at["step"] - self.shift, self.interval_steps)
        return (place != 0) if self.recurrent else place == place

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        passes = self.passes(at)
        updates = passes & (at["step"] > self.end(at))
        index = jnp.floor((at["step"] - self.shift) / self.interval_steps)
        found = self.optimized(at, at["gradient"], index, updates)
        weight = jnp.where(passes, at["weight"] + found["weight"], at["efficacy"])
        begun = dict.fromkeys(("z", "z_bar", "e_bar", "eps", "sum_e", "gradient"), 0.0)
        new = {n: jnp.where(updates, v, at[n]) for n, v in begun.items()} | {
            "interval": jnp.where(updates, index, at["interval"]),
            "fresh": jnp.where(passes, 1.0, at["fresh"]),
            "efficacy": weight,
            "sent": jnp.where(passes, weight, at["sent"]),
        }
        return found | changes(at, new)
