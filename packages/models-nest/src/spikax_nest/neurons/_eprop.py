"""What NEST's e-prop neurons share: membrane, surrogate gradient, what their synapses ask for.

Source: Bellec et al. 2020, Nat. Commun. 11:3625; Korcsak-Gorzo et al. 2025, arXiv:2511.21674.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Port, State, cell, clock, param, spike
from spikax.errors import ConfigError
from spikax.surrogates import (
    arctan_derivative,
    fast_sigmoid_derivative,
    piecewise_linear,
    two_sided_exponential,
)
from spikax.units import Unit, ms, mV, pA, pF
from spikax_nest._node import NestNode
from spikax_nest.neurons._neuron import SpikingNode, left_after

SURROGATES: Mapping[str, Any] = {
    "piecewise_linear": piecewise_linear,
    "exponential": two_sided_exponential,
    "fast_sigmoid_derivative": fast_sigmoid_derivative,
    "arctan_derivative": arctan_derivative,
}
NEVER = math.inf * ms


class EpropState(State):
    """Variables of every e-prop neuron; those that end in `due` are as of a step earlier."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    I_0: Array = cell(pA, doc="current of the last step, with I_e")
    spike: Array = spike()
    r: Array = clock("steps left of the refractory period")
    surrogate_gradient: Array = cell(doc="surrogate gradient")
    surrogate_due: Array = cell(doc="that of the step before")
    learning_signal: Array = cell(doc="learning signal that arrived in the last step")
    signal_due: Array = cell(doc="learning signal that arrived in this step")


class EpropMembrane(NestNode):
    """C_m dV/dt = -C_m (V - E_L) / tau_m + I_e + I, and spikes that make V jump.

    The current of a step, I_e included, acts in the next: I_e is not there in the first.
    """

    archives = False
    C_m: Array = param(250 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant")
    E_L: Array = param(-70 * mV, doc="resting potential")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")
    V_min: Array = param(-sys.float_info.max * mV, finite=False, doc="lower bound of the potential")

    def jump(self, dt: float) -> Any:
        """How far a spike of weight 1 moves V."""
        del dt
        return 1.0

    def driven(self, s: Any) -> Array:
        """The current that acts in a step."""
        return s.I_0

    def moved(self, s: Any, arrived: Array, dt: float, lowered: Any = 0.0) -> Array:
        """V after a step, at V_min at least."""
        kept = jnp.exp(-dt / self.tau_m)
        driven = -jnp.expm1(-dt / self.tau_m) * self.tau_m / self.C_m * self.driven(s)
        V = self.E_L + driven + self.jump(dt) * arrived + kept * (s.V_m - self.E_L)
        return jnp.maximum(V - lowered, self.V_min)


class EpropNeuron(EpropMembrane, SpikingNode):
    """A spiking neuron that e-prop synapses can end on."""

    V_th: Array = param(-55 * mV, doc="spike threshold")
    t_ref: Array = param(2 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    c_reg: Array = param(0.0, at_least=0, doc="coefficient of the regularisation of the rate")
    f_target: Array = param(0.01 / ms, at_least=0, doc="target rate; set in spikes / s")
    surrogate_gradient_function: Array = param(0.0, doc="which function of the potential")
    surrogate_gradient_height: Array = param(0.3, at_least=0, doc="its height")
    surrogate_gradient_width: Array = param(1 * mV, above=0, doc="its width")
    flush_event_send_interval: Array = param(
        NEVER, above=0, finite=False, doc="silence after which NEST frees memory; changes nothing"
    )
    width: Array = param(lambda v: v["surrogate_gradient_width"], unit=mV, above=0, doc="scale")
    choices = {"surrogate_gradient_function": tuple(SURROGATES)}
    divisors = {"f_target": 1000.0}
    ports = {"syn": Port(mV), "current": Port(pA), "learning": Port()}
    recordables = ("V_m", "learning_signal", "surrogate_gradient")
    computed = {"learning_signal": lambda v: 0.0, "surrogate_gradient": lambda v: 0.0}
    State = EpropState

    def psi(self, V: Array, r: Array, threshold: Any) -> Array:
        """The surrogate gradient; 0 in the refractory period."""
        x = (V - threshold) / self.surrogate_gradient_width
        which = jnp.broadcast_to(self.surrogate_gradient_function, x.shape)
        values = [f(x) for f in SURROGATES.values()]
        some = jnp.select([which == k for k in range(len(values))], values)
        return jnp.where(r > 0, 0.0, self.surrogate_gradient_height * some)

    def heard(self, s: Any, inputs: Any, psi: Array) -> dict[str, Array]:
        """What every model notes of a step."""
        return {
            "I_0": inputs["current"] + self.I_e,
            "surrogate_gradient": psi,
            "surrogate_due": s.surrogate_gradient,
            "learning_signal": s.signal_due,
            "signal_due": inputs["learning"],
        }


class Adaptive(EpropNeuron):
    """A threshold that rises with the neuron's own spikes: V_th + adapt_beta adaptation."""

    adapt_beta: Array = param(1 * mV, at_least=0, doc="factor of the adaptation")
    adapt_tau: Array = param(10 * ms, above=0, doc="time constant of the adaptation")
    adaptation: Array = param(0.0, at_least=0, doc="adaptation at the start")
    recordables = (*EpropNeuron.recordables, "V_th_adapt", "adaptation")
    computed = {
        **EpropNeuron.computed,
        "V_th_adapt": lambda v: v["V_th"] + v["adapt_beta"] * v["adaptation"],
    }

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "V_th_adapt": mV}

    def read(self, state: Any, name: str) -> Array:
        if name == "V_th_adapt":
            return self.V_th + self.adapt_beta * state.adaptation
        return super().read(state, name)

    def adapted(self, s: Any, dt: float) -> Array:
        """The adaptation after a step."""
        return jnp.exp(-dt / self.adapt_tau) * s.adaptation + s.spike


class ContinualState(EpropState):
    """Variables of a neuron whose rate is regularised in every step."""

    f_av: Array = cell(ms**-1, doc="filtered rate")
    rate_error: Array = cell(ms**-1, doc="regularisation of this step")
    rate_due: Array = cell(ms**-1, doc="that of the step before")


class ContinualAdaptiveState(ContinualState):
    """The same with an adaptive threshold."""

    adaptation: Array = cell(init="adaptation", doc="adaptation")


class Continual(EpropNeuron):
    """A neuron of the extended e-prop, which learns without updates at fixed intervals."""

    kappa: Array = param(0.97, at_least=0, at_most=1, doc="decay of the eligibility per step")
    kappa_reg: Array = param(0.97, at_least=0, at_most=1, doc="decay of the rate per step")
    eprop_isi_trace_cutoff: Array = param(
        NEVER, at_least=0, finite=False, doc="time after a spike in which its synapse learns"
    )
    State = ContinualState

    def noted(self, s: Any, inputs: Any, psi: Array, spikes: Array, dt: float) -> dict[str, Array]:
        """What every model notes of a step, and the filtered rate."""
        f_av = self.kappa_reg * s.f_av + (1 - self.kappa_reg) * spikes / dt
        error = self.c_reg * (f_av - self.f_target)
        rates = {"f_av": f_av, "rate_error": error, "rate_due": s.rate_error}
        return self.heard(s, inputs, psi) | rates


class SoftReset(Continual):
    """A neuron whose V is lowered by V_th - E_L at a spike."""

    def fired(self, s: Any, inputs: Any, threshold: Any, dt: float) -> dict[str, Array]:
        """The variables after a step."""
        r = jnp.maximum(s.r - 1, 0)
        V = self.moved(s, inputs["syn"], dt)
        psi, spikes = self.psi(V, r, threshold), self.crossed(V, r, threshold)
        return {
            "V_m": V - spikes * (self.V_th - self.E_L),
            "spike": spikes,
            "r": left_after(r + 1, spikes, self.t_ref, dt),
        } | self.noted(s, inputs, psi, spikes, dt)


class HardResetState(ContinualState):
    """Variables of a neuron that is held at V_reset."""

    held_back: Array = cell(mV, doc="jumps that wait for the end of the refractory period")


class HardReset(Continual):
    """A neuron that is reset to V_reset at a spike and held there for t_ref."""

    V_reset: Array = param(-70 * mV, doc="potential after a spike, below the threshold")
    refractory_input: Array = param(0.0, doc="whether spikes in the refractory period count")
    types = {"refractory_input": bool}
    State = HardResetState

    def driven(self, s: Any) -> Array:
        # Here I_e is there from the first step on.
        return s.I_0 + self.I_e

    def heard(self, s: Any, inputs: Any, psi: Array) -> dict[str, Array]:
        return super().heard(s, inputs, psi) | {"I_0": inputs["current"]}

    def validate(self) -> None:
        super().validate()
        if np.any(np.asarray(self.V_reset) >= np.asarray(self.V_th)):
            raise ConfigError(
                f"{type(self).__name__}.V_reset is {np.max(self.V_reset):g} mV and V_th is "
                f"{np.min(self.V_th):g} mV; V_reset must be below V_th."
            )

    def fired(self, s: Any, inputs: Any, threshold: Any, dt: float) -> dict[str, Array]:
        """The variables after a step."""
        jump = inputs["syn"]
        waiting = jump * jnp.exp(-s.r.astype(jump.dtype) * dt / self.tau_m)
        held_back = jnp.where((s.r > 0) & (self.refractory_input != 0), s.held_back + waiting, 0.0)
        V = jnp.where(s.r == 0, self.moved(s, jump + s.held_back, dt), s.V_m)
        r = jnp.maximum(s.r - 1, 0)
        psi, spikes = self.psi(V, r, threshold), self.crossed(V, s.r, threshold)
        return {
            "V_m": (1 - spikes) * V + spikes * self.V_reset,
            "held_back": held_back,
            "spike": spikes,
            "r": left_after(s.r, spikes, self.t_ref, dt),
        } | self.noted(s, inputs, psi, spikes, dt)
