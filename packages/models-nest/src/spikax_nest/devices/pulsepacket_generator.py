"""NEST's `pulsepacket_generator`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import param
from spikax.noise import normal
from spikax.units import ms
from spikax_nest.devices._poisson import RandomTrainState
from spikax_nest.devices._stimulator import NEVER, TIC, SliceStimulator
from spikax_nest.devices._table import check_table, column, passed

REACH = 10.0
"""Standard deviations from the centre of a pulse beyond which there is no number."""
BLOCK = 64
"""Spikes of a pulse that are drawn at once."""


class PulsepacketGenerator(SliceStimulator):
    """Packets of spikes about given times (NEST's `pulsepacket_generator`).

    A pulse has `activity` spikes, normally distributed about its centre; one in (t - h, t] is
    stamped t + h. All connections transmit the same spikes. Slices that begin in
    [start - h, stop - h) are active, and spikes before the first of them are lost. None else is,
    where NEST loses those that it learns of too late, in slices longer than 10 sdev. When a spike
    is depends on its number and on the centre of its pulse alone. No gradient flows.

    Source: behaviour as of NEST 3.10.
    """

    pulse_times: Array = param([] * ms, free=True, doc="centres of the pulses")
    activity: Array = param(0.0, at_least=0, doc="spikes of a pulse")
    sdev: Array = param(0 * ms, at_least=0, doc="standard deviation of the times of its spikes")
    types = {"activity": int}
    pads = {"pulse_times": NEVER}
    feeds_plastic = True
    State = RandomTrainState

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        del given, dt, now
        return {"pulse_times": np.sort(values["pulse_times"])}

    def validate(self) -> None:
        super().validate()
        check_table(self, "pulse_times")

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> RandomTrainState:
        del inputs
        dtype = state.spike.dtype
        on = self.active(self.slice_start(t, dtype, dt) + 1, dt)
        if not np.shape(self.pulse_times)[0]:
            return state.replace(spike=jnp.zeros_like(state.spike))
        time, reach = t.astype(dtype) * dt, REACH * self.sdev + 2 * dt
        first = jnp.min(passed(self.pulse_times, time - reach)).astype(jnp.int32)
        end = jnp.max(passed(self.pulse_times, time + reach)).astype(jnp.int32)

        def add(k: Array, total: Array) -> Array:
            return total + self.pulse(state, k, time, dt)

        spikes = lax.fori_loop(first, end, add, jnp.zeros_like(state.spike))
        return state.replace(spike=jnp.where(on, spikes, 0.0))

    def pulse(self, state: Any, k: Array, time: Array, dt: float) -> Array:
        """How many spikes of pulse k lie in the step before `time`."""
        centre = column(self.pulse_times, k)
        activity = jnp.round(self.activity).astype(jnp.int32)
        most, earliest = jnp.max(activity), self.first_slice(time.dtype, dt)

        def one(i: Array) -> Array:
            at = jnp.round(centre / dt).astype(jnp.int32)
            x = centre + self.sdev * normal(state.stream, at, k * most + i, time.dtype)
            steps = jnp.round(x / TIC) * (TIC / dt)
            in_step = jnp.ceil(steps - 1e-6) == jnp.round(time / dt)
            return in_step & (steps > earliest - 1e-6) & (i < activity)

        def add(block: Array, total: Array) -> Array:
            i = block * BLOCK + jnp.arange(BLOCK, dtype=jnp.int32)
            return total + jnp.sum(jax.vmap(one)(i), axis=0).astype(total.dtype)

        return lax.fori_loop(0, (most + BLOCK - 1) // BLOCK, add, jnp.zeros_like(state.spike))

    def first_slice(self, dtype: Any, dt: float) -> Array:
        """The number of steps at which the first active slice begins."""
        before = -self.since_start(jnp.ones((), dtype), dt)
        length = self.slice_steps(dt)
        return jnp.maximum(jnp.ceil(before / length) * length, 0.0)
