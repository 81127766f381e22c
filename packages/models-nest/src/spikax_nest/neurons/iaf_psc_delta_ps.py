"""NEST's `iaf_psc_delta_ps`."""

from __future__ import annotations

import sys
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.units import mV
from spikax_nest.neurons._precise_neuron import (
    Event,
    PreciseNeuron,
    PreciseNeuronState,
    Progress,
)


class IafPscDeltaPs(PreciseNeuron):
    """`iaf_psc_delta` with spikes at any time, not on the grid alone (NEST's `iaf_psc_delta_ps`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_e + I;  a spike of weight w adds w to V
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Exact: the time of a crossing is a closed form, and a jump above threshold is a spike at once,
    all spikes of one time together. Spikes that arrive in the refractory period are lost; NEST 3.10
    shows `refractory_input`, but lets nobody set it. Currents change on the grid.

    Source: Morrison et al. 2007, Neural Comput. 19; behaviour as of NEST 3.10.
    """

    V_min: Array = param(-sys.float_info.max * mV, finite=False, doc="lower bound of the potential")
    jumps = mV
    computed = {**PreciseNeuron.computed, "refractory_input": lambda values: False}
    recordables = ("V_m",)
    State = PreciseNeuronState

    def flow(self, s: Any, time: Array) -> PreciseNeuronState:
        return s.replace(V_m=self.bounded(self.moved(s, jnp.zeros_like(time), time)))

    def target(self, s: Any) -> Array:
        """Where the potential would end (mV)."""
        return self.E_L + self.tau_m / self.C_m * (self.I_e + s.I_0)

    def slope(self, s: Any) -> Array:
        return (self.target(s) - s.V_m) / self.tau_m

    def crossing(self, s: Any, until: Array, fired: Array) -> Array:
        beyond = jnp.where(fired, self.target(s) - self.V_th, 1.0)
        return self.tau_m * jnp.log1p(jnp.where(fired, self.V_th - s.V_m, 0.0) / beyond)

    def meet(self, p: Progress, e: Event, dt: float) -> Progress:
        V = jnp.where(p.held, p.s.V_m, p.s.V_m + e.weight)
        tests = ~p.held & e.is_last & (e.weight != 0)
        spikes = jnp.where(tests, self.spikes(V - self.V_th), 0.0)
        return self.spiked(p._replace(s=p.s.replace(V_m=V)), spikes, e.offset, dt)
