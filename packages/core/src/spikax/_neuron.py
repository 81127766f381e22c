"""What point neurons share: the current that drives them, refractoriness, spike and reset."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax._fields import cell, clock, param, spike, static
from spikax._integrate import exp_euler, exp_euler_joint
from spikax._state import State
from spikax._surrogate import SuperSpike, Surrogate
from spikax._system import Array, Dynamics, Port
from spikax.units import ms, mV, pA, pF

Current: TypeAlias = Callable[[Array, float], Array]
"""`current(V, tau)`: synaptic current (pA) at potential V (mV), `tau` ms into the step."""


class Neuron(Dynamics):
    """A point neuron, driven by a current and by jumps of its potential.

    A model writes `step`; whoever wraps it (a `Cell` with receptors) hands in the current as a
    function of the potential and of the time within the step, so one integrator serves current- and
    conductance-based synapses.
    """

    ports: Mapping[str, Port] = {"current": Port(pA), "delta": Port(mV)}

    @abstractmethod
    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> Any:
        """Propagate under `current`, add `jump` (mV), threshold, reset."""

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        del t
        return self.step(state, lambda V, tau: inputs["current"], inputs["delta"], dt=dt)


class Evolving(Neuron):
    """A neuron given by the slopes of some of its variables, its potential the first of them."""

    evolving: ClassVar[tuple[str, ...]] = ("V_m",)

    @abstractmethod
    def slopes(self, y: tuple[Array, ...], current: Array) -> tuple[Array, ...]:
        """Rates of change (per ms) of the variables `y` under a synaptic `current` (pA)."""

    def propagate(self, s: Any, current: Current, active: Array | None, dt: float) -> Any:
        """The state after dt by exponential Euler; V is held where the neuron is not `active`."""

        def slopes(y: tuple[Array, ...]) -> tuple[Array, ...]:
            return self.slopes(y, current(y[0], dt / 2))

        y = tuple(getattr(s, name) for name in self.evolving)
        if len(y) == 1:
            moved = exp_euler(lambda V: slopes((V,))[0], y[0], dt)
            held = moved if active is None else jnp.where(active, moved, y[0])
            return s.replace(**{self.evolving[0]: held})
        moved = exp_euler_joint(slopes if active is None else _held(slopes, active), y, dt)
        return s.replace(**dict(zip(self.evolving, moved, strict=True)))


def _held(slopes: Callable[[Any], tuple[Array, ...]], active: Array) -> Any:
    """The slopes of variables whose first stands still where the neuron is not `active`."""

    def held(y: tuple[Array, ...]) -> tuple[Array, ...]:
        flow, *others = slopes(y)
        return jnp.where(active, flow, 0.0), *others

    return held


class CrossingState(State):
    """Variables of every neuron that makes its own action potentials."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    spike: Array = spike()


class Crossing(Evolving):
    """A neuron that makes its own action potentials: a spike is an upward crossing of V_th."""

    V_th: Array = param(0 * mV, doc="potential whose upward crossing is a spike")
    width: Array = param(10 * mV, above=0, doc="scale of the surrogate gradient")
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the spike")

    @property
    def fires_once(self) -> bool:
        return True

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> Any:
        moved = self.propagate(s, current, None, dt)
        V = moved.V_m + jump
        below = (s.V_m < self.V_th).astype(V.dtype)
        return moved.replace(V_m=V, spike=self.surrogate((V - self.V_th) / self.width) * below)


def rest(values: Mapping[str, Any]) -> Any:
    """The leak's reversal potential, where a neuron starts unless told otherwise."""
    return values["E_L"]


def surrogate_width(values: Mapping[str, Any]) -> Any:
    """Scale of the surrogate: |V_th - V_reset|, 10 mV where that is zero."""
    gap = abs(values["V_th"] - values["V_reset"])
    return jnp.where(gap > 0, gap, 10.0) if isinstance(gap, Tracer) else np.where(gap, gap, 10.0)


class Firing(Neuron):
    """A neuron that fires when its potential reaches a threshold and is then reset and held.

    Where a spike is s in {0, 1}, a hard reset is V <- (1 - s) V + s V_reset, a soft one V <- V - s
    (V_th - V_reset). The neuron keeps its potential for the t_ref that follows.
    """

    V_th: Array = param(-50 * mV, doc="threshold")
    V_reset: Array = param(-60 * mV, doc="potential after a spike")
    width: Array = param(surrogate_width, unit=mV, above=0, doc="scale of the surrogate gradient")
    reset: str = static(
        "hard", choices=("hard", "soft"), doc="hard: to V_reset; soft: by V_th - V_reset"
    )
    detach_reset: bool = static(False, choices=(False, True), doc="no gradient through the reset")
    surrogate: Surrogate = static(SuperSpike(), doc="derivative of the spike")

    @property
    def fires_once(self) -> bool:
        return True

    def fire(self, V: Array, active: Array, threshold: Array) -> Array:
        """Spikes (0 or 1): V has reached the threshold in a neuron that is not refractory."""
        # A division by a parameter would be one per neuron and step; its inverse is taken once.
        return self.surrogate((V - threshold) * (1 / self.width)) * active.astype(V.dtype)

    def after_reset(self, V: Array, spikes: Array, V_peak: Array) -> Array:
        """The potential after the reset of the neurons that fired."""
        s = jax.lax.stop_gradient(spikes) if self.detach_reset else spikes
        if self.reset == "soft":
            return V - s * (V_peak - self.V_reset)
        return (1 - s) * V + s * self.V_reset


def refractory_after(refractory: Array, spikes: Array, t_ref: Array, dt: float) -> Array:
    """Steps left to be refractory: started by a spike, else counted down to zero."""
    steps = (t_ref / dt + 0.5).astype(jnp.int32)  # rounded
    return jnp.where(spikes >= 0.5, steps, jnp.maximum(refractory - 1, 0))


class FiringState(State):
    """Variables of every integrate-and-fire neuron."""

    V_m: Array = cell(mV, init="V_init", doc="membrane potential")
    spike: Array = spike()
    refractory: Array = clock("steps left of the refractory period")


class IntegrateAndFire(Evolving, Firing):
    """A neuron of slopes that fires, is reset, and keeps its potential for t_ref.

    A model declares t_ref and says what its threshold is and what else a spike changes.
    """

    t_ref: Array

    def threshold(self, s: Any) -> Array:
        """The potential (mV) at which a neuron in state `s` fires."""
        del s
        return self.V_th

    def after_spike(self, s: Any, spikes: Array) -> Any:
        """What the spikes change besides the potential: nothing, or the adaptation."""
        del spikes
        return s

    def step(self, s: Any, current: Current, jump: Array, *, dt: float) -> Any:
        active = s.refractory == 0
        moved = self.propagate(s, current, active, dt)
        V = moved.V_m + jnp.where(active, jump, 0.0)
        threshold = self.threshold(moved)
        spikes = self.fire(V, active, threshold)
        return self.after_spike(moved, spikes).replace(
            V_m=self.after_reset(V, spikes, threshold),
            spike=spikes,
            refractory=refractory_after(s.refractory, spikes, self.t_ref, dt),
        )


class Membrane(IntegrateAndFire):
    """An integrate-and-fire neuron whose membrane has a capacitance and a time constant."""

    C_m: Array = param(200 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(20 * ms, above=0, doc="membrane time constant")
    E_L: Array = param(-60 * mV, doc="resting potential")
    t_ref: Array = param(2 * ms, at_least=0, steps=True, doc="refractory period")
    I_e: Array = param(0 * pA, doc="constant current")

    def leak(self, V: Array, current: Array) -> Array:
        """Rate of change (mV/ms) of a passive membrane."""
        # As in `fire`, no divisions: they would take most of the time of a step.
        return (self.E_L - V) * (1 / self.tau_m) + (current + self.I_e) * (1 / self.C_m)
