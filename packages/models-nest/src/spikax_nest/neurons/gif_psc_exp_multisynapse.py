"""NEST's `gif_psc_exp_multisynapse`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
from jax import Array

from spikax import cell, param
from spikax.units import ms, pA
from spikax_nest.neurons._gif import Gif, GifState
from spikax_nest.neurons._gif_psc import GifPsc
from spikax_nest.neurons._linear import LinearState
from spikax_nest.neurons._receptors import Receptors
from spikax_nest.neurons._stacked import apart, stacked


class GifPscExpMultisynapseState(GifState, LinearState):
    """Variables of `gif_psc_exp_multisynapse`."""

    I: Mapping[str, Array] = cell(pA, doc="current of each receptor")


class GifPscExpMultisynapse(  # pyright: ignore[reportIncompatibleVariableOverride]
    Receptors, GifPsc
):
    """`gif_psc_exp` with any number of receptors (NEST's `gif_psc_exp_multisynapse`).

        C_m dV/dt = -g_L (V - E_L) - I_stc + sum_k I_syn_k + I_e + I
        dI_syn_k/dt = -I_syn_k / tau_syn_k;  a spike of weight w adds w

    Other than in `gif_psc_exp`, a spike that arrives moves V from the next step on.

    Source: Mensi et al. 2012, J. Neurophysiol. 107; Pozzorini et al. 2015, PLoS Comput. Biol. 11;
    behaviour as of NEST 3.10.
    """

    tau_syn: Array = param([2.0] * ms, above=0, free=True, doc="decay time of each receptor")
    stacks = {**Gif.stacks, "I": "tau_syn"}
    pads = {**Gif.pads, "tau_syn": 1e30}  # a time constant that no membrane has
    computed = {**Gif.computed, **Receptors.computed}
    recordables = ("E_sfa", "I_stc", "V_m")
    State = GifPscExpMultisynapseState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> GifPscExpMultisynapseState:
        s, currents = state, jax.vmap(partial(self.exp_current, dt=dt))
        arrived = self.arrived(inputs, s.V_m)
        I, driven = currents(stacked(s.I, s.V_m), arrived, self.tau_syn)
        escaped = self.escape(s, self.moved(s, driven.sum(0), dt), t, dt)
        return s.replace(**escaped, I=apart(I), I_0=inputs["current"])
