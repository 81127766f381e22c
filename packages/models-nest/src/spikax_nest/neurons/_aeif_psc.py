"""Adaptive exponential integrate-and-fire neurons whose synapses are currents."""

from __future__ import annotations

from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.units import ms, pA
from spikax_nest.neurons._aeif import Aeif, AeifState
from spikax_nest.neurons._runge_kutta import Y


class AeifPscState(AeifState):
    """With the two currents."""

    I_syn_ex: Array = cell(pA, init="I_syn_ex", doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, init="I_syn_in", doc="size of that of negative weights")


class AeifPsc(Aeif):
    """I_syn = I_syn_ex - I_syn_in: both are positive, of weights of one sign and of the other."""

    tau_syn_ex: Array = param(0.2 * ms, above=0, doc="time constant of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="time constant of I_syn_in")
    I_syn_ex: Array = param(0 * pA, at_least=0, doc="I_syn_ex at the start")
    I_syn_in: Array = param(0 * pA, at_least=0, doc="I_syn_in at the start")
    recordables = ("I_syn_ex", "I_syn_in", "V_m", "w")

    @property
    def syn(self) -> Port:
        return Port(pA, channels=("ex", "in"), route=by_sign)

    def synaptic_current(self, y: Y, V: Array) -> Array:
        return y["I_syn_ex"] - y["I_syn_in"]
