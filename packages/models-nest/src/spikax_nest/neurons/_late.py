"""Neurons whose spike of a step, one at most, tells something of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jax import Array

from spikax.units import UNITLESS, Unit
from spikax_nest.neurons._neuron import SpikingNode


class LateNode(SpikingNode):
    """A spike comes with its offset, the value of a cell: how long before the end of its step."""

    offset_cell: ClassVar[str] = "late"
    """The cell that has it."""

    @property
    def timed(self) -> Mapping[str, str]:
        return {"spike": "events"}

    @property
    def signals(self) -> Mapping[str, Unit]:
        known = super().signals
        return {**known, "events": UNITLESS, "offset": known[self.offset_cell]}

    def read(self, state: Any, name: str) -> Array:
        if name == "events":
            return state.spike[None]
        if name == "offset":
            return getattr(state, self.offset_cell)[None]
        return super().read(state, name)
