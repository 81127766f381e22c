"""The loop on the host: one compiled chunk, drained and checked before the next."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spikax._built import BuiltNetwork, NetworkState
from spikax._progress import Progress
from spikax._recording import Probe, Recording, Series, Spikes, spikes_of
from spikax._select import LeafInfo, leaves
from spikax.errors import NumericsError

_log = logging.getLogger("spikax")
_BUFFER_BYTES = 2**26
_MOST_STEPS = 1024
_UNCOUNTABLE = 255  # in place of a number that is no count or does not fit into a byte


def host_loop(
    net: BuiltNetwork,
    state: NetworkState,
    constant: dict[str, Any],
    varying: dict[str, Any],
    n: int,
    wanted: tuple[Probe, ...],
    chunk: int | None,
    progress: bool | None,
) -> tuple[NetworkState, Recording]:
    """Run `n` steps, chunk by chunk; Ctrl-C stops after the present chunk and keeps the results."""
    length = _chunk_length(chunk, wanted)
    start, done, now, buffers = int(state.t), 0, 0, dict[str, Any]()
    drained: dict[str, list[Any]] = {p.path: [] for p in wanted}
    # The chunk donates what it is given; the caller keeps theirs.
    state = jax.tree.map(jnp.copy, state)
    # Cut and padded by NumPy: by JAX each duration would be some small programs to compile.
    varying = {k: np.asarray(v) for k, v in varying.items()}
    with Progress(n, net.dt, progress) as bar:
        try:
            while done < n:
                now = min(length, n - done)
                rows = {k: _padded(v[done : done + now], length) for k, v in varying.items()}
                state, buffers, finite, faults = _run(
                    net, state, constant, rows, now, probes=wanted, length=length
                )
                _drain(buffers, wanted, drained, start + done, now)
                done += now
                _check(state, finite, faults, net.dt)
                bar.update(done)
        except KeyboardInterrupt:
            if int(state.t) != start + done:  # it came while the last chunk was being fetched
                _drain(buffers, wanted, drained, start + done, now)
                done += now
            _log.warning(
                "stopped by Ctrl-C after %g ms of %g ms; the results so far are kept.",
                done * net.dt,
                n * net.dt,
            )
    series = {p.path: _collect(p, drained[p.path], start, start + done, net.dt) for p in wanted}
    return state, Recording(series)


def _chunk_length(chunk: int | None, wanted: tuple[Probe, ...]) -> int:
    """Steps in a chunk: it must not depend on the duration, or each would compile anew."""
    if chunk is not None:
        return chunk
    row = sum(p.width * (1 if p.is_spikes else 8) / p.interval for p in wanted) or 1
    return int(min(_MOST_STEPS, max(1, 2 ** int(np.log2(max(1, _BUFFER_BYTES / row))))))


def _padded(rows: Any, length: int) -> Any:
    missing = length - rows.shape[0]
    return np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1)) if missing else rows


@partial(jax.jit, static_argnames=("probes", "length"), donate_argnums=(1,))
def _run(
    net: BuiltNetwork,
    state: NetworkState,
    constant: dict[str, Any],
    varying: dict[str, Any],
    n: Any,
    *,
    probes: tuple[Probe, ...],
    length: int,
) -> tuple[NetworkState, dict[str, Any], Any, Any]:
    start = state.t

    def body(i: Any, carry: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
        s, buffers = carry
        t, x = s.t, {k: v[i] for k, v in varying.items()}
        s = net.update(s, constant | x, t=t, dt=net.dt)
        return s, {p.path: _write(p, buffers[p.path], p.read(net, s), t, start) for p in probes}

    buffers = {p.path: jnp.zeros((length // p.interval + 1, p.width), _dtype(p)) for p in probes}
    state, buffers = jax.lax.fori_loop(0, n, body, (state, buffers))
    return state, buffers, *_health(state)


def _dtype(probe: Probe) -> Any:
    return jnp.uint8 if probe.is_spikes else float


def _write(probe: Probe, buffer: Any, values: Any, t: Any, start: Any) -> Any:
    # All steps of an interval write to its row; the last one, at a whole multiple of the interval,
    # stays.
    if probe.is_spikes:
        countable = (values >= 0) & (values < _UNCOUNTABLE) & (values == jnp.round(values))
        values = jnp.where(countable, values, _UNCOUNTABLE)
    return buffer.at[t // probe.interval - start // probe.interval].set(values.astype(buffer.dtype))


def _health(state: NetworkState) -> tuple[Any, Any]:
    floats, faults = _watched(leaves(state))
    finite = [jnp.isfinite(leaf.value).all() for leaf in floats]
    raised = [leaf.value.max() for leaf in faults]
    return jnp.stack(finite) if finite else jnp.ones(0, bool), jnp.stack(
        raised
    ) if raised else jnp.zeros(0, jnp.int32)


def _watched(state: list[LeafInfo]) -> tuple[list[LeafInfo], list[LeafInfo]]:
    floats = [leaf for leaf in state if jnp.issubdtype(leaf.value.dtype, jnp.floating)]
    return floats, [leaf for leaf in state if leaf.kind == "fault"]


def _check(state: NetworkState, finite: Any, faults: Any, dt: float) -> None:
    if np.all(finite) and not np.any(faults):
        return
    floats, reported = _watched(leaves(state))
    for leaf, good in zip(floats, np.asarray(finite), strict=True):
        if not good:
            values = np.atleast_1d(np.asarray(leaf.value))
            neuron = int(np.argwhere(~np.isfinite(values))[0][-1])
            raise NumericsError(
                f"{leaf.path} of neuron {neuron} is {values[..., neuron].ravel()[0]} "
                f"by t = {int(state.t) * dt:g} ms; "
                "a smaller dt, weaker weights or other parameters are needed."
            )
    for leaf, fault in zip(reported, np.asarray(faults), strict=True):
        if fault:
            neuron = int(np.argmax(np.asarray(leaf.value)))
            raise NumericsError(
                f"{leaf.path}: neuron {neuron} reports fault {int(fault)} "
                f"by t = {int(state.t) * dt:g} ms."
            )


def _drain(
    buffers: dict[str, Any],
    wanted: tuple[Probe, ...],
    drained: dict[str, list[Any]],
    first: int,
    n: int,
) -> None:
    # All or nothing: fetching waits for the chunk, so this is where Ctrl-C mostly strikes.
    parts = {p.path: _events_or_rows(p, np.asarray(buffers[p.path]), first, n) for p in wanted}
    for path, part in parts.items():
        drained[path].append(part)


def _events_or_rows(p: Probe, rows: np.ndarray, first: int, n: int) -> Any:
    rows = rows[: (first + n) // p.interval - first // p.interval]
    if not p.is_spikes:
        return rows
    _refuse_uncountable(rows, p)
    return spikes_of(rows, first + 1)


def _refuse_uncountable(rows: np.ndarray, p: Probe) -> None:
    if np.any(rows == _UNCOUNTABLE):
        column = int(np.argwhere(rows == _UNCOUNTABLE)[0][1])
        raise NumericsError(
            f"{p.path} of neuron {column if p.where is None else p.where[column]} is not a whole "
            f"number from 0 to {_UNCOUNTABLE - 1}, so it is no count of spikes; "
            "record it under jax.jit, as a series."
        )


def _collect(p: Probe, parts: list[Any], start: int, stop: int, dt: float) -> Series | Spikes:
    if p.is_spikes:
        events = [np.concatenate(column) for column in zip(*parts, strict=True)] or [
            np.zeros(0, np.int64)
        ] * 2
        ids = events[1] if p.where is None else np.asarray(p.where)[events[1]]
        return Spikes(events[0], ids, p.width, dt, start, stop, p.where)
    values = np.concatenate(parts) if parts else np.zeros((0, p.width))
    return Series(values, start, p.unit, dt, p.interval, p.where)
