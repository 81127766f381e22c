"""NEST's `poisson_generator_ps`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import cell, clock, param, static
from spikax.errors import ConfigError
from spikax.noise import NoisyState, uniform
from spikax.units import Hz, ms
from spikax_nest._precise import EVENTS, PreciseState, Timed
from spikax_nest.devices._stimulator import NEVER, Stimulator


class PoissonGeneratorPsState(NoisyState, PreciseState):
    """The stream of random numbers, the spikes of the last step, and when the next one is due."""

    next: Array = cell(ms, doc="time of the next spike")
    rate: Array = cell(Hz, init=-1.0, doc="the rate that it was drawn for")
    drawn: Array = clock("intervals drawn so far")


class PoissonGeneratorPs(Timed, Stimulator):
    """Poisson trains off the grid, one per connection (NEST's `poisson_generator_ps`).

        interval = dead_time + (1 / rate - dead_time) Exp(1)

    A train begins in equilibrium at `start`, and anew where the rate changes. Times are drawn one
    after the other, each from its number in the train: they depend neither on the step nor on how
    a run is cut. They carry the gradient of rate and dead_time.

    Source: Deger et al. 2012, J. Comput. Neurosci. 32; behaviour as of NEST 3.10.
    """

    most_events: int = static(EVENTS, doc="events of a step that are kept apart")
    rate: Array = param(0 * Hz, at_least=0, doc="mean rate")
    dead_time: Array = param(0 * ms, at_least=0, doc="shortest interval, at most 1 / rate")
    per_target = True
    State = PoissonGeneratorPsState

    def validate(self) -> None:
        super().validate()
        known = isinstance(self.rate, np.ndarray) and isinstance(self.dead_time, np.ndarray)
        if known and np.any(self.rate * self.dead_time > 1):
            raise ConfigError(
                f"PoissonGeneratorPs: rate * dead_time is {np.max(self.rate * self.dead_time):g}; "
                "the inverse rate cannot be smaller than the dead time."
            )

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> PoissonGeneratorPsState:
        del inputs
        s, shape = state, state.spike.shape
        begin, end = (k.astype(s.next.dtype) * dt for k in (t, t + 1))
        # A train also begins anew where its start was put off.
        anew = (s.rate != self.rate) | (s.next < self.origin + self.start)
        first = jnp.maximum(begin, self.origin + self.start) + self.wait(s)
        upcoming = jnp.where(anew, first, s.next)
        drawn = s.drawn + anew.astype(jnp.int32)
        number = drawn[None] + jnp.arange(self.most_events + 1, dtype=jnp.int32)[:, None]
        gaps = jnp.broadcast_to(self.dead_time, shape)[None] + jnp.broadcast_to(self.span(), shape)[
            None
        ] * self.draws(s.stream[:, None], number, 2)
        # Added one by one: another step would group another sum otherwise.
        times = lax.scan(lambda now, gap: (now + gap, now), upcoming, gaps)[1]
        until = jnp.minimum(end, self.origin + jnp.minimum(self.stop, NEVER))
        due = times <= jnp.broadcast_to(until, shape)[None]
        more, due = due[-1], due[:-1]
        count = jnp.sum(due, axis=0, dtype=jnp.int32)
        return s.replace(
            spike=count.astype(s.spike.dtype),
            events=due.astype(s.spike.dtype),
            offset=jnp.where(due, end - times[:-1], 0.0),
            overflow=jnp.where(more, jnp.int32(4 * self.most_events), s.overflow),
            next=jnp.take_along_axis(times, count[None], axis=0)[0],
            rate=jnp.broadcast_to(self.rate, shape),
            drawn=drawn + count,
        )

    def span(self) -> Array:
        """The mean of what an interval has beyond the dead time (ms)."""
        some = self.rate > 0
        return jnp.where(some, 1 / jnp.where(some, self.rate, 1.0) - self.dead_time, NEVER)

    def draws(self, stream: Array, number: Array, draw: int) -> Array:
        """Exponential numbers of mean 1, by their number in the train."""
        return -jnp.log1p(-uniform(stream, number, draw, self.span().dtype))

    def wait(self, s: Any) -> Array:
        """The time to the first spike of a train in equilibrium (ms)."""
        choice, part = (uniform(s.stream, s.drawn, k, s.next.dtype) for k in (0, 1))
        exponential = self.span() * -jnp.log1p(-part)
        return jnp.where(choice < self.dead_time * self.rate, part * self.dead_time, exponential)
