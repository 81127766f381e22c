"""NEST's `iaf_psc_exp_ps_lossless`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import param
from spikax.errors import ConfigError
from spikax.units import Unit, ms, pA
from spikax_nest.neurons.iaf_psc_exp_ps import IafPscExpPs, IafPscExpPsState


class IafPscExpPsLosslessState(IafPscExpPsState):
    """Variables of `iaf_psc_exp_ps_lossless`."""

    @property
    def I_syn(self) -> Array:
        """The synaptic current of all weights."""
        return self.I_syn_ex + self.I_syn_in


class IafPscExpPsLossless(IafPscExpPs):
    """`iaf_psc_exp_ps` that misses no crossing (NEST's `iaf_psc_exp_ps_lossless`).

    Between events V is a constant and two exponentials, of tau_m and of tau_syn = tau_syn_ex =
    tau_syn_in, and has one extremum at most. Where that is a maximum above threshold, the neuron
    spikes, also if it is back below at the end. As in NEST, a neuron whose t_ref is 0 spikes once
    and never again.

    Source: Krishnan et al. 2018, Front. Neuroinform. 11:75; behaviour as of NEST 3.10.
    """

    t_ref: Array = param(2 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    computed = {
        **IafPscExpPs.computed,
        "I_syn": lambda values: values["I_syn_ex"] + values["I_syn_in"],
        "offset": lambda values: 0.0,
    }
    recordables = ("I_syn", "I_syn_ex", "I_syn_in", "V_m")
    State = IafPscExpPsLosslessState

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "I_syn": pA}

    def read(self, state: Any, name: str) -> Array:
        return state.I_syn if name == "I_syn" else super().read(state, name)

    def validate(self) -> None:
        super().validate()
        self.refuse_equal("tau_m", "tau_syn_ex", "tau_syn_in")
        both = self.tau_syn_ex, self.tau_syn_in
        if all(isinstance(tau, np.ndarray) for tau in both) and np.any(both[0] != both[1]):
            raise ConfigError(
                "IafPscExpPsLossless: tau_syn_ex == tau_syn_in is required; where they differ, use "
                "iaf_psc_exp_ps."
            )

    def highest(self, s: Any, after: Any, time: Array) -> tuple[Array, Array]:
        peak = lax.stop_gradient(self.peak(s, time))
        inside = (peak > 0) & (peak < time)
        V = self.flow(s, jnp.where(inside, peak, time)).V_m
        higher = inside & (after.V_m < V)
        return jnp.where(higher, V, after.V_m), jnp.where(higher, peak, time)

    def peak(self, s: Any, time: Array) -> Array:
        """When the potential is at its extremum; at `time` where it has none."""
        rates = 1 / self.tau_syn_ex, 1 / self.tau_m
        fast = s.I_syn / self.C_m / (rates[1] - rates[0])
        slow = s.V_m - self.E_L - self.tau_m / self.C_m * (self.I_e + s.I_0) - fast
        ratio = -fast * rates[0] / jnp.where(slow != 0, slow * rates[1], 1.0)
        has_one = (slow != 0) & (ratio > 0)
        return jnp.where(has_one, jnp.log(jnp.where(has_one, ratio, 1.0)), 0.0) / (
            rates[0] - rates[1]
        ) + jnp.where(has_one, 0.0, time)
