"""NEST's `eprop_readout`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, State, cell, param
from spikax.units import UNITLESS, Unit, mV, pA
from spikax_nest.neurons._eprop import NEVER, EpropMembrane


class ReadoutState(State):
    """Variables of every e-prop readout."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    I_0: Array = cell(pA, doc="current of the last step, with I_e")
    readout_signal: Array = cell(mV, doc="what is compared with the target")
    target_signal: Array = cell(mV, doc="target that arrived in this step")
    error_signal: Array = cell(mV, doc="error, sent as learning signal")
    signal_due: Array = cell(mV, doc="error that synapses see")


class Readout(EpropMembrane):
    """A leaky membrane that does not spike and sends how far it is from its target."""

    forced = False
    E_L: Array = param(0 * mV, doc="resting potential")
    V_m: Array = param(0 * mV, doc="membrane potential at the start")
    sends = ""
    teaches = "error_signal"
    State = ReadoutState

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "surrogate_due": UNITLESS, "rate_due": UNITLESS}

    def read(self, state: Any, name: str) -> Array:
        if name in ("surrogate_due", "rate_due"):
            # To a synapse it is a neuron whose output is its potential.
            return jnp.full_like(state.V_m, float(name == "surrogate_due"))
        return super().read(state, name)


class EpropReadout(Readout):
    """Leaky readout of the extended e-prop (NEST's `eprop_readout`).

        error = (V - target) learning window;  V as in `eprop_iaf` without spikes

    Rates arrive at receptor 1, the learning window (0 or 1), and receptor 2, the target.

    Source: Bellec et al. 2020, Nat. Commun. 11:3625; Korcsak-Gorzo et al. 2025, arXiv:2511.21674;
    behaviour as of NEST 3.10.
    """

    eprop_isi_trace_cutoff: Array = param(
        NEVER, at_least=0, finite=False, doc="time after a spike in which its synapse learns"
    )
    ports = {"syn": Port(mV), "current": Port(pA), "window": Port(), "target": Port(mV)}
    recordables = ("V_m", "error_signal", "readout_signal", "target_signal")
    computed = {n: lambda v: 0.0 for n in ("error_signal", "readout_signal", "target_signal")}

    @property
    def rate_ports(self) -> Mapping[int, str]:
        return {1: "window", 2: "target"}

    @property
    def receptor_types(self) -> Mapping[str, int]:
        return {"eprop_learning_window": 1, "target_signal": 2}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> ReadoutState:
        s, window = state, inputs["window"]
        V = self.moved(s, inputs["syn"], dt)
        readout, target = V * window, inputs["target"] * window
        return ReadoutState(
            V_m=V,
            I_0=inputs["current"] + self.I_e,
            readout_signal=readout,
            target_signal=target,
            error_signal=readout - target,
            signal_due=s.error_signal,
        )
