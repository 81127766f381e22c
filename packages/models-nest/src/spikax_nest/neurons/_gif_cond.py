"""Generalised integrate-and-fire neurons whose synapses are conductances."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param
from spikax.integrate import StepControl
from spikax_nest.neurons._gif import Gif
from spikax_nest.neurons._runge_kutta import RungeKuttaNeuron, Y


class GifCond(Gif, RungeKuttaNeuron):
    """The membrane is integrated in the refractory period, too, and then set to V_reset."""

    gsl_error_tol: Array = param(1e-3, above=0, doc="error that a substep may have")
    synaptic: tuple[str, ...]
    """The variables of the synapses."""

    @property
    def control(self) -> StepControl:
        return StepControl(self.gsl_error_tol, 0.0)

    @abstractmethod
    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the conductances."""

    @abstractmethod
    def synaptic_current(self, y: Y, V: Array) -> Array:
        """What flows in at a potential (pA)."""

    @abstractmethod
    def arrive(self, y: Y, inputs: Any) -> Y:
        """The conductances after spikes."""

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V = y["V_m"]
        flow = self.synaptic_current(y, V) - self.g_L * (V - self.E_L) + self.I_e + args["I"]
        return {"V_m": flow / self.C_m, **self.synaptic_rates(y)}

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s, start = state, {n: getattr(state, n) for n in ("V_m", *self.synaptic)}
        args = {"I": s.I_0 - self.triggered_current(s)}
        y, _, solver = self.integrate(s, start, args, dt)
        V = jnp.where(s.r == 0, y["V_m"], self.held(s))
        after = self.arrive(y, inputs) | self.escape(s, V, t, dt)
        return s.replace(**after, **solver, I_0=inputs["current"])
