"""NEST's `eprop_iaf_adapt_bsshslm_2020`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell
from spikax_nest.neurons._eprop import Adaptive
from spikax_nest.neurons._eprop_bsshslm_2020 import IntervalNeuron, IntervalState


class EpropIafAdaptBsshslm2020State(IntervalState):
    """Variables of `eprop_iaf_adapt_bsshslm_2020`."""

    adaptation: Array = cell(init="adaptation", doc="adaptation")


class EpropIafAdaptBsshslm2020(Adaptive, IntervalNeuron):
    """The same with an adaptive threshold (NEST's `eprop_iaf_adapt_bsshslm_2020`).

        threshold = V_th + adapt_beta a;  a <- e^(-dt / adapt_tau) a + spike of the step before

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; behaviour as of NEST 3.10.
    """

    State = EpropIafAdaptBsshslm2020State

    def kept(self, s: Any, t: Array, dt: float) -> Any:
        begins = (self.place(t, dt) == 0) & (self.resets != 0)
        return super().kept(s, t, dt).replace(adaptation=jnp.where(begins, 0.0, s.adaptation))

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s = self.kept(state, t, dt)
        a = self.adapted(s, dt)
        return s.replace(
            adaptation=a, **self.fired(s, inputs, self.V_th + self.adapt_beta * a, t, dt)
        )
