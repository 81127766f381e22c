"""Neurons that NEST integrates by adaptive Runge-Kutta steps of their own (GSL's rkf45)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import State, cell, clock, param, spike, static
from spikax.integrate import StepControl, evolve
from spikax.units import ms, mV, pA
from spikax_nest.neurons._neuron import SpikingNode

Y = dict[str, Any]

UNFINISHED, UNSTABLE = 1, 2
"""Faults: a step took more substeps than `max_substeps`; a variable ran away."""


class SubsteppedState(State):
    """What these neurons share."""

    h: Array = cell(ms, kind="trace", doc="length of the next substep, kept from step to step")
    spike: Array = spike()
    r: Array = clock("steps left of the refractory period")
    fault: Array = cell(kind="fault", doc="1: max_substeps was too low; 2: a variable ran away")


class RungeKuttaState(SubsteppedState):
    """With the membrane of a point neuron."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    I_0: Array = cell(pA, doc="current that arrived in the last step")


class RungeKutta(SpikingNode):
    """A neuron that takes substeps of its own length within a step.

    As it is, it runs and is differentiated in forward mode (jax.jvp, online rules). For reverse
    mode (jax.grad) give `max_substeps`: the substeps are then recorded and replayed, each holding
    its length fixed; a step that needs more of them is a fault, never cut short.
    """

    max_substeps: int | None = static(None, doc="bound on the substeps of a step, for reverse mode")
    hidden = ("width", "surrogate", "max_substeps")

    @property
    def control(self) -> StepControl:
        """The error that a substep may have."""
        return StepControl(1e-3, 0.0)

    @abstractmethod
    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        """The rate of change of each variable."""

    def event(self, y: Y, args: Y) -> tuple[Y, Y]:
        """What happens after each substep: reset, clamp, count a spike."""
        return y, args

    def init_state(self, size: int, *, key: Any, dt: float) -> Any:
        state = super().init_state(size, key=key, dt=dt)
        return state.replace(h=jnp.full_like(state.h, dt))

    def integrate(self, state: Any, y: Y, args: Y, dt: float) -> tuple[Y, Y, Y]:
        """The variables, what the event changed, and the solver's cells after a step."""

        def of_some(pick: Callable[[Any], Any]) -> tuple[Any, Any, StepControl]:
            some = jax.tree.map(pick, self)
            return some.rates, some.event, some.control

        y, args, h, over = evolve(
            self.rates,
            self.event,
            y,
            args,
            state.h,
            dt,
            control=self.control,
            max_substeps=self.max_substeps,
            of_some=of_some,
        )
        return y, args, {"h": h, "fault": jnp.where(over, UNFINISHED, 0).astype(jnp.int32)}


class RungeKuttaNeuron(RungeKutta):
    """The same with a constant current."""

    C_m: Array
    I_e: Array = param(0 * pA, doc="constant current")
    t_ref: Array
