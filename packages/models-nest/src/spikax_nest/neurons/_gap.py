"""Gap junctions: neurons that tell each other their potential over a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell
from spikax.units import UNITLESS, Unit, mV, nS, pA
from spikax_nest.neurons._hodgkin_huxley import HodgkinHuxley
from spikax_nest.neurons._runge_kutta import RungeKuttaState, Y

ORDERS: Mapping[int, Mapping[str, str]] = {
    0: {"gap": "V_m"},
    1: {"gap": "V_m", "gap_1": "V_chord"},
    3: {"gap": "V_m", "gap_1": "V_1", "gap_2": "V_2", "gap_3": "V_3"},
}
"""The signal for each port, by the order of the polynomial in which potentials are told."""
CONDUCTANCE = {"gap_conductance": "one"}


class GapState(RungeKuttaState):
    """With the potential over the last step, V_m + V_1 u + V_2 u^2 + V_3 u^3.

    u falls from 1 at the start of the step to 0 at its end.
    """

    V_1: Array = cell(mV, doc="linear part")
    V_2: Array = cell(mV, doc="quadratic part")
    V_3: Array = cell(mV, doc="cubic part")


class GapCoupled(HodgkinHuxley):
    """Takes the current of gap junctions, sum_j g_j (V_j - V), within a step.

    V_j is what the others tell of their potential: its value, and its cubic Hermite polynomial
    over the step where they are solved together: waveform relaxation (Hahne et al. 2015).
    """

    couples = {"gap": tuple({s: None for o in ORDERS.values() for s in o.values()})}
    uses_wfr = True

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        gaps = {name: Port(pA) for name in ORDERS[3]} | {name: Port(nS) for name in CONDUCTANCE}
        return {**super().ports, **gaps}

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "V_chord": mV, "one": UNITLESS}

    def read(self, state: Any, name: str) -> Array:
        if name == "one":
            return jnp.ones_like(state.V_m)
        if name == "V_chord":
            return state.V_1 + state.V_2 + state.V_3
        return super().read(state, name)

    def begin(self, state: Any, inputs: Any, dt: float) -> tuple[Y, Y]:
        y, args = super().begin(state, inputs, dt)
        told = {n: inputs[n] for n in (*ORDERS[3], *CONDUCTANCE)}
        return y | {"u": jnp.ones_like(state.V_m)}, args | told | {"fall": -1 / dt}

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        u, (c_0, c_1, c_2, c_3) = y["u"], (args[n] for n in ORDERS[3])
        gap = c_0 + u * (c_1 + u * (c_2 + u * c_3)) - args["gap_conductance"] * y["V_m"]
        rates = super().rates(y, {**args, "I": args["I"] + gap})
        return rates | {"u": jnp.full_like(u, args["fall"])}

    def tell(self, start: Y, end: Y, args: Y, dt: float) -> Y:
        rise = start["V_m"] - end["V_m"]
        before, after = (
            -dt * self.rates(y | {"u": jnp.full_like(y["u"], u)}, args)["V_m"]
            for y, u in ((start, 1.0), (end, 0.0))
        )
        cubic = after + before - 2 * rise
        return {"V_1": after, "V_2": rise - after - cubic, "V_3": cubic}
