"""NEST's `pp_psc_delta`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param, spike
from spikax.integrate import membrane_propagators
from spikax.noise import NoisyState
from spikax.units import Hz, ms, mV, pA, pF
from spikax_nest.neurons._escape import drawn_exponential
from spikax_nest.neurons._neuron import SpikingNode, whole_steps
from spikax_nest.neurons._stacked import Stacked, apart, rows, stacked

MOST = 1000.0
"""Spikes expected in a step without dead time, beyond which they are NaN, which stops a run."""


class PpPscDeltaState(NoisyState):
    """Variables of `pp_psc_delta`."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential above rest")
    sfa: Mapping[str, Array] = cell(mV, doc="rises of the threshold that spikes trigger")
    E_sfa: Array = cell(mV, init="E_sfa", doc="sum of these before the last spikes")
    I_0: Array = cell(pA, doc="current that arrived in the last step")
    t_ref_remaining: Array = cell(ms, init="t_ref_remaining", doc="what is left of the dead time")
    spike: Array = spike()


class PpPscDelta(Stacked, SpikingNode):
    """Point process whose rate follows a leaky potential (NEST's `pp_psc_delta`).

        C_m dV/dt = -C_m V / tau_m + I_e + I;  a spike of weight w adds w to V
        rate of spikes: max(c_1 V' + c_2 exp(c_3 V'), 0), V' = V - E_sfa
        E_sfa = sum_k sfa_k;  dsfa_k/dt = -sfa_k / tau_sfa_k;  a spike adds q_sfa_k

    After a spike there is none for dead_time, which may be drawn from a gamma distribution of this
    mean; with_reset sets V to 0. With dead_time 0 the spikes of a step are a Poisson count, whose
    first one carries the gradient; else there is one at most, of probability 1 - exp(-rate dt).
    NEST writes E_sfa anew in every step: what it is set to shows no effect.

    Source: Jolivet et al. 2006, J. Comput. Neurosci. 21; Pozzorini et al. 2013, Nat. Neurosci. 16;
    behaviour as of NEST 3.10.
    """

    C_m: Array = param(250 * pF, above=0, doc="membrane capacitance")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(0 * mV, doc="membrane potential above rest at the start")
    c_1: Array = param(0 * Hz / mV, doc="slope of the linear part of the rate")
    c_2: Array = param(1.238 * Hz, doc="factor of the exponential part of the rate")
    c_3: Array = param(0.25 / mV, at_least=0, doc="slope of the exponent")
    tau_sfa: Array = param([] * ms, above=0, free=True, doc="decay times of the threshold")
    q_sfa: Array = param([] * mV, free=True, doc="rises of the threshold by a spike")
    E_sfa: Array = param(0 * mV, doc="what NEST shows as the threshold before the first step")
    dead_time: Array = param(1 * ms, at_least=0, doc="time without spikes after one")
    dead_time_random: Array = param(0.0, doc="whether dead times are drawn, with this mean")
    dead_time_shape: Array = param(1.0, at_least=1, doc="shape of their gamma distribution")
    t_ref_remaining: Array = param(0 * ms, at_least=0, doc="dead time left at the start")
    with_reset: Array = param(1.0, doc="whether a spike sets V to 0")
    width: Array = param(
        5.0, above=0, doc="scale of the surrogate gradient, in powers of e of the rate"
    )
    stacks = {"sfa": "tau_sfa"}
    pads = {"tau_sfa": 1.0, "q_sfa": 0.0}
    types = {"dead_time_random": bool, "dead_time_shape": int, "with_reset": bool}
    ports = {"syn": Port(mV), "current": Port(pA)}
    recordables = ("E_sfa", "V_m")
    State = PpPscDeltaState

    @property
    def fires_once(self) -> bool:
        return False

    def validate(self) -> None:
        self.refuse_unequal("tau_sfa", "q_sfa")

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> PpPscDeltaState:
        s = state
        P_V, P_I = membrane_propagators(self.tau_m, self.C_m, dt)
        V = P_V * s.V_m + P_I * (self.I_e + s.I_0) + inputs["syn"]
        sfa = jnp.exp(-dt / rows(self.tau_sfa)) * stacked(s.sfa, s.V_m)
        E_sfa = sfa.sum(0)
        left = whole_steps(s.t_ref_remaining, dt)
        spikes = self.drawn_spikes(s, V - E_sfa, t, dt) * (left == 0).astype(V.dtype)
        left = jnp.where(spikes >= 0.5, self.dead_steps(s, t, dt), jnp.maximum(left - 1, 0))
        return PpPscDeltaState(
            stream=s.stream,
            V_m=V * (1 - self.with_reset * jnp.where(spikes > 1, 1.0, spikes)),
            sfa=apart(sfa + rows(self.q_sfa) * spikes[None]),
            E_sfa=E_sfa,
            I_0=inputs["current"],
            t_ref_remaining=left.astype(V.dtype) * dt,
            spike=spikes,
        )

    def drawn_spikes(self, s: Any, V: Array, t: Array, dt: float) -> Array:
        """Spikes of a step at an effective potential V (mV)."""
        expected = dt * (self.c_1 * V + self.c_2 * jnp.exp(self.c_3 * V))
        possible = expected > 0
        safe = jnp.where(possible, expected, 1.0)
        drawn = drawn_exponential(s.stream, t, V)
        first = self.spikes(jnp.log(safe) - jnp.log(drawn))
        return (first + self.further(s, drawn, safe, t)) * possible.astype(V.dtype)

    def further(self, s: Any, first: Array, expected: Array, t: Array) -> Array:
        """Spikes after the first one, where there is no dead time.

        Exponential intervals, of which `first` is the first, up to the expected count.
        """
        expected = jax.lax.stop_gradient(expected)
        many = self.dead_time == 0
        end = jnp.where(many & (expected <= MOST), expected, 0.0)

        def add(found: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            k, time, count = found
            time = time + drawn_exponential(s.stream, t, time, k)
            return k + 1, time, count + (time < end).astype(count.dtype)

        start = jnp.int32(1), first, jnp.zeros_like(first)
        _, _, count = jax.lax.while_loop(lambda found: jnp.any(found[1] < end), add, start)
        return jnp.where(many & (expected > MOST), jnp.nan, count)

    def dead_steps(self, s: Any, t: Array, dt: float) -> Array:
        """Steps of a dead time that begins now: one at least, unless there is none."""
        mean = jnp.maximum(self.dead_time, dt)
        random = self.dead_time_random != 0
        factor = jax.lax.cond(
            jnp.any(random),
            lambda: jnp.where(random, self.gamma(s, t), 1.0),
            lambda: jnp.ones_like(s.V_m),
        )
        return jnp.where(self.dead_time == 0, 0, whole_steps(mean * factor, dt))

    def gamma(self, s: Any, t: Array) -> Array:
        """A number of mean 1: the mean of dead_time_shape exponential ones."""
        shape = jax.lax.stop_gradient(self.dead_time_shape).astype(jnp.int32)

        def add(k: Array, total: Array) -> Array:
            number = drawn_exponential(s.stream, t, total, k + 1)
            return total + jnp.where(k < shape, number, 0.0)

        total = jax.lax.fori_loop(0, jnp.max(shape), add, jnp.zeros_like(s.V_m))
        return total / shape.astype(total.dtype)
