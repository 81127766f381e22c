"""NEST's `vogels_sprekeler_synapse`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.synapses._synapse import NestSynapse

_w_max: Any = NestSynapse.declared["w_max"]


class VogelsSprekelerSynapse(NestSynapse):
    """Symmetric plasticity that balances excitation (NEST's `vogels_sprekeler_synapse`).

    With w the size of the weight, which has the sign of Wmax, Kplus and Kminus traces of spikes:

        spike of the target:  w <- min(w + eta Kplus, |Wmax|)
        spike of the source:  w <- max(min(w + eta Kminus, |Wmax|) - alpha eta, 0),
                              Kplus <- Kplus + 1

    eta and Wmax count in the unit of the weight. NEST shows the weight as it was after the last
    spike of the source: the variable `committed`.

    Source: Vogels et al. 2011, Science 334; behaviour as of NEST 3.10.
    """

    tau: Array = param(20 * ms, above=0, doc="time constant of Kplus")
    alpha: Array = param(0.12, doc="depression by a spike of the source, as a share of eta")
    eta: Array = param(0.001, doc="learning rate")
    Wmax: Array = param(1.0, doc="largest weight")
    Kplus: Array = param(0.0, at_least=0, doc="trace of the source at the start")
    tau_minus: Array = param(20 * ms, above=0, doc="time constant of Kminus, of the target")
    w_max: Any = dataclasses.replace(_w_max, default=None)
    shown = {"weight": "committed"}
    post_traces = {"Kminus": "tau_minus"}
    per_neuron = ("tau_minus",)
    pre_clocks = {"since": 0.0}
    variables = {"committed": "weight", "Kplus": "Kplus"}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        return {"weight": self.signed(self.grown(w, self.now(at))) - w}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        w = at["weight"]
        less = self.grown(w, at["Kminus"]) - self.alpha * self.eta
        left = self.signed(jnp.maximum(less, 0.0))
        return {
            "weight": left - w,
            "committed": left - at["committed"],
            "Kplus": self.now(at) + 1.0 - at["Kplus"],
        }

    def grown(self, w: Array, trace: Array) -> Array:
        """The size of a weight after potentiation by a trace of the other end."""
        return jnp.minimum(jnp.abs(w) + self.eta * trace, jnp.abs(self.Wmax))

    def signed(self, size: Array) -> Array:
        """A weight of this size, with the sign of Wmax."""
        return jnp.where(self.Wmax < 0, -size, size)

    def now(self, at: Mapping[str, Array]) -> Array:
        """Kplus just before the event, from what it was after the source's last spike."""
        return at["Kplus"] * jnp.exp(-at["since"] / self.tau)
