"""The GABA_B synapse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import cell, param
from spikax._integrate import phi1
from spikax._receptor import Kinetics
from spikax._system import Array
from spikax.releases._pulse import Pulsed, PulseState
from spikax.synapses import COBA, Held
from spikax.units import mM, ms, mV


class GABAbState(PulseState):
    """A pulse, the bound receptors, and the G-proteins that these activate."""

    s: Array = cell(doc="activated G-protein, in uM")


class GABAb(Pulsed):
    """GABA_B synapse (Destexhe & Sejnowski 1995; Destexhe, Mainen & Sejnowski 1998).

        dr/dt = K_1 [T] (1 - r) - K_2 r,  [T] = T for `duration` after a spike, else 0
        ds/dt = K_3 r - K_4 s
        g = s^4 / (s^4 + K_d)             four bound G-proteins open a channel

    A further spike prolongs the pulse. r and s are exact. g is no sum of exponentials, so it is
    released as it is, in every step, and the receptor holds it for a step. E = -95 mV.
    """

    K_1: Array = param(0.09 / (mM * ms), above=0, doc="binding rate")
    K_2: Array = param(0.0012 / ms, above=0, doc="unbinding rate")
    K_3: Array = param(0.18 / ms, above=0, doc="activation of G-protein")
    K_4: Array = param(0.034 / ms, above=0, doc="its inactivation")
    K_d: Array = param(100.0, above=0, doc="dissociation constant of the channel, in uM^4")
    coupling = COBA(-95 * mV)
    State = GABAbState

    def kinetics(self) -> Kinetics:
        return Held()

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> GABAbState:
        del t
        rate = self.K_1 * state.transmitter + self.K_2
        r_inf = self.K_1 * state.transmitter / rate
        away, kept = state.r - r_inf, jnp.exp(-dt * self.K_4)
        # Integrals over the step of what is produced by r_inf, and by r on its way there.
        produced = r_inf * phi1(-dt * self.K_4) + away * kept * phi1(dt * (self.K_4 - rate))
        s = state.s * kept + dt * self.K_3 * produced
        r = r_inf + away * jnp.exp(-dt * rate)
        moved = state.replace(r=r, s=s, release=s**4 / (s**4 + self.K_d))
        return self.pulse(moved, inputs["spike"], dt)
