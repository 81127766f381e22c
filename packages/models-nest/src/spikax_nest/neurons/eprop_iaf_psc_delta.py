"""NEST's `eprop_iaf_psc_delta`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax_nest.neurons._eprop import HardReset, HardResetState


class EpropIafPscDelta(HardReset):
    """The `iaf_psc_delta` for e-prop (NEST's `eprop_iaf_psc_delta`).

    As in `iaf_psc_delta`, V is reset to V_reset and held for t_ref; spikes that arrive then are
    lost, or with `refractory_input` added at its end.

    Source: Korcsak-Gorzo et al. 2025, arXiv:2511.21674; behaviour as of NEST 3.10.
    """

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> HardResetState:
        return state.replace(**self.fired(state, inputs, self.V_th, dt))
