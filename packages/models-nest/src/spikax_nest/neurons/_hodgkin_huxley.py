"""Neurons of Hodgkin-Huxley type, which spike where the potential stops rising."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.integrate import phi1
from spikax.units import ms, mV, nS, pA, pF
from spikax_nest.neurons._conductance import Conductances
from spikax_nest.neurons._neuron import left_after
from spikax_nest.neurons._runge_kutta import RungeKuttaNeuron, RungeKuttaState, Y

PEAK = 30.0 * mV
"""How far above V_T a spike of Traub's neurons is at least."""


class HodgkinHuxley(RungeKuttaNeuron):
    """A spike is where V stops rising at `peak` or above, t_ref or more after the last."""

    t_ref: Array = param(2 * ms, at_least=0, doc="least time between spikes, in whole steps")
    width: Array = param(10 * mV, above=0, doc="scale of the surrogate gradient")
    variables: tuple[str, ...]

    @property
    def peak(self) -> Any:
        """Potential (mV) that a spike reaches."""
        return 0.0

    @abstractmethod
    def arrive(self, y: Y, inputs: Any) -> Y:
        """The variables after spikes."""

    def begin(self, state: Any, inputs: Any, dt: float) -> tuple[Y, Y]:
        """The variables at the start of a step, and what is constant over it."""
        del inputs, dt
        return {n: getattr(state, n) for n in self.variables}, {"I": state.I_0}

    def tell(self, start: Y, end: Y, args: Y, dt: float) -> Y:
        """What others are told of the step."""
        del start, end, args, dt
        return {}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        start, args = self.begin(state, inputs, dt)
        y, _, solver = self.integrate(state, start, args, dt)
        told = self.tell(start, y, args, dt)
        y = self.arrive({n: y[n] for n in self.variables}, inputs)
        past_peak = (state.V_m > y["V_m"]) & (state.r == 0)
        spikes = self.spikes(y["V_m"] - self.peak) * past_peak.astype(y["V_m"].dtype)
        r = left_after(state.r, spikes, self.t_ref, dt)
        changed = y | solver | told
        return state.replace(**changed, spike=spikes, r=r, I_0=inputs["current"])


class AlphaCurrentsState(RungeKuttaState):
    """With alpha-shaped synaptic currents."""

    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    dI_syn_ex: Array = cell(pA / ms, doc="what it rises by")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")
    dI_syn_in: Array = cell(pA / ms, doc="what it rises by")


class AlphaCurrents(HodgkinHuxley):
    """Two alpha-shaped synaptic currents, which rise to the weight."""

    tau_syn_ex: Array = param(0.2 * ms, above=0, doc="time to the peak of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="time to the peak of I_syn_in")
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    synaptic = ("I_syn_ex", "dI_syn_ex", "I_syn_in", "dI_syn_in")

    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the currents."""
        return {
            "I_syn_ex": y["dI_syn_ex"] - y["I_syn_ex"] / self.tau_syn_ex,
            "dI_syn_ex": -y["dI_syn_ex"] / self.tau_syn_ex,
            "I_syn_in": y["dI_syn_in"] - y["I_syn_in"] / self.tau_syn_in,
            "dI_syn_in": -y["dI_syn_in"] / self.tau_syn_in,
        }

    def arrive(self, y: Y, inputs: Any) -> Y:
        """The currents after spikes."""
        w_ex, w_in = inputs["syn"]
        ex = y["dI_syn_ex"] + math.e * w_ex / self.tau_syn_ex
        return y | {"dI_syn_ex": ex, "dI_syn_in": y["dI_syn_in"] + math.e * w_in / self.tau_syn_in}


class Traub(Conductances, HodgkinHuxley):
    """Membrane and gates after Traub, with two synaptic conductances."""

    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    g_Na: Array = param(20000 * nS, at_least=0, doc="largest conductance of sodium")
    g_K: Array = param(6000 * nS, at_least=0, doc="largest conductance of potassium")
    g_L: Array = param(10 * nS, at_least=0, doc="leak conductance")
    E_Na: Array = param(50 * mV, doc="reversal potential of sodium")
    E_K: Array = param(-90 * mV, doc="reversal potential of potassium")
    E_L: Array = param(-60 * mV, doc="reversal potential of the leak")
    V_T: Array = param(-63 * mV, doc="what the potential of the gates is counted from")
    E_in: Array = param(-80 * mV, doc="reversal potential of g_in")
    V_m: Array = param(-60 * mV, doc="membrane potential at the start")
    Act_m: Array = param(9.895563096746586e-09, at_least=0, at_most=1, doc="m at the start")
    Inact_h: Array = param(0.999999999106396, at_least=0, at_most=1, doc="h at the start")
    Act_n: Array = param(2.551577051602551e-07, at_least=0, at_most=1, doc="n at the start")
    hidden = (*RungeKuttaNeuron.hidden, "g_ex", "g_in")
    recordables = ("Act_m", "Act_n", "Inact_h", "V_m", "g_ex", "g_in")
    synaptic_rates: Callable[[Y], Y]

    @property
    def peak(self) -> Any:
        return self.V_T + PEAK.mantissa

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": self.syn, "current": Port(pA)}

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V, m, h, n = (y[name] for name in self.variables[:4])
        sodium = self.g_Na * m**3 * h * (V - self.E_Na)
        potassium, leak = self.g_K * n**4 * (V - self.E_K), self.g_L * (V - self.E_L)
        flow = self.I_e + args["I"] + self.synaptic_current(y, V) - sodium - potassium - leak
        # V / mV: a number.
        v = V - self.V_T
        up_m, down_m = 1.28 / phi1((13 - v) / 4), 1.4 / phi1((v - 40) / 5)
        up_h, down_h = 0.128 * jnp.exp((17 - v) / 18), 4 / (1 + jnp.exp((40 - v) / 5))
        up_n, down_n = 0.16 / phi1((15 - v) / 5), 0.5 * jnp.exp((10 - v) / 40)
        return {
            "V_m": flow / self.C_m,
            "Act_m": up_m * (1 - m) - down_m * m,
            "Inact_h": up_h * (1 - h) - down_h * h,
            "Act_n": up_n * (1 - n) - down_n * n,
            **self.synaptic_rates(y),
        }
