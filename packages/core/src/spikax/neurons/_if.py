"""The perfect integrate-and-fire neuron."""

from __future__ import annotations

from spikax._fields import param
from spikax._neuron import FiringState, IntegrateAndFire
from spikax._system import Array
from spikax.units import ms, mV, pA, pF


class IF(IntegrateAndFire):
    """Integrate-and-fire neuron without leak (Gerstein & Mandelbrot 1964).

        C_m dV/dt = I_syn(V) + I_e
        V >= V_th:  spike, reset (hard: V <- V_reset, soft: V <- V - (V_th - V_reset)), V held for
        t_ref

    Exact between spikes where the current is constant, of order 2 otherwise. A constant current I
    makes it fire with period t_ref + C_m (V_th - V_reset) / I.
    """

    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    t_ref: Array = param(2 * ms, at_least=0, steps=True, doc="refractory period")
    I_e: Array = param(0 * pA, doc="constant current")
    V_init: Array = param(lambda v: v["V_reset"], unit=mV, doc="potential at the start")
    State = FiringState

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        del y
        return ((current + self.I_e) / self.C_m,)
