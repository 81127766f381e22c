"""Integrate-and-fire neurons with conductances: what differs is how these change."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import ms, mV, nS, pA, pF
from spikax_nest.neurons._conductance import Conductances, RisingState
from spikax_nest.neurons._neuron import NestNeuron
from spikax_nest.neurons._runge_kutta import RungeKuttaNeuron, Y


class IafCond(Conductances, RungeKuttaNeuron, NestNeuron):
    """Leaky integrate-and-fire neuron with synaptic conductances.

    C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I

    Within a step V is taken at most as V_th; in the refractory period it is V_reset.
    """

    V_reset: Array = param(-60 * mV, doc="potential after a spike, below the threshold")
    C_m: Array = param(250 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(16.6667 * nS, doc="leak conductance")
    E_L: Array = param(-70 * mV, doc="leak reversal potential")
    t_ref: Array = param(2 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": self.syn, "current": Port(pA)}

    @abstractmethod
    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the conductances."""

    @abstractmethod
    def arrive(self, y: Y, inputs: Any) -> Y:
        """The conductances after spikes."""

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        held = args["r"] > 0
        V = jnp.where(held, self.V_reset, jnp.minimum(y["V_m"], self.V_th))
        leak = -self.g_L * (V - self.E_L)
        flow = (leak + self.synaptic_current(y, V) + args["I"] + self.I_e) / self.C_m
        return {"V_m": jnp.where(held, 0.0, flow), **self.synaptic_rates(y)}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s, names = state, ("V_m", *self.synaptic)
        args = {"r": s.r, "I": s.I_0}
        y, _, solver = self.integrate(s, {n: getattr(s, n) for n in names}, args, dt)
        y = self.arrive(y, inputs)
        held = jnp.where(s.r > 0, self.V_reset, y["V_m"])
        V, spikes, r = self.fire(held, s.r, dt)
        return s.replace(**y | {"V_m": V}, **solver, spike=spikes, r=r, I_0=inputs["current"])


class TimedState(RisingState):
    """With what is left of the refractory period."""

    t_ref_remaining: Array = cell(ms, doc="what is left of the refractory period")


class TimedIafCond(IafCond):
    """The same, of which NEST records what is left of the refractory period."""

    recordables = ("V_m", "g_ex", "g_in", "t_ref_remaining")
    State = TimedState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        after = super().update(state, inputs, t=t, dt=dt)
        return after.replace(t_ref_remaining=after.r.astype(after.V_m.dtype) * dt)
