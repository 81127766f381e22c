"""NEST's `iaf_chs_2007`."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Port, State, by_sign, cell, clock, param, spike
from spikax.units import ms
from spikax_nest.devices._table import column
from spikax_nest.neurons._neuron import SpikingNode


class IafChs2007State(State):
    """Variables of `iaf_chs_2007`."""

    V_m: Array = cell(init="V_m", doc="membrane potential")
    V_syn: Array = cell(doc="part of it that synapses make")
    dV_syn: Array = cell(1 / ms, doc="what that rises by")
    V_spike: Array = cell(doc="part of it that is left of past spikes")
    spike: Array = spike()
    step: Array = clock("steps taken")


class IafChs2007(SpikingNode):
    """Spike-response neuron of the lateral geniculate nucleus (NEST's `iaf_chs_2007`).

        V = V_syn + V_spike + V_noise noise[k]  in step k, above rest, the threshold being 1
        V_syn: a spike of weight w > 0 at time 0 adds w V_epsp e t / tau_epsp exp(-t / tau_epsp)
        V >= 1:  spike, V_spike <- V_spike - V_reset;  dV_spike/dt = -V_spike / tau_reset

    Weights below 0 have no effect. NEST writes V_m anew in every step: what it is set to shows no
    effect. After the last entry there is no noise; NEST reads on into memory that is not its own.

    Source: Carandini, Horton & Sincich 2007, J. Vis. 7:20; behaviour as of NEST 3.10.
    """

    tau_epsp: Array = param(8.5 * ms, above=0, doc="time to the peak of V_syn")
    tau_reset: Array = param(15.4 * ms, above=0, doc="decay time of V_spike")
    V_epsp: Array = param(0.77, at_least=0, doc="peak of V_syn for a weight of 1")
    V_reset: Array = param(2.31, at_least=0, doc="fall of V_spike by a spike")
    V_noise: Array = param(0.0, doc="factor of the noise")
    noise: Array = param([], free=True, doc="noise in each step; none after the last")
    V_m: Array = param(0.0, doc="what NEST shows as the potential before the first step")
    width: Array = param(1.0, above=0, doc="scale of the surrogate gradient")
    pads = {"noise": 0.0}
    ports = {"syn": Port(channels=("ex", "in"), route=by_sign)}
    recordables = ("V_m",)
    State = IafChs2007State

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafChs2007State:
        s, (weight, _) = state, inputs["syn"]
        decay = jnp.exp(-dt / self.tau_epsp)
        V_syn, kept = decay * (s.V_syn + dt * s.dV_syn), jnp.exp(-dt / self.tau_reset) * s.V_spike
        V = V_syn + kept + self.V_noise * self.noise_at(s.step)
        spikes = self.spikes(V - 1)
        return IafChs2007State(
            V_m=V - self.V_reset * spikes,
            V_syn=V_syn,
            dV_syn=decay * s.dV_syn + self.V_epsp * math.e / self.tau_epsp * weight,
            V_spike=kept - self.V_reset * spikes,
            spike=spikes,
            step=s.step + 1,
        )

    def noise_at(self, step: Array) -> Array:
        """The entry of a step; 0 where there are no more."""
        n = np.shape(self.noise)[0]
        if not n:
            return jnp.zeros(step.shape, self.noise.dtype)
        return jnp.where(step < n, column(self.noise, jnp.minimum(step, n - 1)), 0.0)
