"""The Hindmarsh-Rose neuron."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell, param
from spikax._neuron import CrossingState
from spikax._system import Array
from spikax.neurons._scaled import Scaled
from spikax.units import mV


class HindmarshRoseState(CrossingState):
    """Variables of a Hindmarsh-Rose neuron."""

    y: Array = cell(doc="fast recovery")
    z: Array = cell(doc="slow adaptation")


class HindmarshRose(Scaled):
    """Bursting neuron of Hindmarsh & Rose (1984).

        V = V_0 + V_scale x
        tau dx/dt = y - a x^3 + b x^2 - z + I      I = (I_syn(V) + I_e) tau / (C_m V_scale)
        tau dy/dt = c - d x^2 - y
        tau dz/dt = r (s (x - x_R) - z)            y and z start at rest for V_init

    A spike is an upward crossing of V_th. The scales set it between -70 and 40 mV or so; with them
    I = 2 is 600 pA. The three variables are integrated together by the exponential Euler method
    (order 2).
    """

    a: Array = param(1.0, doc="cubic coefficient")
    b: Array = param(3.0, doc="quadratic coefficient")
    c: Array = param(1.0, doc="drive of the fast recovery")
    d: Array = param(5.0, doc="quadratic coefficient of the fast recovery")
    r: Array = param(0.005, above=0, doc="rate of the adaptation")
    s: Array = param(4.0, doc="sensitivity of the adaptation to x")
    x_R: Array = param(-1.6, doc="x at rest")
    V_init: Array = param(
        lambda v: v["V_0"] + v["x_R"] * v["V_scale"], unit=mV, doc="potential at the start"
    )
    State = HindmarshRoseState
    evolving = ("V_m", "y", "z")

    def init_state(self, size: int, *, key: Any, dt: float) -> HindmarshRoseState:
        s: HindmarshRoseState = super().init_state(size, key=key, dt=dt)
        x = self.x(s.V_m)
        return s.replace(y=self.c - self.d * x**2, z=self.s * (x - self.x_R))

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        V, fast, slow = y
        x = self.x(V)
        return (
            self.flow(fast - self.a * x**3 + self.b * x**2 - slow, current),
            (self.c - self.d * x**2 - fast) / self.tau,
            self.r * (self.s * (x - self.x_R) - slow) / self.tau,
        )
