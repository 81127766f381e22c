"""NEST's `gif_cond_exp_multisynapse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import cell, param
from spikax.units import ms, mV, nS
from spikax_nest.neurons._gif import Gif, GifState
from spikax_nest.neurons._gif_cond import GifCond
from spikax_nest.neurons._receptors import Receptors
from spikax_nest.neurons._runge_kutta import RungeKuttaState, Y
from spikax_nest.neurons._stacked import apart, rows, stacked


class GifCondExpMultisynapseState(GifState, RungeKuttaState):
    """Variables of `gif_cond_exp_multisynapse`."""

    g: Mapping[str, Array] = cell(nS, doc="conductance of each receptor")


class GifCondExpMultisynapse(  # pyright: ignore[reportIncompatibleVariableOverride]
    Receptors, GifCond
):
    """`gif_cond_exp` with any number of receptors (NEST's `gif_cond_exp_multisynapse`).

        C_m dV/dt = -g_L (V - E_L) - sum_k g_k (V - E_rev_k) - I_stc + I_e + I
        dg_k/dt = -g_k / tau_syn_k;  a spike of weight w adds w

    Source: Mensi et al. 2012, J. Neurophysiol. 107; Pozzorini et al. 2015, PLoS Comput. Biol. 11;
    behaviour as of NEST 3.10.
    """

    tau_syn: Array = param([2.0] * ms, above=0, free=True, doc="decay time of each receptor")
    E_rev: Array = param([0.0] * mV, free=True, doc="reversal potential of each")
    stacks = {**Gif.stacks, "g": "tau_syn"}
    pads = {**Gif.pads, "tau_syn": 2.0, "E_rev": 0.0}
    computed = {
        **Gif.computed,
        **Receptors.computed,
        "g": lambda values: np.zeros(len(values["E_rev"])),
    }
    weights = nS
    synaptic = ("g",)
    recordables = ("E_sfa", "I_stc", "V_m")
    State = GifCondExpMultisynapseState

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("tau_syn", "E_rev")

    def synaptic_rates(self, y: Y) -> Y:
        return {"g": apart(-stacked(y["g"], y["V_m"]) / rows(self.tau_syn))}

    def synaptic_current(self, y: Y, V: Array) -> Array:
        return -jnp.sum(stacked(y["g"], V) * (V[None] - rows(self.E_rev)), axis=0)

    def arrive(self, y: Y, inputs: Any) -> Y:
        return y | {"g": apart(stacked(y["g"], y["V_m"]) + self.arrived(inputs, y["V_m"]))}
