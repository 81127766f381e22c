"""Synapses of first-order kinetics: AMPA and GABA_A."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from spikax._fields import param
from spikax._receptor import Kinetics
from spikax._system import Array
from spikax.releases._pulse import Pulsed, PulseState
from spikax.synapses import COBA, Expon
from spikax.units import mM, ms, mV


class AMPA(Pulsed):
    """AMPA synapse of first-order kinetics (Destexhe, Mainen & Sejnowski 1994, 1998).

        dr/dt = alpha [T] (1 - r) - beta r,  [T] = T for `duration` after a spike, else 0

    A further spike prolongs the pulse. r is exact. Each step releases r(t + dt) - r(t) exp(-beta
    dt), zero once the pulse is over: the receptor, Expon(1 / beta), sums it up to the r of all
    sources by their weights, as if every synapse had an r of its own. E = 0 mV.
    """

    alpha: Array = param(1.1 / (mM * ms), above=0, doc="binding rate")
    beta: Array = param(0.19 / ms, above=0, doc="unbinding rate")
    State = PulseState

    def kinetics(self) -> Kinetics:
        return Expon(1 / self.shared("beta"))

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> PulseState:
        del t
        binding = dt * self.alpha * state.transmitter
        unbinding = dt * self.beta
        kept = state.r * jnp.exp(-unbinding)
        # r_inf (1 - e^-total) + r (e^-total - e^-unbinding), exactly 0 without transmitter.
        total = binding + unbinding
        bound = kept * jnp.expm1(-binding) - binding / total * jnp.expm1(-total)
        return self.pulse(state.replace(r=kept + bound, release=bound), inputs["spike"], dt)


class GABAa(AMPA):
    """GABA_A synapse of first-order kinetics (Destexhe, Mainen & Sejnowski 1994, 1998).

    The equations of `AMPA`. E = -80 mV.
    """

    alpha: Array = param(5 / (mM * ms), above=0, doc="binding rate")
    beta: Array = param(0.18 / ms, above=0, doc="unbinding rate")
    coupling = COBA(-80 * mV)
