"""NEST's `glif_psc_double_alpha`."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.neurons._glif_psc import AlphaGlif
from spikax_nest.neurons._stacked import rows


class GlifPscDoubleAlpha(AlphaGlif):
    """`glif_psc` whose synaptic currents have two parts (NEST's `glif_psc_double_alpha`).

    A spike of weight w at time 0 adds to I_syn_k

        w e t (exp(-t / tau_syn_fast_k) / tau_syn_fast_k
               + amp_slow_k exp(-t / tau_syn_slow_k) / tau_syn_slow_k)

    whose parts have peaks of w and w amp_slow_k. NEST reads past the end of lists that are shorter
    than tau_syn_fast; this model refuses lists of different length.

    Source: Teeter et al. 2018, Nat. Commun. 9:709; behaviour as of NEST 3.10.
    """

    tau_syn_fast: Array = param([2.0] * ms, above=0, free=True, doc="time to the first peak")
    tau_syn_slow: Array = param([6.0] * ms, above=0, free=True, doc="time to the second peak")
    amp_slow: Array = param([0.3], above=0, free=True, doc="height of the second beside the first")
    each_receptor = "tau_syn_fast"
    # Time constants that no membrane has.
    pads = {**AlphaGlif.pads, "tau_syn_fast": 1e30, "tau_syn_slow": 1e30, "amp_slow": 1.0}

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("tau_syn_fast", "tau_syn_slow", "amp_slow")

    @property
    def taus(self) -> Array:
        both = jnp.broadcast_arrays(rows(self.tau_syn_fast), rows(self.tau_syn_slow))
        return jnp.concatenate(both)

    def arrived(self, inputs: Mapping[str, Array], like: Array) -> Array:
        fast = super().arrived(inputs, like)
        return jnp.concatenate([fast, rows(self.amp_slow) * fast])
