"""NEST's `glif_cond`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import cell, param
from spikax.units import ms, mV, nS
from spikax_nest.neurons._conductance_receptors import ConductanceReceptors
from spikax_nest.neurons._glif import Glif, GlifState
from spikax_nest.neurons._runge_kutta import RungeKutta, RungeKuttaState, Y
from spikax_nest.neurons._stacked import of_defaults


class GlifCondState(GlifState, RungeKuttaState):
    """Variables of `glif_cond`."""

    g: Mapping[str, Array] = cell(nS, doc="conductance of each receptor")
    dg: Mapping[str, Array] = cell(nS / ms, doc="what it rises by")


class GlifCond(  # pyright: ignore[reportIncompatibleVariableOverride]
    ConductanceReceptors, Glif, RungeKutta
):
    """`glif_psc` with any number of synaptic conductances (NEST's `glif_cond`).

        C_m dV/dt = -g_m (V - E_L) - sum_k g_k (V - E_rev_k) + sum_j ASCurrents_j + I
        g_k: a spike of weight w adds w e t / tau_syn_k exp(-t / tau_syn_k), whose peak is w

    As in NEST, what flows of ASCurrents is their mean over the step before.

    Source: Teeter et al. 2018, Nat. Commun. 9:709; behaviour as of NEST 3.10.
    """

    g_m: Array = param(9.43 * nS, above=0, doc="membrane conductance")
    tau_syn: Array = param(
        np.array([0.2, 2.0]) * ms, above=0, free=True, doc="time to the peak of each"
    )
    E_rev: Array = param([0.0, -85.0] * mV, free=True, doc="reversal potential of each receptor")
    stacks = {**Glif.stacks, **ConductanceReceptors.stacks}
    pads = {**Glif.pads, "tau_syn": 2.0}
    computed = {
        **Glif.computed,
        **dict.fromkeys(("g", "dg"), lambda values: np.zeros(len(values["tau_syn"]))),
    }
    unshown = ("threshold_spike", "threshold_voltage")
    hidden = RungeKutta.hidden
    State = GlifCondState

    @of_defaults
    def recordables(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return (*Glif.recordables, *self.numbered("g"))

    @property
    def leak(self) -> Array:
        return self.g_m

    @property
    def tau_rise(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.tau_syn

    @property
    def tau_decay(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.tau_syn

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("tau_syn", "E_rev")

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V = y["V_m"]
        flow = self.synaptic_current(y, V) - self.g_m * (V - self.E_L) + args["I"]
        return {"V_m": jnp.where(args["r"] > 0, 0.0, flow / self.C_m), **self.synaptic_rates(y)}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> GlifCondState:
        s, start = state, {n: getattr(state, n) for n in ("V_m", *self.synaptic)}
        args = {"r": s.r, "I": s.I_0 + s.ASCurrents_sum}
        y, _, solver = self.integrate(s, start, args, dt)
        after = self.arrive(y, inputs) | self.after(s, y["V_m"], self.triggered(s, dt), dt)
        return s.replace(**after, **solver, I_0=inputs["current"])
