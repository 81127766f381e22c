"""The loop on the host: one compiled chunk, drained and checked before the next."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spikax._built import NetworkState
from spikax._delivery import flat, shaped
from spikax._hooks import Hook
from spikax._plan import Plan
from spikax._probes import Probe
from spikax._progress import Progress
from spikax._recording import Recording
from spikax._select import LeafInfo, leaves
from spikax._sink import Memory, packed, spikes_of, spikes_of_words
from spikax.errors import HookError, NumericsError, RunError
from spikax.units import mV

_log = logging.getLogger("spikax")
_BUFFER_BYTES = 2**26
_MOST_STEPS = 1024
_SMALL = 2**28  # bytes of a state of which three may live at once
_UNCOUNTABLE = 255  # in place of a number that is no count or does not fit into a byte
_DIVERGED = 1e6  # mV: no membrane reaches a kilovolt

Buffers = dict[str, tuple[Any, ...]]


class _Stopped(Exception):
    """A hook's condition holds."""


class HostRun:
    """A run under way: how far it is, and what it has recorded."""

    def __init__(self, plan: Plan, state: NetworkState, hooks: Sequence[Hook], to: Any) -> None:
        self.plan, self.state, self.before, self.hooks = plan, state, state, hooks
        self.start, self.done = int(state.t), 0
        self.length = _chunk_length(plan)
        # Cut and padded by NumPy: by JAX each duration would be some small programs to compile.
        self.varying = {k: np.asarray(v) for k, v in plan.varying.items()}
        self.open_means = {p.path: np.zeros(1) for p in plan.probes if p.take == "mean"}
        self.fetching: tuple[NetworkState, Buffers, int] | None = None
        self.ahead: Any = None
        self.sink = _sink(plan, self.start, to)

    @property
    def now(self) -> int:
        """The present step."""
        return self.start + self.done

    def run(self, progress: bool | None) -> tuple[NetworkState, Recording]:
        """Go through all chunks; Ctrl-C and `stop_when` end it, and the results are kept."""
        with Progress(self.plan.n, self.plan.net.dt, progress) as bar:
            try:
                while self.done < self.plan.n:
                    self._call_hooks()
                    self._advance()
                    bar.update(self.done)
            except _Stopped:
                pass
            except KeyboardInterrupt:
                self._keep()  # the chunk that was being fetched, where Ctrl-C mostly strikes
                _log.warning(
                    "stopped by Ctrl-C after %g ms of %g ms; the results so far are kept.",
                    self.done * self.plan.net.dt,
                    self.plan.n * self.plan.net.dt,
                )
            except RunError as error:
                error.state, error.recording = self.state, self.sink.recording(self.now)
                raise
        return self.state, self.sink.recording(self.now)

    def _advance(self) -> None:
        n = self._steps_from(self.done)
        result = self.ahead or self._run(self.state, self.done, n)
        self.fetching = (result[0], result[1], n)
        # The device goes on while the host looks at what this chunk recorded.
        self.ahead = self._next(result[0], self.done + n)
        self._keep()
        if not healthy(*result[2:]):
            raise self._diagnosis(result, n)

    def _next(self, state: NetworkState, done: int) -> Any:
        """The chunk after the present one, if all that it starts from is on the device."""
        size = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
        alone = self.open_means or size > _SMALL or self._is_due(self.start + done)
        if alone or done >= self.plan.n:
            return None
        return self._run(state, done, self._steps_from(done))

    def _run(self, state: NetworkState, done: int, n: int) -> Any:
        """The chunk that begins after `done` steps, up to its step `n`; the state stays."""
        rows = {k: _padded(v[done : done + n], self.length) for k, v in self.varying.items()}
        plan = dataclasses.replace(self.plan, varying=rows)
        return _chunk(
            (plan.net, plan.constant, plan.varying),
            state,
            self.open_means,
            n,
            probes=plan.probes,
            length=self.length,
        )

    def _keep(self) -> None:
        """Fetch the chunk that ran: its rows, and then its state."""
        if self.fetching is None:
            return
        state, buffers, n = self.fetching
        drained = {
            p.path: _drained(p, tuple(map(np.asarray, buffers[p.path])), self.start, self.now, n)
            for p in self.plan.probes
        }
        for p in (p for p in self.plan.probes if p.take == "mean"):
            last = (self.now + n) // p.interval - self.now // p.interval
            self.open_means[p.path] = np.asarray(buffers[p.path][0])[last]
        self.sink.add(drained, self.now + n)
        self.fetching, self.before, self.state = None, self.state, state
        self.done += n

    def _steps_from(self, done: int) -> int:
        """Steps of the chunk that begins there: it ends before the next call of a hook."""
        now = self.start + done
        due = (hook.due(now + 1, self.plan.net.dt) for hook in self.hooks)
        hooked = min((d - now for d in due if d is not None), default=self.plan.n)
        return min(self.length, self.plan.n - done, hooked)

    def _is_due(self, now: int) -> bool:
        return any(hook.due(now, self.plan.net.dt) == now for hook in self.hooks)

    def _call_hooks(self) -> None:
        for hook in self.hooks:
            if hook.due(self.now, self.plan.net.dt) == self.now:
                self._call(hook)

    def _call(self, hook: Hook) -> None:
        try:
            answer = hook.call(self.plan.net, self.state)
        except Exception as error:
            raise HookError(
                f"hook {hook.name} raised {type(error).__name__} at t = "
                f"{self.now * self.plan.net.dt:g} ms: {error}. The run stopped there; the error "
                "has its state and recording."
            ) from error
        if hook.stops and answer:
            raise _Stopped
        if not hook.stops and answer is not None:
            net, self.state = answer
            self.plan = dataclasses.replace(self.plan, net=net)

    def _diagnosis(self, result: Any, n: int) -> NumericsError:
        """Which variable of which neuron went wrong, and in which step: found by halving."""
        good, bad = 0, n
        while bad - good > 1:
            middle = (good + bad) // 2
            tried = self._run(self.before, self.done - n, middle)
            good, bad = (good, middle) if not healthy(*tried[2:]) else (middle, bad)
            result = result if bad != middle else tried
        time = (self.now - n + bad) * self.plan.net.dt
        return NumericsError(complaint(result, f"t = {time:g} ms"))


def _sink(plan: Plan, start: int, to: Any) -> Any:
    if to is None:
        return Memory(plan.probes, start, plan.net.dt)
    from spikax._stream import Stream

    return Stream(to, plan.probes, start, plan.net.dt)


def _chunk_length(plan: Plan) -> int:
    """Steps in a chunk: it must not depend on the duration, or each would compile anew."""
    if plan.chunk is not None:
        return plan.chunk
    row = sum(p.columns * _bytes(p) / p.interval for p in plan.probes)
    return int(min(_MOST_STEPS, max(1, 2 ** int(np.log2(max(1, _BUFFER_BYTES / (row or 1)))))))


def _bytes(p: Probe) -> float:
    """Bytes for one neuron in a row, about."""
    if p.in_bits:
        return 1 / 8
    return 9 if p.take == "at_spikes" else 1 if p.is_events else 8


def _padded(rows: Any, length: int) -> Any:
    missing = length - rows.shape[0]
    return np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1)) if missing else rows


# On a CPU XLA would copy most of the state in every step, to be on the safe side of its order of
# execution; analysing that order is an option that is off by default. It needs the order that saves
# memory: with the one for threads, loops that change a state have been seen to lose it.
_OPTIONS = {
    "xla_cpu_copy_insertion_use_region_analysis": True,
    "xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
}


# Nothing is donated: a chunk that went wrong is run again from its start, to find the step.
@partial(jax.jit, static_argnames=("probes", "length"), compiler_options=_OPTIONS)
def _chunk(
    given: tuple[Any, Any, Any],
    state: NetworkState,
    open_means: Mapping[str, Any],
    n: Any,
    *,
    probes: tuple[Probe, ...],
    length: int,
) -> tuple[NetworkState, Buffers, Any, Any]:
    net, constant, varying = given
    start = state.t

    def body(i: Any, carry: tuple[NetworkState, Buffers]) -> tuple[NetworkState, Buffers]:
        s, buffers = carry
        t, x = s.t, {k: v[i] for k, v in varying.items()}
        s = net.update(s, {**constant, **x}, t=t, dt=net.dt)
        row = {p: t // p.interval - start // p.interval for p in probes}
        return s, {p.path: _write(p, buffers[p.path], net, s, row[p]) for p in probes}

    buffers = {p.path: _empty(p, length, open_means.get(p.path)) for p in probes}
    begin = state.replace(rings=flat(state.rings))
    end, buffers = jax.lax.fori_loop(0, n, body, (begin, buffers))
    end = end.replace(rings=shaped(end.rings, state.rings))
    return end, buffers, *health(end)


def _empty(p: Probe, length: int, open_mean: Any) -> tuple[Any, ...]:
    rows = length // p.interval + 2  # of the first and the last interval only a part may run
    if p.in_bits:
        return (jnp.zeros((rows, -(-p.width // 32)), jnp.uint32),)
    counts, values = jnp.zeros((rows, p.width), jnp.uint8), jnp.zeros((rows, p.columns))
    if p.take == "mean":
        return (values.at[0].set(open_mean),)
    return ((counts,) if not p.take else (counts, values)) if p.is_events else (values,)


def _write(p: Probe, buffers: tuple[Any, ...], net: Any, state: Any, row: Any) -> tuple[Any, ...]:
    values = p.read(net, state)
    if p.take == "mean":
        return (buffers[0].at[row].add(values),)
    if p.in_bits:
        return (_set(buffers[0], packed(values), row),)
    if not p.is_events:
        # All steps of an interval write to its row; the last one, at a whole multiple of the
        # interval, stays.
        return (_set(buffers[0], values, row),)
    counts = _set(buffers[0], _counts(p.spikes(net, state)), row)
    return (counts, _set(buffers[1], values, row)) if p.take else (counts,)


def _set(rows: Any, values: Any, row: Any) -> Any:
    # Rows are never out of bounds; an indexed update would check, and select between two rows. The
    # barrier keeps XLA from computing the values one by one as it writes them.
    return jax.lax.dynamic_update_index_in_dim(rows, jax.lax.optimization_barrier(values), row, 0)


def _counts(spikes: Any) -> Any:
    countable = (spikes >= 0) & (spikes < _UNCOUNTABLE) & (spikes == jnp.round(spikes))
    return jnp.where(countable, spikes, _UNCOUNTABLE).astype(jnp.uint8)


def _drained(p: Probe, buffers: tuple[Any, ...], start: int, first: int, n: int) -> tuple[Any, ...]:
    """What `n` steps from `first` on recorded: whole rows, or the columns of events."""
    complete = (first + n) // p.interval - first // p.interval
    rows = tuple(buffer[:complete] for buffer in buffers)
    if p.take == "mean":
        counts = np.full((complete, 1), p.interval)
        if first // p.interval == start // p.interval:  # of the first interval only a part was run
            counts[:1] -= start % p.interval
        return ((rows[0] / counts).astype(rows[0].dtype),)
    if not p.is_events:
        return rows
    if p.in_bits:
        times, columns = spikes_of_words(rows[0], first + 1)
    else:
        _refuse_uncountable(rows[0], p)
        times, columns = spikes_of(rows[0], first + 1)
    ids = columns if p.where is None else np.asarray(p.where)[columns]
    values = (v.reshape(len(v), -1, p.width)[times - first - 1, :, columns] for v in rows[1:])
    return (times, ids, *(v if p.rows > 1 else v[:, 0] for v in values))


def _refuse_uncountable(rows: np.ndarray, p: Probe) -> None:
    if np.any(rows == _UNCOUNTABLE):
        column = int(np.argwhere(rows == _UNCOUNTABLE)[0][1])
        raise NumericsError(
            f"{p.path} of neuron {column if p.where is None else p.where[column]} is not a whole "
            f"number from 0 to {_UNCOUNTABLE - 1}, so it is no count of spikes; "
            "record it under jax.jit, as a series."
        )


def _good(leaf: LeafInfo) -> Any:
    """Which values are finite, and no potential that ran away."""
    limit = _DIVERGED if leaf.unit.dim == mV.dim else jnp.inf
    return jnp.isfinite(leaf.value) & (jnp.abs(leaf.value) < limit)


def health(state: NetworkState) -> tuple[Any, Any]:
    floats, faults = _watched(state)
    good = [_good(leaf).all() for leaf in floats]
    raised = [leaf.value.max() for leaf in faults]
    return jnp.stack(good) if good else jnp.ones(0, bool), jnp.stack(
        raised
    ) if raised else jnp.zeros(0, jnp.int32)


def healthy(good: Any, faults: Any) -> bool:
    return bool(np.all(good) and not np.any(faults))


def _watched(state: NetworkState) -> tuple[list[LeafInfo], list[LeafInfo]]:
    info = leaves(state)
    floats = [leaf for leaf in info if jnp.issubdtype(leaf.value.dtype, jnp.floating)]
    return floats, [leaf for leaf in info if leaf.kind == "fault"]


def complaint(result: Any, when: str) -> str:
    state, _, good, faults = result
    floats, reported = _watched(state)
    for leaf, fine in zip(floats, np.asarray(good), strict=True):
        if not fine:
            values = np.atleast_1d(np.asarray(leaf.value))
            neuron = int(np.argwhere(~np.atleast_1d(np.asarray(_good(leaf))))[0][-1])
            return (
                f"{leaf.path} of neuron {neuron} is {values[..., neuron].ravel()[0]} at {when}; "
                "a smaller dt, weaker weights or other parameters are needed."
            )
    for leaf, fault in zip(reported, np.asarray(faults), strict=True):
        if fault:
            neuron = int(np.argmax(np.asarray(leaf.value)))
            return f"{leaf.path}: neuron {neuron} reports fault {int(fault)} at {when}."
    return f"a variable is not finite at {when}."
