"""Adaptive exponential integrate-and-fire neurons: what differs is what synapses do."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Port, cell, param
from spikax.errors import ConfigError
from spikax.integrate import StepControl
from spikax.units import ms, mV, nS, pA, pF
from spikax_nest.neurons._neuron import whole_steps, width_between
from spikax_nest.neurons._runge_kutta import UNSTABLE, RungeKuttaNeuron, RungeKuttaState, Y

LOWEST_V, LARGEST_W = -1e3, 1e6
_STEEPEST = math.log(np.finfo(np.float64).max / 1e20)


class AeifState(RungeKuttaState):
    """With the adaptation current."""

    w: Array = cell(pA, init="w", doc="adaptation current")


class Aeif(RungeKuttaNeuron):
    """Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005).

    C_m dV/dt = -g_L (V - E_L) + g_L Delta_T exp((V - V_th) / Delta_T) + I_syn - w + I_e + I
    tau_w dw/dt = a (V - E_L) - w

    Threshold and reset come after every substep; Delta_T = 0 stands for a sharp threshold at V_th.
    """

    synaptic: tuple[str, ...]
    """The variables of the synapses."""

    C_m: Array = param(281 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(30 * nS, doc="leak conductance")
    E_L: Array = param(-70.6 * mV, doc="leak reversal potential")
    Delta_T: Array = param(2 * mV, at_least=0, doc="slope factor of the upstroke")
    V_th: Array = param(-50.4 * mV, doc="threshold of the exponential")
    V_peak: Array = param(0 * mV, doc="potential that makes a spike")
    V_reset: Array = param(-60 * mV, doc="potential after a spike, below V_peak")
    a: Array = param(4 * nS, doc="subthreshold adaptation")
    b: Array = param(80.5 * pA, doc="spike-triggered adaptation")
    tau_w: Array = param(144 * ms, above=0, doc="time constant of the adaptation")
    t_ref: Array = param(0 * ms, at_least=0, doc="refractory period, rounded up to whole steps")
    V_m: Array = param(-70.6 * mV, doc="membrane potential at the start")
    w: Array = param(0 * pA, doc="adaptation current at the start")
    gsl_error_tol: Array = param(1e-6, above=0, doc="error that a substep may have")
    width: Array = width_between("V_th", "V_reset")

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": self.syn, "current": Port(pA)}

    @property
    @abstractmethod
    def syn(self) -> Port:
        """The port of spikes."""

    @property
    def fires_once(self) -> bool:
        return False

    @property
    def control(self) -> StepControl:
        return StepControl(self.gsl_error_tol, self.gsl_error_tol, a_y=0.0, a_dydt=1.0)

    @abstractmethod
    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the synaptic variables."""

    @abstractmethod
    def synaptic_current(self, y: Y, V: Array) -> Array:
        """What flows in at a potential (pA)."""

    @abstractmethod
    def arrive(self, y: Y, inputs: Any) -> Y:
        """The synaptic variables after spikes."""

    def lands(self, s: Any, inputs: Any) -> Y:
        """What arrives within the step, for `event`: nothing by default."""
        del s, inputs
        return {}

    def validate(self) -> None:
        names = ("V_reset", "V_peak", "V_th", "Delta_T")
        reset, peak, threshold, slope = values = [getattr(self, n) for n in names]
        if not all(isinstance(v, np.ndarray) for v in values):
            return
        if np.any(reset >= peak):
            raise ConfigError(f"{type(self).__name__}.V_reset must be below V_peak.")
        if np.any(peak < threshold):
            raise ConfigError(f"{type(self).__name__}.V_peak must not be below V_th.")
        steep = (peak - threshold) / np.where(slope > 0, slope, np.inf)
        if np.any(steep >= _STEEPEST):
            raise ConfigError(
                f"{type(self).__name__}: exp((V_peak - V_th) / Delta_T) is too large for a number; "
                "choose a larger Delta_T, or 0."
            )

    def peak(self) -> Array:
        """The potential that makes a spike."""
        return jnp.where(self.Delta_T > 0, self.V_peak, self.V_th)

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        held, slope = args["r"] > 0, jnp.where(self.Delta_T > 0, self.Delta_T, 1.0)
        V = jnp.where(held, self.V_reset, jnp.minimum(y["V_m"], self.peak()))
        upstroke = self.g_L * self.Delta_T * jnp.exp((V - self.V_th) / slope)
        upstroke = jnp.where(self.Delta_T > 0, upstroke, 0.0)
        leak, synapses = -self.g_L * (V - self.E_L), self.synaptic_current(y, V)
        flow = (leak + upstroke + synapses - y["w"] + self.I_e + args["I"]) / self.C_m
        w = (self.a * (V - self.E_L) - y["w"]) / self.tau_w
        return {"V_m": jnp.where(held, 0.0, flow), "w": w, **self.synaptic_rates(y)}

    def event(self, y: Y, args: Y) -> tuple[Y, Y]:
        """Threshold and reset after a substep."""
        V, r, held = y["V_m"], args["r"], args["r"] > 0
        spikes = self.spikes(V - self.peak()) * (1 - held.astype(V.dtype))
        reset = jnp.where(held, self.V_reset, (1 - spikes) * V + spikes * self.V_reset)
        # One more than the period: the step of the spike itself is counted down, too.
        new = jnp.where(args["period"] > 0, args["period"] + 1, 0)
        args = args | {"r": jnp.where(spikes >= 0.5, new, r), "spike": args["spike"] + spikes}
        return y | {"V_m": reset, "w": y["w"] + spikes * self.b}, args

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s, names = state, ("V_m", "w", *self.synaptic)
        period = jnp.broadcast_to(whole_steps(self.t_ref, dt), s.r.shape)
        args = {"r": s.r, "I": s.I_0, "spike": jnp.zeros_like(s.V_m), "period": period}
        args |= self.lands(s, inputs)
        start = {n: getattr(s, n) for n in names}
        y, args, solver = self.integrate(s, start, args, dt)
        away = (y["V_m"] < LOWEST_V) | (jnp.abs(y["w"]) > LARGEST_W)
        solver["fault"] = jnp.where(away, UNSTABLE, solver["fault"])
        r = jnp.maximum(args["r"] - 1, 0)
        y = self.arrive(y, inputs)
        return s.replace(**y, **solver, spike=args["spike"], r=r, I_0=inputs["current"])
