"""Neurons with any number of receptors, each with a time constant of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array

from spikax import cell, param
from spikax.units import Unit, ms, pA
from spikax_nest.neurons._linear import LinearNeuron, LinearState
from spikax_nest.neurons._receptors import Receptors
from spikax_nest.neurons._stacked import of_defaults, stacked


class MultisynapseState(LinearState):
    """Variables of a neuron with n receptors."""

    I: Mapping[str, Array] = cell(pA, doc="current of each receptor")


class MultisynapseNeuron(  # pyright: ignore[reportIncompatibleVariableOverride]
    Receptors, LinearNeuron
):
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

    @of_defaults
    def recordables(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("I_syn", *self.numbered("I_syn"), "V_m")

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, **dict.fromkeys(self.recordables[:-1], pA)}

    def read(self, state: Any, name: str) -> Array:
        if name == "I_syn":
            return stacked(state.I, state.V_m).sum(0)
        number = self.numbered("I_syn").get(name)
        return super().read(state, name) if number is None else state.I[number]
