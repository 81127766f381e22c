"""NEST's `eprop_readout_bsshslm_2020`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import UNITLESS, Unit, mV, pA
from spikax_nest.neurons._eprop_bsshslm_2020 import Interval
from spikax_nest.neurons.eprop_readout import Readout, ReadoutState

LOSSES = ("mean_squared_error", "cross_entropy")


class EpropReadoutBsshslm2020State(ReadoutState):
    """Variables of `eprop_readout_bsshslm_2020`."""

    readout_signal_unnorm: Array = cell(mV, doc="readout before it is normalised")


class EpropReadoutBsshslm2020(Interval, Readout):
    """Leaky readout of Bellec et al. 2020 (NEST's `eprop_readout_bsshslm_2020`).

        mean_squared_error:  error = y - target;  y = V of the step before
        cross_entropy:       error = softmax(V of the step before) - target

    The softmax is over all readouts that send their rates to receptor 1 of it, itself included, in
    one step; receptor 2 is the target. Errors count in the learning window, the last part of an
    update interval; where an interval begins V is reset.

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; behaviour as of NEST 3.10.
    """

    shift = 3
    loss: Array = param(0.0, doc="which loss")
    scale: Array = param(1 * mV, above=0, doc="potential that the softmax counts in")
    hidden = (*Interval.hidden, "scale")
    choices = {"loss": LOSSES}
    ports = {"syn": Port(mV), "current": Port(pA), "normal": Port(), "target": Port(mV)}
    recordables = (
        *("V_m", "error_signal", "readout_signal", "readout_signal_unnorm"),
        "target_signal",
    )
    computed = {n: lambda v: 0.0 for n in recordables[1:]}
    sends = "rate"
    State = EpropReadoutBsshslm2020State

    @property
    def rate_ports(self) -> Mapping[int, str]:
        return {1: "normal", 2: "target"}

    @property
    def receptor_types(self) -> Mapping[str, int]:
        return {"readout_signal": 1, "target_signal": 2}

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "rate": UNITLESS}

    def read(self, state: Any, name: str) -> Array:
        if name == "rate":
            return jnp.exp(state.readout_signal_unnorm / self.scale)
        return super().read(state, name)

    def update(
        self, state: Any, inputs: Any, *, t: Array, dt: float
    ) -> EpropReadoutBsshslm2020State:
        begins = (self.place(t, dt) == 0) & (self.resets != 0)
        s = state.replace(V_m=jnp.where(begins, self.E_L, state.V_m))
        V = self.moved(s, inputs["syn"], dt)
        own = jnp.exp(s.readout_signal_unnorm / self.scale)
        softmax = self.scale * own / (own + inputs["normal"])
        readout = jnp.where(
            self.loss == LOSSES.index("cross_entropy"), softmax, s.readout_signal_unnorm
        )
        counts = self.place(t, dt, late=1) >= self.steps(dt) - jnp.round(self.learning_window / dt)
        readout, target = (jnp.where(counts, v, 0.0) for v in (readout, inputs["target"]))
        return EpropReadoutBsshslm2020State(
            V_m=V,
            I_0=inputs["current"] + self.I_e,
            readout_signal=readout,
            readout_signal_unnorm=V,
            target_signal=target,
            error_signal=readout - target,
            signal_due=readout - target,
        )
