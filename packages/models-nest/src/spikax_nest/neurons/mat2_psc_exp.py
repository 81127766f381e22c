"""NEST's `mat2_psc_exp`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.units import ms, mV, pA, pF
from spikax_nest.neurons._linear import LinearMembrane, LinearState
from spikax_nest.neurons._neuron import left_after, width_between


class Mat2PscExpState(LinearState):
    """Variables of `mat2_psc_exp`."""

    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")
    V_th_alpha_1: Array = cell(mV, init="V_th_alpha_1", doc="part of the threshold that fades fast")
    V_th_alpha_2: Array = cell(
        mV, init="V_th_alpha_2", doc="part of the threshold that fades slowly"
    )
    V_th: Array = cell(mV, init="omega", doc="threshold")


class Mat2PscExp(LinearMembrane):
    """Neuron without a reset, with a threshold of two time scales (NEST's `mat2_psc_exp`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        dI_syn/dt = -I_syn / tau_syn;  a spike of weight w adds w, to I_syn_in where w < 0
        V >= V_th:  spike, V_th_alpha_k <- V_th_alpha_k + alpha_k, no other for t_ref
        V_th = omega + V_th_alpha_1 + V_th_alpha_2;  dV_th_alpha_k/dt = -V_th_alpha_k / tau_k

    Exact between the points of the grid. NEST refuses a tau_syn that equals tau_m, and so does this
    model.

    Source: Kobayashi, Tsubo & Shinomoto 2009, Front. Comput. Neurosci. 3:9; behaviour as of NEST
    3.10.
    """

    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(5 * ms, above=0, doc="membrane time constant")
    tau_syn_ex: Array = param(1 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(3 * ms, above=0, doc="decay time of I_syn_in")
    t_ref: Array = param(2 * ms, above=0, doc="time without spikes, rounded up to whole steps")
    omega: Array = param(-51 * mV, doc="threshold at rest")
    alpha_1: Array = param(37 * mV, doc="rise of V_th_alpha_1 by a spike")
    alpha_2: Array = param(2 * mV, doc="rise of V_th_alpha_2 by a spike")
    tau_1: Array = param(10 * ms, above=0, doc="decay time of V_th_alpha_1")
    tau_2: Array = param(200 * ms, above=0, doc="decay time of V_th_alpha_2")
    V_th_alpha_1: Array = param(0 * mV, doc="fast part of the threshold at the start")
    V_th_alpha_2: Array = param(0 * mV, doc="slow part of the threshold at the start")
    width: Array = width_between("omega", "E_L")
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    recordables = ("V_m", "V_th")
    computed = {"V_th": lambda v: v["omega"] + v["V_th_alpha_1"] + v["V_th_alpha_2"]}
    State = Mat2PscExpState

    def validate(self) -> None:
        self.refuse_equal("tau_m", "tau_syn_ex", "tau_syn_in")

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Mat2PscExpState:
        s, (w_ex, w_in) = state, inputs["syn"]
        I_ex, by_ex = self.exp_current(s.I_syn_ex, w_ex, self.tau_syn_ex, dt)
        I_in, by_in = self.exp_current(s.I_syn_in, w_in, self.tau_syn_in, dt)
        V, more = self.moved(s, by_ex + by_in, dt), self.follow(s, dt)
        first = jnp.exp(-dt / self.tau_1) * s.V_th_alpha_1
        second = jnp.exp(-dt / self.tau_2) * s.V_th_alpha_2
        rest = self.omega + more.get("V_th_v", 0.0)
        spikes = self.crossed(V, s.r, rest + first + second)
        first, second = first + self.alpha_1 * spikes, second + self.alpha_2 * spikes
        return s.replace(
            V_m=V,
            I_syn_ex=I_ex,
            I_syn_in=I_in,
            V_th_alpha_1=first,
            V_th_alpha_2=second,
            V_th=rest + first + second,
            I_0=inputs["current"],
            spike=spikes,
            r=left_after(s.r, spikes, self.t_ref, dt),
            **more,
        )

    def follow(self, s: Any, dt: float) -> dict[str, Array]:
        """What of the threshold follows the potential, and its slope, after a step: nothing."""
        del s, dt
        return {}
