"""The leaky integrate-and-fire neuron."""

from __future__ import annotations

from spikax._fields import param
from spikax._neuron import FiringState, Membrane, rest
from spikax._system import Array
from spikax.units import mV


class LIF(Membrane):
    """Leaky integrate-and-fire neuron (Lapicque 1907; Gerstner et al. 2014, eq. 1.9).

        dV/dt = (E_L - V) / tau_m + (I_syn(V) + I_e) / C_m
        V >= V_th:  spike, reset (hard: V <- V_reset, soft: V <- V - (V_th - V_reset)), V held for
        t_ref

    Integrated by the exponential Euler method with the synapses at mid-step: exact between spikes
    where the current is constant, of order 2 otherwise.
    """

    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = FiringState

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        return (self.leak(y[0], current),)
