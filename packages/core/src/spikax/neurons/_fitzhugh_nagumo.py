"""The FitzHugh-Nagumo neuron."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell, param
from spikax._neuron import CrossingState
from spikax._system import Array
from spikax.neurons._scaled import Scaled
from spikax.units import mV


class FitzHughNagumoState(CrossingState):
    """Variables of a FitzHugh-Nagumo neuron."""

    w: Array = cell(doc="recovery")


class FitzHughNagumo(Scaled):
    """FitzHugh-Nagumo neuron (FitzHugh 1961, in the signs of Nagumo et al. 1962).

        V = V_0 + V_scale x
        tau dx/dt = x - x^3 / 3 - w + I        I = (I_syn(V) + I_e) tau / (C_m V_scale)
        tau dw/dt = epsilon (x + a - b w)      w starts at rest for V_init

    A spike is an upward crossing of V_th. The scales set it between -66 and 30 mV or so; with them
    the paper's I = 0.5 is 150 pA. V and w are integrated together by the exponential Euler method
    (order 2).
    """

    V_0: Array = param(-30 * mV, doc="potential at x = 0")
    a: Array = param(0.7, doc="shift of the recovery")
    b: Array = param(0.8, above=0, doc="decay of the recovery")
    epsilon: Array = param(0.08, above=0, doc="rate of the recovery")
    V_init: Array = param(
        lambda v: v["V_0"] - 1.2 * v["V_scale"], unit=mV, doc="potential at the start"
    )
    State = FitzHughNagumoState
    evolving = ("V_m", "w")

    def init_state(self, size: int, *, key: Any, dt: float) -> FitzHughNagumoState:
        s: FitzHughNagumoState = super().init_state(size, key=key, dt=dt)
        return s.replace(w=(self.x(s.V_m) + self.a) / self.b)

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, w = y
        x = self.x(V)
        return self.flow(x - x**3 / 3 - w, current), (
            self.epsilon * (x + self.a - self.b * w) / self.tau
        )
