"""NEST's `eprop_iaf`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax_nest.neurons._eprop import ContinualState, SoftReset


class EpropIaf(SoftReset):
    """Leaky integrate-and-fire neuron with a soft reset, for e-prop (NEST's `eprop_iaf`).

        V <- E_L + e^(-dt / tau_m) (V - E_L) + sum of weights + (1 - e^(-dt / tau_m)) tau_m I / C_m
        V >= V_th:  spike, V <- V - (V_th - E_L), no further spike for t_ref

    The surrogate gradient is that of V before the reset. NEST's eprop_history_duration, the memory
    of its archive, has no counterpart here. learning_signal is shown as what arrived.

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; Korcsak-Gorzo et al. 2025, arXiv:2511.21674;
    behaviour as of NEST 3.10.
    """

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> ContinualState:
        return state.replace(**self.fired(state, inputs, self.V_th, dt))
