"""Exact spike times of a network, event by event, and their gradient by the adjoint equations."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from spikax_learning._crossing import Membranes, first_crossing, flow, moved


class Given(NamedTuple):
    """A run but for its weights.

    Attributes:
        membranes: N neurons.
        x: (N,), their potentials at the start, and J: (N,), their currents.
        time: (E,), times of the spikes from outside in order, the last one inf.
        source: (E,), which of the S - N sources from outside each comes from.
        lags: (C,), the delays that occur; the first one is 0.
        end: (), the time at the end.
        enough: (N,), spikes of each neuron after all of which nothing matters any more; never
            reached if all are 0.
    """

    membranes: Membranes
    x: Array
    J: Array
    time: Array
    source: Array
    lags: Array
    end: Array
    enough: Array


class Spikes(NamedTuple):
    """All spikes of a run in order, in arrays of K; beyond `number`, the end and source 0.

    Attributes:
        time: (K,).
        source: (K,), counted through: first the sources from outside, then the neurons.
        number: (), how many there are.
        full: (), whether the run had more than K and broke off.
    """

    time: Array
    source: Array
    number: Array
    full: Array


class Run(NamedTuple):
    """All that an event hands to the next.

    Attributes:
        heads: (C,), the next spike to arrive, for each delay.
        slope: (K,), dx/dt at which a spike's neuron reached the threshold.
        left: (N,), how many spikes of each neuron are still of interest.
        order: (C K,), what happened: c K + k is the arrival of spike k by delay c; by the first
            delay it arrives when it is made.
    """

    t: Array
    x: Array
    J: Array
    spikes: Spikes
    heads: Array
    taken: Array
    slope: Array
    left: Array
    order: Array
    events: Array
    over: Array


def spikes(size: int, weight: Array, given: Given) -> Spikes:
    """Every spike up to the end, at its exact time.

    Args:
        size: Room for so many spikes, those from outside included.
        weight: (C, S, N), jumps of J by delay, source and neuron; differentiable.
        given: The rest, not differentiable.
    """
    return _spikes(size, weight, given)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _spikes(size: int, weight: Array, given: Given) -> Any:
    return _run(size, weight, given).spikes


def _run(size: int, weight: Array, given: Given) -> Run:
    step, some = functools.partial(_event, size, weight, given), jnp.any(given.enough > 0)

    def going(run: Run) -> Array:
        return ~run.over & ~(some & jnp.all(run.left <= 0))

    return jax.lax.while_loop(going, step, _begin(size, given))


def _begin(size: int, given: Given) -> Run:
    zero, none = jnp.zeros_like(given.end), jnp.int32(0)
    empty = jnp.zeros(size, jnp.int32)
    made = Spikes(jnp.full(size, given.end), empty, none, jnp.array(False))
    heads = jnp.zeros(len(given.lags), jnp.int32)
    order = jnp.zeros(size * len(given.lags), jnp.int32)
    slope, over = jnp.ones(size), jnp.array(False)
    return Run(*(zero, given.x, given.J, made, heads, none, slope, given.enough, order, none, over))


def _event(size: int, weight: Array, given: Given, run: Run) -> Run:
    """Go on to what comes next: a crossing, a spike from outside, an arrival, or the end."""
    m, made = given.membranes, run.spikes
    late, c = _next_arrival(size, given, run)
    outside = given.time[run.taken]
    known = jnp.minimum(jnp.minimum(late, outside), given.end)
    wait = first_crossing(m, run.x, run.J, known - run.t)
    neuron = jnp.argmin(wait).astype(jnp.int32)
    crosses = jnp.isfinite(wait[neuron])
    arrives = ~crosses & (late <= outside) & (late < given.end)
    enters = ~crosses & ~arrives & (outside < given.end)
    emits = crosses | enters
    full = emits & (made.number == size)
    emits, over = emits & ~full, full | ~(arrives | emits)

    h = jnp.where(crosses, wait[neuron], known - run.t)
    t = jnp.where(crosses, run.t + h, known)
    x, J = moved(m, run.x, run.J, h)
    # A maximum that just reaches the threshold has a slope below what rounding leaves of it.
    least = jnp.sqrt(jnp.finfo(x.dtype).eps) * (m.threshold - m.reset) / m.tau_m
    slope = jnp.maximum(m.slope(x, J), least)[neuron]
    fired = crosses & (index(len(x)) == neuron)
    x = jnp.where(fired, m.reset, x)

    k = jnp.where(emits, made.number, run.heads[c])
    inputs = weight.shape[1] - len(x)
    new = jnp.where(crosses, neuron + inputs, given.source[run.taken])
    source = jnp.where(emits, new, made.source[k])
    c = jnp.where(emits, 0, c)
    J = jnp.where(over, J, J + weight[c, source])
    at = jnp.where(emits, k, size)  # beyond the end: dropped
    made = Spikes(
        time=made.time.at[at].set(t, mode="drop"),
        source=made.source.at[at].set(source, mode="drop"),
        number=made.number + emits.astype(jnp.int32),
        full=full,
    )
    return Run(
        t=t,
        x=x,
        J=J,
        spikes=made,
        heads=run.heads.at[c].add(arrives.astype(jnp.int32)),
        taken=run.taken + (enters & emits).astype(jnp.int32),
        slope=run.slope.at[at].set(jnp.where(crosses, slope, 1.0), mode="drop"),
        left=run.left - fired.astype(jnp.int32),
        order=run.order.at[run.events].set(jnp.where(over, 0, c * size + k), mode="drop"),
        events=run.events + (~over).astype(jnp.int32),
        over=over,
    )


def index(n: int) -> Array:
    """0 to n - 1."""
    return jnp.arange(n, dtype=jnp.int32)


def _next_arrival(size: int, given: Given, run: Run) -> tuple[Array, Array]:
    """When the next spike on its way arrives, and by which delay."""
    waiting = (run.heads < run.spikes.number) & (index(len(run.heads)) > 0)
    sent = run.spikes.time[jnp.minimum(run.heads, size - 1)]
    arrivals = jnp.where(waiting, sent + given.lags, jnp.inf)
    c = jnp.argmin(arrivals).astype(jnp.int32)
    return arrivals[c], c


def _forward(size: int, weight: Array, given: Given) -> tuple[Spikes, Any]:
    run = _run(size, weight, given)
    return run.spikes, (run, weight, given)


def _backward(size: int, kept: Any, cotangent: Spikes) -> tuple[Array, None]:
    """The adjoint equations (Wunderlich & Pehle 2021), for jumps of J and any reset.

    With lam_x = dL/dx(t) and lam_J = dL/dJ(t), back over a time h

        lam_x <- membrane lam_x,   lam_J <- synapse lam_J + gain lam_x

    at an arrival   dL/dw += lam_J,   dL/dt_k += sum_n w_n (lam_J / tau_s - lam_x)_n
    at a spike      lam_x <- (lam_x x'_after - dL/dt_k) / x'_before,  x'_after - x'_before =
    (threshold - reset) / tau_m, where dL/dt_k is complete: the loss and all arrivals come later.
    """
    run, weight, given = kept
    m, made, inputs = given.membranes, run.spikes, weight.shape[1] - len(given.x)
    c, k = run.order // size, run.order % size
    source, valid = made.source[k], index(len(run.order)) < run.events
    at = jnp.where(valid, made.time[k] + given.lags[c], given.end)
    until = jnp.append(at[1:], given.end)
    neuron = jnp.where(valid & (c == 0) & (source >= inputs), source - inputs, -1)
    jump = (m.threshold - m.reset) / m.tau_m

    def back(carry: tuple[Array, ...], event: tuple[Array, ...]) -> tuple[Any, Array]:
        lam_x, lam_J, by_time = carry
        wait, row, k, neuron, valid = event
        f = flow(m, wait)
        lam_x, lam_J = f.membrane * lam_x, f.synapse * lam_J + f.gain * lam_x
        later = jnp.sum(row * (lam_J / m.tau_s - lam_x))
        by_time = by_time.at[k].add(jnp.where(valid, later, 0.0))
        before = run.slope[k]
        reset = (lam_x * (before + jump) - by_time[k]) / before
        lam_x = jnp.where(index(len(lam_x)) == neuron, reset, lam_x)
        return (lam_x, lam_J, by_time), jnp.where(valid, lam_J, 0.0)

    nothing = jnp.zeros_like(given.x)
    events = (until - at, weight[c, source], k, neuron, valid)
    start = (nothing, nothing, cotangent.time)
    _, lam_J = jax.lax.scan(back, start, events, reverse=True)
    return jnp.zeros_like(weight).at[c, source].add(lam_J), None


_spikes.defvjp(_forward, _backward)
