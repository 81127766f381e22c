"""The NMDA synapse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import gamma, gammainc

from spikax._fields import cell, param
from spikax._receptor import Kinetics
from spikax._state import State
from spikax._system import Array
from spikax.releases._count import first_and_more
from spikax.releases._gate import Gate
from spikax.synapses import Expon, MgBlock
from spikax.synapses._kinetics import check_rise
from spikax.units import ms


class NMDAState(State):
    """The gate and what it released."""

    s: Array = cell(doc="share of the channels that are open")
    release: Array = cell(doc="opened by the last step's spikes")


class NMDA(Gate):
    """NMDA synapse with a slow, saturating gate (Wang 1999, 2002), in jumps.

        ds/dt = -s / tau_decay + alpha x (1 - s)
        dx/dt = -x / tau_rise,  x <- x + 1 at a spike

    For one spike this is linear, and long after it s is what a jump at the spike would have left:

        s <- s + k_0 + k_1 s,  k_1 = exp(-c) - 1,  c = alpha tau_rise,  q = tau_rise / tau_decay
        k_0 = integral of (y / c)^-q exp(-y) dy from 0 to c = c^q gamma(1 - q, c)

    The jump is released, sparse as the spikes, and the receptor, Expon(tau_decay) with MgBlock,
    decays: hundreds of times cheaper than to carry s. Against the equations, for trains of 5 to 50
    Hz: the mean of s is 1.7 to 1.9 % too high, since a jump is there before s would have risen, in
    about tau_rise; the difference that this makes is 0.035 to 0.042 of the full gate (rms).
    """

    alpha: Array = param(0.5 / ms, above=0, doc="opening rate")
    tau_rise: Array = param(2 * ms, above=0, doc="decay time constant of x")
    tau_decay: Array = param(100 * ms, above=0, doc="decay time constant of s")
    coupling = MgBlock()
    State = NMDAState

    def validate(self) -> None:
        check_rise(self, "use AMPA for a gate as fast as its transmitter")

    def kinetics(self) -> Kinetics:
        return Expon(self.shared("tau_decay"))

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> NMDAState:
        del t
        first, more = first_and_more(inputs["spike"])
        c, a = self.alpha * self.tau_rise, 1 - self.tau_rise / self.tau_decay
        k_0, k_1 = c ** (1 - a) * gamma(a) * gammainc(a, c), jnp.expm1(-c)
        s = state.s * jnp.exp(-dt / self.tau_decay)
        one = (k_0 + k_1 * s) * first
        # Spike by spike the gate comes closer to -k_0 / k_1, where a jump changes nothing.
        others = (1 - (1 + k_1) ** more) * (-k_0 / k_1 - s - one)
        return NMDAState(s=s + one + others, release=one + others)
