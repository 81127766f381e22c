"""Adaptive exponential neurons with any number of conductances that rise and fall."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from spikax import cell, param
from spikax.units import ms, nS
from spikax_nest.neurons._aeif import Aeif, AeifState
from spikax_nest.neurons._conductance_receptors import ConductanceReceptors
from spikax_nest.neurons._receptors import Receptors
from spikax_nest.neurons._stacked import of_defaults


class AeifMultisynapseState(AeifState):
    """With the conductances."""

    g: Mapping[str, Array] = cell(nS, init="g", doc="conductance of each receptor")
    dg: Mapping[str, Array] = cell(nS / ms, init="dg", doc="what it rises by")


class AeifMultisynapse(  # pyright: ignore[reportIncompatibleVariableOverride]
    ConductanceReceptors, Aeif
):
    """With conductances that have a first value."""

    g: Array = param([0.0] * nS, free=True, doc="conductance of each at the start")
    dg: Array = param([0.0] * (nS / ms), free=True, doc="what it rises by at the start")
    computed = {**Receptors.computed, "n_receptors": lambda values: len(values["E_rev"])}
    State = AeifMultisynapseState

    @of_defaults
    def recordables(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("V_m", *self.numbered("g"), "w")
