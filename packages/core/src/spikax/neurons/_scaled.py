"""What dimensionless models of a potential share: the scales that give them units."""

from __future__ import annotations

from spikax._fields import param
from spikax._neuron import Crossing
from spikax._system import Array
from spikax.units import ms, mV, pA, pF


class Scaled(Crossing):
    """A dimensionless potential x that stands for V = V_0 + V_scale x, its unit of time tau.

    A dimensionless current I is the current I C_m V_scale / tau.
    """

    C_m: Array = param(10 * pF, above=0, doc="membrane capacitance")
    V_0: Array = param(-20 * mV, doc="potential at x = 0")
    V_scale: Array = param(30 * mV, above=0, doc="potential for one unit of x")
    tau: Array = param(1 * ms, above=0, doc="unit of time")
    I_e: Array = param(0 * pA, doc="constant current")

    def x(self, V: Array) -> Array:
        """The dimensionless potential."""
        return (V - self.V_0) / self.V_scale

    def flow(self, rate: Array, current: Array) -> Array:
        """Rate of change (mV/ms) of V where that of x, without current, is `rate`."""
        return self.V_scale * rate / self.tau + (current + self.I_e) / self.C_m
