"""Neurons with any number of receptors, each with a time constant of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array

from spikax import Port, cell, param
from spikax.units import Unit, ms, pA
from spikax_nest.neurons._linear import LinearNeuron, LinearState
from spikax_nest.neurons._stacked import Stacked, of_defaults, stacked


class MultisynapseState(LinearState):
    """Variables of a neuron with n receptors."""

    I: Mapping[str, Array] = cell(pA, doc="current of each receptor")


class MultisynapseNeuron(Stacked, LinearNeuron):
    """A leaky integrate-and-fire neuron with receptors 1 to n: `tau_syn` has n values.

    Signals: I_syn_1 to I_syn_n, and their sum I_syn.
    """

    tau_syn: Array = param([2.0] * ms, above=0, free=True, doc="time constant of each receptor")
    stacks = {"I": "tau_syn"}
    # A time constant that no membrane has.
    pads = {"tau_syn": 1e30}
    computed = {
        "n_synapses": lambda values: len(values["tau_syn"]),
        "has_connections": lambda _: False,
    }

    @property
    def receptors(self) -> range:
        """NEST's numbers of the receptors."""
        return range(1, self.length("tau_syn") + 1)

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        channels = tuple(map(str, self.receptors))
        syn = {"syn": Port(pA, channels=channels)} if channels else {}
        return {**syn, "current": Port(pA)}

    def arrived(self, s: Any, inputs: Mapping[str, Array]) -> Array:
        """What arrived at each receptor: nothing where there is none."""
        return inputs["syn"] if self.receptors else stacked(s.I, s.V_m)

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {k: f"syn.{k}" for k in self.receptors}

    @of_defaults
    def recordables(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("I_syn", *(f"I_syn_{k}" for k in self.receptors), "V_m")

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, **dict.fromkeys(self.recordables[:-1], pA)}

    def read(self, state: Any, name: str) -> Array:
        if name == "I_syn":
            return stacked(state.I, state.V_m).sum(0)
        if name in self.recordables[:-1]:
            return state.I[name.removeprefix("I_syn_")]
        return super().read(state, name)
