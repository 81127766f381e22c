"""How a synapse acts on the membrane."""

from __future__ import annotations

import jax.numpy as jnp

from spikax._fields import param
from spikax._receptor import Coupling
from spikax._system import Array
from spikax.units import mM, mV, nS, pA


class CUBA(Coupling):
    """Current-based synapse: I = g; a weight is a current, excitatory where positive."""

    unit = pA

    def current(self, g: Array, V: Array) -> Array:
        del V
        return g


class COBA(Coupling):
    """Conductance-based synapse: I = g (E - V); a weight is a conductance."""

    E: Array = param(0 * mV, doc="reversal potential")
    unit = nS

    def current(self, g: Array, V: Array) -> Array:
        return g * (self.E - V)


class MgBlock(Coupling):
    """NMDA synapse with its magnesium block: I = g (E - V) / (1 + exp(-k V) c_Mg / c_half).

    Source: Jahr & Stevens 1990, eq. 4, with k = 0.062 / mV and c_half = 3.57 mM.
    """

    E: Array = param(0 * mV, doc="reversal potential")
    c_Mg: Array = param(1 * mM, at_least=0, doc="magnesium concentration")
    c_half: Array = param(
        3.57 * mM, above=0, doc="concentration that halves the conductance at 0 mV"
    )
    k: Array = param(0.062 * mV**-1, above=0, doc="steepness")
    unit = nS

    def current(self, g: Array, V: Array) -> Array:
        return g * (self.E - V) / (1 + jnp.exp(-self.k * V) * self.c_Mg / self.c_half)
