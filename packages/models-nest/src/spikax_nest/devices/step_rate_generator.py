"""NEST's `step_rate_generator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jax import Array

from spikax import param
from spikax.units import UNITLESS, Unit, pA
from spikax_nest.devices.step_current_generator import StepCurrentGenerator


class StepRateGenerator(StepCurrentGenerator):
    """A rate that changes in steps (NEST's `step_rate_generator`).

    As `step_current_generator`, of a plain number that rate connections transmit.

    Source: behaviour as of NEST 3.10.
    """

    amplitude_values: Array = param([] * pA, free=True, doc="rate from each time on")
    recordables = ("rate",)
    sends = "rate"

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "rate": UNITLESS}

    def read(self, state: Any, name: str) -> Array:
        return super().read(state, "current" if name == "rate" else name)
