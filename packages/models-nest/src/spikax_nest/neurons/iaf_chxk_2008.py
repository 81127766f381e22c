"""NEST's `iaf_chxk_2008`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import Unit, ms, mV, nS, pA, pF
from spikax_nest.neurons._conductance import AlphaConductances, RisingState
from spikax_nest.neurons._late import LateNode
from spikax_nest.neurons._neuron import width_between
from spikax_nest.neurons._runge_kutta import RungeKuttaNeuron, Y

CURRENTS = {"I_ahp": ("g_ahp", "E_ahp"), "I_syn_ex": ("g_ex", "E_ex"), "I_syn_in": ("g_in", "E_in")}
"""The conductance and the reversal potential of each current."""


class IafChxk2008State(RisingState):
    """Variables of `iaf_chxk_2008`."""

    g_ahp: Array = cell(nS, doc="conductance of the afterhyperpolarisation")
    dg_ahp: Array = cell(nS / ms, doc="what g_ahp rises by")
    late: Array = cell(ms, doc="how long before the end of its step the last spike was")


class IafChxk2008(  # pyright: ignore[reportIncompatibleVariableOverride]
    AlphaConductances, LateNode, RungeKuttaNeuron
):
    """Integrate-and-fire neuron without reset, with spikes off the grid (NEST's `iaf_chxk_2008`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) - g_ahp (V - E_ahp) + I_e + I
        g: a spike of weight w at time 0 adds |w| e t / tau_syn exp(-t / tau_syn), whose peak is |w|
        V crosses V_th from below:  spike;  the same with tau_ahp adds to g_ahp, with peak g_ahp

    Where within its step V crosses is found by linear interpolation; there the spike is, and there
    the afterhyperpolarisation begins. With `ahp_bug` it takes the place of what earlier spikes left
    of theirs. Spikes that arrive count at the end of their step. As in NEST, the parameter g_ahp is
    the peak, what is recorded by this name the conductance.

    Source: Casti et al. 2008, J. Comput. Neurosci. 24; behaviour as of NEST 3.10.
    """

    V_th: Array = param(-45 * mV, doc="spike threshold")
    C_m: Array = param(1000 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(100 * nS, doc="leak conductance")
    E_L: Array = param(-60 * mV, doc="leak reversal potential")
    E_ex: Array = param(20 * mV, doc="reversal potential of g_ex")
    E_in: Array = param(-90 * mV, doc="reversal potential of g_in")
    E_ahp: Array = param(-95 * mV, doc="reversal potential of g_ahp")
    tau_syn_ex: Array = param(1 * ms, above=0, doc="time to the peak of g_ex")
    tau_syn_in: Array = param(1 * ms, above=0, doc="time to the peak of g_in")
    tau_ahp: Array = param(0.5 * ms, above=0, doc="time to the peak of g_ahp")
    g_ahp: Array = param(443.8 * nS, doc="peak of g_ahp after a spike")
    ahp_bug: Array = param(0.0, doc="whether a spike ends the afterhyperpolarisation of others")
    V_m: Array = param(-60 * mV, doc="membrane potential at the start")
    width: Array = width_between("V_th", "E_L")
    archives_late = False
    hidden = (*RungeKuttaNeuron.hidden, "g_ex", "g_in", "dg_ex", "dg_in")
    types = {"ahp_bug": bool}
    recordables = ("I_ahp", "I_syn_ex", "I_syn_in", "V_m", "g_ahp", "g_ex", "g_in")
    variables = ("V_m", *AlphaConductances.synaptic, "g_ahp", "dg_ahp")
    State = IafChxk2008State

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": self.syn, "current": Port(pA)}

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, **dict.fromkeys(CURRENTS, pA)}

    def read(self, state: Any, name: str) -> Array:
        if name not in CURRENTS:
            return super().read(state, name)
        g, E = CURRENTS[name]
        return getattr(state, g) * (state.V_m - getattr(self, E))

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V = y["V_m"]
        leak, ahp = self.g_L * (V - self.E_L), y["g_ahp"] * (V - self.E_ahp)
        flow = self.synaptic_current(y, V) - leak - ahp + self.I_e + args["I"]
        return {
            "V_m": flow / self.C_m,
            "g_ahp": y["dg_ahp"] - y["g_ahp"] / self.tau_ahp,
            "dg_ahp": -y["dg_ahp"] / self.tau_ahp,
            **self.synaptic_rates(y),
        }

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafChxk2008State:
        s, start = state, {n: getattr(state, n) for n in self.variables}
        y, _, solver = self.integrate(s, start, {"I": s.I_0}, dt)
        below = s.V_m < self.V_th
        spikes = self.spikes(y["V_m"] - self.V_th) * below.astype(s.V_m.dtype)
        fired = below & (y["V_m"] >= self.V_th)
        since = dt * (y["V_m"] - self.V_th) / jnp.where(fired, y["V_m"] - s.V_m, 1.0)
        since = jnp.where(fired, since, 0.0)
        y = self.arrive(self.repelled(y, spikes, since), inputs)
        late = jnp.where(fired, since, s.late)
        return s.replace(**y, **solver, spike=spikes, late=late, I_0=inputs["current"])

    def repelled(self, y: Y, spikes: Array, since: Array) -> Y:
        """The variables after spikes, `since` ago (ms)."""
        kept = 1 - spikes * (self.ahp_bug != 0).astype(spikes.dtype)
        rise = spikes * self.g_ahp * math.e / self.tau_ahp * jnp.exp(-since / self.tau_ahp)
        return y | {
            "g_ahp": kept * y["g_ahp"] + rise * since,
            "dg_ahp": kept * y["dg_ahp"] + rise,
        }
