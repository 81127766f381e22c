"""NEST's `eprop_iaf_adapt`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax_nest.neurons._eprop import Adaptive, ContinualAdaptiveState, SoftReset


class EpropIafAdapt(Adaptive, SoftReset):
    """The `eprop_iaf` with an adaptive threshold (NEST's `eprop_iaf_adapt`).

        threshold = V_th + adapt_beta a;  a <- e^(-dt / adapt_tau) a + spike of the step before

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; Korcsak-Gorzo et al. 2025, arXiv:2511.21674;
    behaviour as of NEST 3.10.
    """

    State = ContinualAdaptiveState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> ContinualAdaptiveState:
        a = self.adapted(state, dt)
        threshold = self.V_th + self.adapt_beta * a
        return state.replace(adaptation=a, **self.fired(state, inputs, threshold, dt))
