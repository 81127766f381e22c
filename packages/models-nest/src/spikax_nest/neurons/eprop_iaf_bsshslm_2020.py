"""NEST's `eprop_iaf_bsshslm_2020`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax_nest.neurons._eprop_bsshslm_2020 import IntervalNeuron, IntervalState


class EpropIafBsshslm2020(IntervalNeuron):
    """Leaky integrate-and-fire neuron for e-prop (NEST's `eprop_iaf_bsshslm_2020`).

        V <- E_L + a (V - E_L) + c (sum of weights) + (1 - a) tau_m I / C_m - (V_th - E_L) z
        V >= V_th:  spike, no other for t_ref

    with a = e^(-dt / tau_m), c = 1, or 1 - a without `regular_spike_arrival`, and z its spike of
    the step before. All is reset where an update interval begins. NEST's eprop_history_duration,
    the memory of its archive, has no counterpart here.

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; behaviour as of NEST 3.10.
    """

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IntervalState:
        s = self.kept(state, t, dt)
        return s.replace(**self.fired(s, inputs, self.V_th, t, dt))
