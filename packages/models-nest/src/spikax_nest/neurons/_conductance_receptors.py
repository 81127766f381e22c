"""Receptors of which each is a conductance that rises and falls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import Unit, mV, nS
from spikax_nest.neurons._conductance import beta_rise
from spikax_nest.neurons._receptors import Receptors
from spikax_nest.neurons._runge_kutta import Y
from spikax_nest.neurons._stacked import apart, rows, stacked


class ConductanceReceptors(Receptors):
    """Receptors k = 1 to n, of which the current -g_k (V - E_rev_k) flows.

    dg_k/dt = rise_k - g_k / tau_decay_k, drise_k/dt = -rise_k / tau_rise_k: a spike of weight w
    makes a peak of w.
    """

    E_rev: Array = param([0.0] * mV, free=True, doc="reversal potential of each receptor")
    tau_rise: Array
    tau_decay: Array
    stacks = {"g": "E_rev", "dg": "E_rev"}
    each_receptor = "E_rev"
    weights = nS
    synaptic: tuple[str, ...] = ("g", "dg")

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, **dict.fromkeys(self.numbered("g"), nS)}

    def read(self, state: Any, name: str) -> Array:
        return state.g[name[2:]] if name.startswith("g_") else super().read(state, name)

    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the conductances."""
        V, ends = y["V_m"], (rows(self.tau_rise), rows(self.tau_decay))
        dg, g = stacked(y["dg"], V), stacked(y["g"], V)
        return {"dg": apart(-dg / ends[0]), "g": apart(dg - g / ends[1])}

    def synaptic_current(self, y: Y, V: Array) -> Array:
        """What flows in at a potential (pA)."""
        return -jnp.sum(stacked(y["g"], V) * (V[None] - rows(self.E_rev)), axis=0)

    def arrive(self, y: Y, inputs: Any) -> Y:
        """The conductances after spikes."""
        V, jump = y["V_m"], rows(jax.vmap(beta_rise)(self.tau_rise, self.tau_decay))
        return y | {"dg": apart(stacked(y["dg"], V) + self.arrived(inputs, V) * jump)}
