"""What NEST's sources of given spikes share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import param
from spikax.errors import ConfigError
from spikax.units import ms
from spikax_nest._precise import PreciseState, Timed
from spikax_nest.devices._stimulator import NEVER, TIC, Stimulator, check_grid
from spikax_nest.devices._table import check_table, column, on_grid, passed


class SpikeTimes(Timed, Stimulator):
    """Spikes at given times."""

    spike_times: Array = param([] * ms, free=True, at_least=0, doc="stamps of the spikes")
    spike_multiplicities: Array = param([], free=True, at_least=0, doc="spikes at each time")
    precise_times: Array = param(0.0, doc="whether times keep what is off the grid")
    allow_offgrid_times: Array = param(0.0, doc="whether times may lie off the grid")
    shift_now_spikes: Array = param(0.0, doc="whether a spike at time 0 is one a step later")
    types = {
        "precise_times": bool,
        "allow_offgrid_times": bool,
        "shift_now_spikes": bool,
        "spike_multiplicities": int,
    }
    pads = {"spike_times": NEVER, "spike_multiplicities": 1.0}
    weighing: ClassVar[tuple[str, ...]] = ("spike_multiplicities",)
    """Lists as long as the times, or empty."""
    State = PreciseState

    def with_events(self, most: int) -> Self:
        return super().with_events(most if np.any(self.precise_times) else 0)

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        del given
        times = np.asarray(values["spike_times"], np.float64)
        shift, precise = bool(values["shift_now_spikes"]), bool(values["precise_times"])
        if precise and (shift or values["allow_offgrid_times"]):
            raise ConfigError(
                "Option precise_times cannot be set to true when either allow_offgrid_times or "
                "shift_now_spikes is set to true."
            )
        if not times.size or precise:
            return {}
        steps = on_grid(times, dt, bool(values["allow_offgrid_times"]))
        if shift:
            steps = np.where(steps == round(now / dt), steps + 1, steps)
        if np.any(steps == 0):
            raise ConfigError("spike time cannot be set to 0: no step ends there.")
        return {"spike_times": steps * dt}

    def validate(self) -> None:
        super().validate()
        given = [n for n in self.weighing if np.size(getattr(self, n))]
        check_table(self, "spike_times", *given)
        flags = (self.precise_times, self.allow_offgrid_times, self.shift_now_spikes)
        if all(isinstance(flag, np.ndarray) for flag in flags):
            self._check_flags(*map(np.asarray, flags))

    def _check_flags(self, precise: np.ndarray, offgrid: np.ndarray, shift: np.ndarray) -> None:
        if np.any((precise != 0) & ((offgrid != 0) | (shift != 0))):
            raise ConfigError(
                f"{type(self).__name__}.precise_times is 1, so allow_offgrid_times and "
                "shift_now_spikes must be 0."
            )
        times = self.spike_times
        if isinstance(times, np.ndarray) and np.any((times < TIC / 2) & (shift == 0)):
            raise ConfigError(
                f"{type(self).__name__}.spike_times holds 0, and no step ends there; write "
                "shift_now_spikes=1 to have such a spike a step later."
            )

    def check(self, dt: float) -> None:
        super().check(dt)
        if isinstance(self.spike_times, np.ndarray):
            free = (self.allow_offgrid_times != 0) | (self.precise_times != 0)
            bound = np.where(free, NEVER, self.spike_times)
            check_grid(bound, dt, f"{type(self).__name__}.spike_times")

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        del inputs
        first, end = self.due(t, dt, state.spike)
        now = (t.astype(state.spike.dtype) + 1) * dt - self.origin
        sizes = self.sizes(state.spike.dtype)
        events = self.one_by_one(first, end, jnp.broadcast_to(now, first.shape), sizes)
        over = jnp.maximum(state.overflow, events.pop("overflow", state.overflow))
        together = {name: between(first, end, table) for name, table in sizes.items()}
        return state.replace(**together, **events, overflow=over)

    def sizes(self, dtype: Any) -> dict[str, Array]:
        """Of each entry what it counts for, by signal: the number of its spikes."""
        return {"spike": self.numbers(dtype)}

    def one_by_one(
        self, first: Array, end: Array, now: Array, sizes: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The entries from `first` up to `end`, with what each is before the end of its step."""
        most, length = self.most_events, len(self.spike_times)
        due = end - first
        if not most or not length:
            empty = jnp.zeros((most, *first.shape), now.dtype)
            return dict.fromkeys((*self.each.values(), "offset"), empty)
        at = first[None] + jnp.arange(most, dtype=first.dtype)[:, None]
        is_due = at < end[None]
        entries = jnp.minimum(at, length - 1)

        def kept(table: Array) -> Array:
            values = jax.vmap(lambda k: jnp.broadcast_to(column(table, k), k.shape))(entries)
            return jnp.where(is_due, values, 0.0)

        before = jnp.where(is_due, now[None] - kept(self.spike_times), 0.0)
        precise = jnp.broadcast_to(self.precise_times != 0, now.shape)[None]
        offset = jnp.where(precise, jnp.maximum(before, 0.0), 0.0)
        each = {self.each[name]: kept(table) for name, table in sizes.items()}
        over = jnp.where(due > most, due, 0).astype(jnp.int32)
        return {**each, "offset": offset, "overflow": over}

    def due(self, t: Array, dt: float, like: Array) -> tuple[Array, Array]:
        """The entries of the step: from the first up to the second, of each neuron."""
        steps = t.astype(like.dtype) + 1
        until = steps * dt - self.origin + jnp.where(self.precise_times != 0, 1e-9, 0.5) * TIC
        passed_by = [passed(self.spike_times, x) for x in (until - dt, until)]
        first, end = (jnp.broadcast_to(k, like.shape) for k in passed_by)
        # A spike at 0 is one of the first step.
        first = jnp.where((self.shift_now_spikes != 0) & (until < 1.5 * dt), 0, first)
        return first, jnp.where(self.lets_pass(steps, dt), end, first)

    def numbers(self, dtype: Any) -> Array:
        """Of each entry the number of spikes."""
        if np.size(self.spike_multiplicities):
            return self.spike_multiplicities
        return jnp.ones(np.shape(self.spike_times)[:1], dtype)


def between(first: Array, end: Array, values: Array) -> Array:
    """The sum of a table's entries from `first` up to `end`, of each neuron."""
    if not values.shape[0]:
        return jnp.zeros(first.shape, values.dtype)

    def one() -> Array:
        return jnp.where(end > first, column(values, jnp.minimum(first, len(values) - 1)), 0.0)

    def several() -> Array:
        index = jnp.arange(len(values), dtype=first.dtype)[:, None]
        inside = (index >= first[None]) & (index < end[None])
        return jnp.sum(jnp.where(inside, values.reshape(len(values), -1), 0.0), axis=0)

    # Two spikes of one neuron in a step are rare, and only they cost the whole table.
    return lax.cond(jnp.any(end > first + 1), several, one)
