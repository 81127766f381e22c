"""NEST's `amat2_psc_exp`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell, param
from spikax.units import ms, mV, pF
from spikax_nest.neurons.mat2_psc_exp import Mat2PscExp, Mat2PscExpState


class Amat2PscExpState(Mat2PscExpState):
    """Variables of `amat2_psc_exp`."""

    V_th_v: Array = cell(mV, init="V_th_v", doc="part of the threshold that follows the potential")
    dV_th_v: Array = cell(mV / ms, doc="what that rises by")


class Amat2PscExp(Mat2PscExp):
    """`mat2_psc_exp` whose threshold follows the potential (NEST's `amat2_psc_exp`).

        V_th = omega + V_th_alpha_1 + V_th_alpha_2 + V_th_v
        V_th_v = beta int_0^inf s exp(-s / tau_v) dV/dt(t - s) ds

    and the rest as there. Exact between the points of the grid. NEST refuses a tau_syn or a tau_v
    that equals tau_m, and so does this model.

    Source: Yamauchi, Kim & Shinomoto 2011, Front. Comput. Neurosci. 5:42; behaviour as of NEST
    3.10.
    """

    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant")
    omega: Array = param(-65 * mV, doc="threshold at rest")
    alpha_1: Array = param(10 * mV, doc="rise of V_th_alpha_1 by a spike")
    alpha_2: Array = param(0 * mV, doc="rise of V_th_alpha_2 by a spike")
    beta: Array = param(0 / ms, doc="how much the threshold follows the potential")
    tau_v: Array = param(5 * ms, above=0, doc="time constant of V_th_v")
    V_th_v: Array = param(0 * mV, doc="V_th_v at the start")
    recordables = ("I_syn_ex", "I_syn_in", "V_m", "V_th", "V_th_v")
    computed = {"V_th": lambda v: v["omega"] + v["V_th_alpha_1"] + v["V_th_alpha_2"] + v["V_th_v"]}
    State = Amat2PscExpState

    def validate(self) -> None:
        super().validate()
        self.refuse_equal("tau_m", "tau_v")
        self.refuse_equal("tau_v", "tau_syn_ex", "tau_syn_in")

    def follow(self, s: Any, dt: float) -> dict[str, Array]:
        decay = jnp.exp(-dt / self.tau_v)
        value, slope = decay * (s.V_th_v + dt * s.dV_th_v), decay * s.dV_th_v
        for fall, tau in self.falls(s):
            driven = self.beta * fall
            rate = 1 / self.tau_v - 1 / tau
            kept, gone = jnp.exp(-dt / tau), -jnp.expm1(-rate * dt)
            slope = slope + driven * kept * gone / rate
            value = value + driven * kept * (gone - rate * dt * (1 - gone)) / rate**2
        return {"V_th_v": value, "dV_th_v": slope}

    def falls(self, s: Any) -> list[tuple[Array, Array]]:
        """The slope of V as a sum of exponentials: first value and time constant of each."""
        V = s.V_m - self.E_L - self.tau_m / self.C_m * (self.I_e + s.I_0)
        found = []
        for I, tau in ((s.I_syn_ex, self.tau_syn_ex), (s.I_syn_in, self.tau_syn_in)):
            part = I / self.C_m / (1 / self.tau_m - 1 / tau)
            V = V - part
            found.append((-part / tau, tau))
        return [*found, (-V / self.tau_m, self.tau_m)]
