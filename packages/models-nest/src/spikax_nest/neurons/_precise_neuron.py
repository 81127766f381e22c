"""Leaky integrate-and-fire neurons that are exact from event to event, off the grid as well.

Source: Morrison, Straube, Plesser & Diesmann 2007, Neural Comput. 19; Hanuschkin et al. 2010,
Front. Neuroinform. 4:113.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import Arrivals, Port, cell, param, static
from spikax.errors import ConfigError
from spikax.integrate import membrane_propagators
from spikax.units import Unit, ms, pA
from spikax_nest._precise import EVENTS
from spikax_nest.neurons._late import LateNode
from spikax_nest.neurons._linear import BoundedNeuron, LinearState
from spikax_nest.neurons._neuron import whole_steps

ROUNDS = 60
"""Steps of a search for a crossing, at most: so many halvings leave the last bit."""
LAST_BIT = 1e-15
"""Share of an interval in which a crossing is sought that is rounding alone."""
NEVER = np.iinfo(np.int32).max


class PreciseNeuronState(LinearState):
    """Variables of every neuron with precise spike times."""

    late: Array = cell(ms, doc="how long before the end of its step the last spike was")

    @property
    def is_refractory(self) -> Array:
        """Whether the neuron is held at its reset."""
        return self.r > 0

    @property
    def offset(self) -> Array:
        """The time of the last spike within its step, as NEST shows it."""
        return self.late


class Event(NamedTuple):
    """An event of a step, of each neuron.

    Attributes:
        weight: Of a spike that arrives, 0 for none.
        offset: How long before the end of the step (ms).
        is_release: Whether the refractory period ends.
        is_last: Whether no other spike arrives at the same time.
    """

    weight: Array
    offset: Array
    is_release: Array
    is_last: Array


class Progress(NamedTuple):
    """Where a step is: the state, whether the neuron is held, and the time that is left (ms)."""

    s: Any
    held: Array
    left: Array


class PreciseNeuron(LateNode, BoundedNeuron):
    """A step is a sequence of small ones, from event to event: spikes that arrive, the release.

    In each the membrane flows exactly; where it ends above threshold, the crossing within is found,
    and the spike has that time. It is held until as many whole steps as t_ref takes have passed.
    The gradient of times and potentials is exact for the spikes that there are; that of whether
    there is one is the surrogate's, at the end of a small step.
    """

    most_events: int = static(EVENTS, doc="events of a step that are kept apart")
    t_ref: Array = param(2 * ms, above=0, doc="refractory period, rounded up to whole steps")
    jumps: ClassVar[Unit] = pA
    """The unit of the weights of spikes."""
    computed = {"is_refractory": lambda values: False}

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"syn": Port(self.jumps, events=self.most_events), "current": Port(pA)}

    def validate(self) -> None:
        super().validate()
        known = isinstance(self.V_min, np.ndarray) and isinstance(self.V_reset, np.ndarray)
        if known and np.any((self.V_reset < self.V_min) & np.isfinite(self.V_min)):
            raise ConfigError(
                f"{type(self).__name__}.V_reset is {np.min(self.V_reset):g} mV and V_min is "
                f"{np.max(self.V_min):g} mV; V_reset must not be below V_min."
            )

    def moved(self, s: Any, driven: Array, dt: Any) -> Array:
        # By what it changes: of short steps, the rounding of exp(-dt / tau_m) would add up.
        _, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        change = jnp.expm1(-dt / self.tau_m) * (s.V_m - self.E_L)
        return s.V_m + (change + P_I * (self.I_e + s.I_0) + driven)

    @abstractmethod
    def flow(self, s: Any, time: Array) -> Any:
        """The state after a time (ms) without events, of a neuron that is not held."""

    @abstractmethod
    def slope(self, s: Any) -> Array:
        """dV/dt (mV/ms)."""

    @abstractmethod
    def meet(self, p: Progress, e: Event, dt: float) -> Progress:
        """After a spike arrived."""

    def highest(self, s: Any, after: Any, time: Array) -> tuple[Array, Array]:
        """The potential in a flow from `s` to `after` that tells whether it spikes, and its time.

        By default that at the end.
        """
        del s
        return after.V_m, time

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s = state.replace(spike=jnp.zeros_like(state.spike))
        events = sequence(inputs["syn"], s.r == 1, s.late)
        # A potential that was set above threshold makes a spike at once.
        above = (s.V_m >= self.V_th) & (s.r == 0)
        at_once = dt * (1 - np.finfo(np.float64).eps)
        p = self.spiked(
            Progress(s, s.r > 0, jnp.full_like(s.V_m, dt)), above.astype(s.V_m.dtype), at_once, dt
        )
        # Rows of lists that are full nowhere cost nothing; the last one is the end of the step.
        due = jnp.any((events.weight != 0) | events.is_release, axis=1).at[-1].set(True)

        def move(p: Progress, x: tuple[Array, Event]) -> tuple[Progress, None]:
            return lax.cond(x[0], self.small_step, lambda p, e, dt: p, p, x[1], dt), None

        s = lax.scan(move, p, (due, events))[0].s
        return s.replace(I_0=inputs["current"], r=jnp.maximum(s.r - 1, 0))

    def small_step(self, p: Progress, e: Event, dt: float) -> Progress:
        """To the next event and past it."""
        time = p.left - e.offset
        after = self.flow(p.s, time)
        after = after.replace(V_m=jnp.where(p.held, p.s.V_m, after.V_m))
        V, until = self.highest(p.s, after, time)
        spikes = jnp.where((time > 0) & ~p.held, self.spikes(V - self.V_th), 0.0)
        fired = spikes >= 0.5
        since = lax.cond(
            jnp.any(fired), self.crossing, lambda s, until, fired: 0 * until, p.s, until, fired
        )
        p = self.spiked(Progress(after, p.held, e.offset), spikes, p.left - since, dt)
        p = self.meet(p, e, dt)
        return p._replace(held=p.held & ~e.is_release)

    def spiked(self, p: Progress, spikes: Array, late: Any, dt: float) -> Progress:
        """Reset and hold those that fire, `late` before the end of the step."""
        fired, steps = spikes >= 0.5, whole_steps(self.t_ref, dt)
        s = p.s.replace(
            # A surrogate here would be mixed with the derivative of the times.
            V_m=jnp.where(fired, self.V_reset, p.s.V_m),
            spike=p.s.spike + spikes,
            late=jnp.where(fired, late, p.s.late),
            # The step of the spike counts, too. Without refractory steps there is no release.
            r=jnp.where(fired, jnp.where(steps > 0, steps + 1, NEVER), p.s.r),
        )
        return Progress(s, p.held | fired, p.left)

    def crossing(self, s: Any, until: Array, fired: Array) -> Array:
        """How long after `s` the potential crosses the threshold, before `until` (ms)."""
        still = jax.tree.map(lax.stop_gradient, (self, s, until))
        node, begin, bound = still
        time = jnp.where(fired, search(node, begin, bound, fired), 0.0)
        after = self.flow(s, time)
        rate = lax.stop_gradient(self.slope(after))
        # A last step of Newton's method, which has the derivative of the crossing.
        rate = jnp.where(fired & (rate > 0), rate, jnp.inf)
        return time - jnp.where(fired, after.V_m - self.V_th, 0.0) / rate


def search(node: PreciseNeuron, s: Any, until: Array, fired: Array) -> Array:
    """The root of the potential less the threshold: Newton's method, kept within brackets."""

    def go_on(carry: tuple[Array, ...]) -> Array:
        _, _, time, before, n = carry
        moving = jnp.abs(time - before) > LAST_BIT * until
        return jnp.any(moving & fired) & (n < ROUNDS)

    def better(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, time, _, n = carry
        after = node.flow(s, time)
        excess, rate = after.V_m - node.V_th, node.slope(after)
        low, high = jnp.where(excess < 0, time, low), jnp.where(excess < 0, high, time)
        guess = time - excess / jnp.where(rate > 0, rate, jnp.inf)
        inside = (guess > low) & (guess < high)
        return low, high, jnp.where(inside, guess, (low + high) / 2), time, n + 1

    zero = jnp.zeros_like(until)
    begin = (zero, until, until / 2, until, jnp.int32(0))
    return lax.while_loop(go_on, better, begin)[2]


def sequence(arrived: Arrivals, release: Array, late: Array) -> Event:
    """The events of a step in order of time, the release before spikes of the same time."""
    weight, offset = arrived
    release, late = release[None], late[None]
    rows = jnp.arange(len(weight) + 1, dtype=jnp.int32)[:, None]
    place = jnp.sum(offset > late, axis=0, dtype=jnp.int32, keepdims=True)
    place = jnp.where(release, place, len(weight))

    def merged(values: Array, new: Any) -> Array:
        row = jnp.zeros_like(values[:1])
        before, after = jnp.concatenate([values, row]), jnp.concatenate([row, values])
        both = jnp.where(rows < place, before, jnp.where(rows == place, new, after))
        return jnp.concatenate([both, row])  # the end of the step

    weight = merged(weight, 0.0)
    offset = merged(offset, jnp.where(release, late, 0.0))
    is_release = jnp.concatenate([(rows == place) & release, jnp.zeros_like(release)])
    none = jnp.full_like(late, -1.0)
    next_spike = lax.cummax(jnp.where(weight != 0, offset, -1.0), axis=0, reverse=True)
    is_last = offset != jnp.concatenate([next_spike[1:], none])
    return Event(weight, offset, is_release, is_last)
