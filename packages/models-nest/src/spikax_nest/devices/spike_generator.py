"""NEST's `spike_generator`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import cell, param
from spikax.errors import ConfigError
from spikax.units import ms
from spikax_nest._precise import PreciseState, Timed
from spikax_nest.devices._stimulator import NEVER, TIC, Stimulator, check_grid
from spikax_nest.devices._table import check_table, column, passed


class SpikeGeneratorState(PreciseState):
    """The spikes of the last step, all together and one by one."""

    amplitude: Array = cell(doc="spikes times their weights")
    amplitudes: Array = cell(doc="(events, neurons), the same one by one")


class SpikeGenerator(Timed, Stimulator):
    """Spikes at given times (NEST's `spike_generator`).

    spike_times are stamps, counted from `origin`, sorted, above 0. An entry stands for
    spike_multiplicities spikes of weight spike_weights, 1 each where these are empty; its
    connections transmit the sum of their products. Off the grid, where that is allowed, times are
    rounded up; with `precise_times` models of precise spikes get them as they are, all others
    rounded up.

    Source: behaviour as of NEST 3.10.
    """

    spike_times: Array = param([] * ms, free=True, at_least=0, doc="stamps of the spikes")
    spike_weights: Array = param([], free=True, doc="factors of the connections' weights")
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
    pads = {"spike_times": NEVER, "spike_weights": 1.0, "spike_multiplicities": 1.0}
    sends = "amplitude"
    each = {"spike": "events", "amplitude": "amplitudes"}
    State = SpikeGeneratorState

    def with_events(self, most: int) -> Self:
        return super().with_events(most if np.any(self.precise_times) else 0)

    @classmethod
    def settled(cls, values: Mapping[str, Any], dt: float, now: float) -> Mapping[str, Any]:
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
        given = [n for n in ("spike_weights", "spike_multiplicities") if np.size(getattr(self, n))]
        check_table(self, "spike_times", *given)
        flags = (self.precise_times, self.allow_offgrid_times, self.shift_now_spikes)
        if all(isinstance(flag, np.ndarray) for flag in flags):
            self._check_flags(*map(np.asarray, flags))

    def _check_flags(self, precise: np.ndarray, offgrid: np.ndarray, shift: np.ndarray) -> None:
        if np.any((precise != 0) & ((offgrid != 0) | (shift != 0))):
            raise ConfigError(
                "SpikeGenerator.precise_times is 1, so allow_offgrid_times and shift_now_spikes "
                "must be 0."
            )
        times = self.spike_times
        if isinstance(times, np.ndarray) and np.any((times < TIC / 2) & (shift == 0)):
            raise ConfigError(
                "SpikeGenerator.spike_times holds 0, and no step ends there; write "
                "shift_now_spikes=1 to have such a spike a step later."
            )

    def check(self, dt: float) -> None:
        super().check(dt)
        if isinstance(self.spike_times, np.ndarray):
            free = (self.allow_offgrid_times != 0) | (self.precise_times != 0)
            bound = np.where(free, NEVER, self.spike_times)
            check_grid(bound, dt, "SpikeGenerator.spike_times")

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> SpikeGeneratorState:
        del inputs
        steps = t.astype(state.spike.dtype) + 1
        now = steps * dt - self.origin
        until = now + jnp.where(self.precise_times != 0, 1e-9, 0.5) * TIC
        passed_by = [passed(self.spike_times, x) for x in (until - dt, until)]
        first, end = (jnp.broadcast_to(k, state.spike.shape) for k in passed_by)
        # A spike at 0 is one of the first step.
        first = jnp.where((self.shift_now_spikes != 0) & (until < 1.5 * dt), 0, first)
        end = jnp.where(self.lets_pass(steps, dt), end, first)
        sizes = self.sizes(steps.dtype)
        number, product = (between(first, end, v) for v in sizes)
        events = self.one_by_one(first, end, jnp.broadcast_to(now, first.shape), *sizes)
        over = jnp.maximum(state.overflow, events.pop("overflow", state.overflow))
        return state.replace(spike=number, amplitude=product, overflow=over, **events)

    def one_by_one(
        self, first: Array, end: Array, now: Array, number: Array, product: Array
    ) -> dict[str, Array]:
        """The entries from `first` up to `end`, with what each is before the end of its step."""
        most, length = self.most_events, len(self.spike_times)
        due = end - first
        if not most or not length:
            empty = jnp.zeros((most, *first.shape), number.dtype)
            return dict(zip(("events", "amplitudes", "offset"), 3 * [empty], strict=True))
        at = first[None] + jnp.arange(most, dtype=first.dtype)[:, None]
        is_due = at < end[None]
        entries = jnp.minimum(at, length - 1)

        def kept(table: Array) -> Array:
            values = jax.vmap(lambda k: jnp.broadcast_to(column(table, k), k.shape))(entries)
            return jnp.where(is_due, values, 0.0)

        before = jnp.where(is_due, now[None] - kept(self.spike_times), 0.0)
        precise = jnp.broadcast_to(self.precise_times != 0, now.shape)[None]
        offset = jnp.where(precise, jnp.maximum(before, 0.0), 0.0)
        each = {"events": kept(number), "amplitudes": kept(product), "offset": offset}
        return {**each, "overflow": jnp.where(due > most, due, 0).astype(jnp.int32)}

    def sizes(self, dtype: Any) -> tuple[Array, Array]:
        """Of each entry the number of spikes, and that times its weight."""
        one = jnp.ones(np.shape(self.spike_times)[:1], dtype)
        number = self.spike_multiplicities if np.size(self.spike_multiplicities) else one
        if not np.size(self.spike_weights):
            return number, number
        if number.ndim < self.spike_weights.ndim:
            return number, number[:, None] * self.spike_weights
        return number, number * self.spike_weights.reshape(len(number), *[-1] * (number.ndim - 1))


def on_grid(times: np.ndarray, dt: float, upwards: bool) -> np.ndarray:
    """Times in whole steps: the nearest within half a microsecond, else the next if `upwards`."""
    steps = np.round(times / dt)
    off = np.abs(times - steps * dt) > TIC / 2 + 1e-9 * times
    if off.any() and not upwards:
        raise ConfigError(
            f"Time point {times[off][0]:g} is not representable in current resolution, {dt:g} ms; "
            "set allow_offgrid_times to have it rounded up."
        )
    return np.where(off, np.ceil(times / dt), steps)


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
