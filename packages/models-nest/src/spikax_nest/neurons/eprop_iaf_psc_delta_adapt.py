"""NEST's `eprop_iaf_psc_delta_adapt`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell
from spikax_nest.neurons._eprop import Adaptive, HardReset, HardResetState


class EpropIafPscDeltaAdaptState(HardResetState):
    """Variables of `eprop_iaf_psc_delta_adapt`."""

    adaptation: Array = cell(init="adaptation", doc="adaptation")


class EpropIafPscDeltaAdapt(Adaptive, HardReset):
    """The `eprop_iaf_psc_delta` with an adaptive threshold (NEST's `eprop_iaf_psc_delta_adapt`).

        threshold = V_th + adapt_beta a;  a <- e^(-dt / adapt_tau) a + spike of the step before

    Source: Korcsak-Gorzo et al. 2025, arXiv:2511.21674; behaviour as of NEST 3.10.
    """

    State = EpropIafPscDeltaAdaptState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> EpropIafPscDeltaAdaptState:
        a = jnp.where(state.r > 0, state.adaptation, self.adapted(state, dt))
        threshold = self.V_th + self.adapt_beta * a
        return state.replace(adaptation=a, **self.fired(state, inputs, threshold, dt))
