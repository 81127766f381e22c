"""Generalised integrate-and-fire neurons whose synapses are currents."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax.integrate import membrane_propagators
from spikax_nest.neurons._gif import Gif
from spikax_nest.neurons._linear import Currents


class GifPsc(Gif, Currents):
    """The membrane is linear, and exact between the points of the grid."""

    @property
    def tau_m(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.C_m / self.g_L

    def moved(self, s: Any, driven: Array, dt: float) -> Array:
        """The potential after a step in which synapses moved it by `driven` (mV)."""
        P_V, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        driven = P_I * (self.I_e + s.I_0 - self.triggered_current(s)) + driven
        return jnp.where(s.r == 0, self.E_L + P_V * (s.V_m - self.E_L) + driven, self.held(s))
