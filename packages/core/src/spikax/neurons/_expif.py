"""The exponential integrate-and-fire neuron."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from spikax._fields import param
from spikax._neuron import FiringState, Membrane, rest
from spikax._system import Array
from spikax.neurons._upstroke import check_upstroke
from spikax.units import ms, mV, pF


class ExpIF(Membrane):
    """Exponential integrate-and-fire neuron (Fourcaud-Trocme et al. 2003).

        dV/dt = (E_L - V + Delta_T exp((V - V_th) / Delta_T)) / tau_m + (I_syn(V) + I_e) / C_m
        V >= V_peak:  spike, V <- V_reset, V held for t_ref

    It fires steadily above the rheobase C_m / tau_m (V_th - E_L - Delta_T). The constants are those
    that the paper fits to the Wang-Buzsaki neuron, but for its refractory period of 1.7 ms. V_peak
    ends the upstroke, by default five slope factors above the threshold. Integrated by the
    exponential Euler method (order 2 between spikes).
    """

    V_th: Array = param(-59.9 * mV, doc="threshold of the exponential, V_T")
    V_reset: Array = param(-68 * mV, doc="potential after a spike")
    C_m: Array = param(100 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant")
    E_L: Array = param(-65 * mV, doc="resting potential of the leak")
    Delta_T: Array = param(3.48 * mV, above=0, doc="slope factor of the upstroke")
    V_peak: Array = param(
        lambda v: v["V_th"] + 5 * v["Delta_T"], unit=mV, doc="potential that ends the upstroke"
    )
    V_init: Array = param(rest, unit=mV, doc="potential at the start")
    State = FiringState

    def check(self, dt: float) -> None:
        super().check(dt)
        check_upstroke(self, 1 / self.tau_m, dt)

    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        (V,) = y
        upstroke = self.Delta_T * jnp.exp((V - self.V_th) / self.Delta_T)
        return (self.leak(V, current) + upstroke / self.tau_m,)

    def threshold(self, s: Any) -> Array:
        del s
        return self.V_peak
