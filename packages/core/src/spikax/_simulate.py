"""Move a network through time: a compiled chunk in a host loop, or a scan under a transform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax._built import BuiltNetwork, NetworkState
from spikax._host_loop import host_loop
from spikax._recording import Probe, Recording, Request, Series, probes, steps
from spikax._select import leaves
from spikax._system import Array
from spikax.errors import ConfigError, ShapeError, unknown
from spikax.units import ms, to_coherent


def simulate(
    net: BuiltNetwork,
    state: NetworkState,
    duration: Any,
    *,
    inputs: Mapping[str, Any] | None = None,
    record: Mapping[str, Request] | None = None,
    chunk: int | None = None,
    progress: bool | None = None,
) -> tuple[NetworkState, Recording]:
    """Run a network from a state for a duration.

    Outside a JAX transform a compiled chunk runs in a loop on the host: another duration, another
    seed or other values compile nothing, memory is bounded, spikes come back as events, and values
    that are not finite raise. Under a transform (`jit`, `grad`, `vmap`, ...) it is one `lax.scan`,
    differentiable in both modes; every recorded signal comes back as a dense `Series`.

    Args:
        net: A built network.
        state: Where it starts, from `net.init_state()` or an earlier run. It is not changed.
        duration: How long, a multiple of dt.
        inputs: What arrives from outside by port: `{"E.current": q}`, in the unit of the port. One
            value or (N,) is constant; (T, N) has one row per step. A channel is addressed as
            "E.syn.ex".
        record: What to record by population: `{"E": ["spike", every(1*ms, "V_m", where=[0])]}`.
        chunk: Steps per chunk. Under a transform: keep only the state between chunks for the
            backward pass and compute the rest again (`jax.checkpoint`); None keeps everything.
        progress: Show progress; None shows it after a second if the output is a terminal.

    Returns:
        The state at the end and the recording.

    Raises:
        NumericsError: A variable is no longer finite, or a model reported a fault; only outside a
            transform.
        ConfigError: The network is not built, the duration or an interval is not a multiple of dt,
            the network or the state is of another precision.
        UnknownNameError: A population, port, channel or signal that does not exist.
        UnitError: An input in another unit than its port.
        ShapeError: An input that fits neither the neurons nor the steps.
    """
    _check_built(net, state)
    n = steps(float(to_coherent(duration, ms, "duration")), net.dt, "duration")
    if chunk is not None and chunk < 1:
        raise ConfigError(f"chunk is {chunk} steps; it must be at least one.")
    wanted = probes(net, record)
    constant, varying = _inputs(net, inputs or {}, n)
    _check_precision(state)
    _check_precision(net)
    if under_transform(net, state, constant, varying):
        return _scan(net, state, constant, varying, n, wanted, chunk)
    return host_loop(net, state, constant, varying, n, wanted, chunk, progress)


def _check_built(net: Any, state: Any) -> None:
    if not isinstance(net, BuiltNetwork):
        raise ConfigError(
            f"simulate needs a built network, got {type(net).__name__}; "
            "write model = net.build(dt=0.1*ms)."
        )
    if not isinstance(state, NetworkState):
        raise ConfigError(
            f"simulate needs a state of the network, got {type(state).__name__}; "
            "write state = model.init_state()."
        )


def _check_precision(tree: BuiltNetwork | NetworkState) -> None:
    """JAX would cast what is of the other precision without a word."""
    in_force = jnp.zeros(()).dtype
    for leaf in leaves(tree):
        dtype = getattr(leaf.value, "dtype", in_force)
        if isinstance(leaf.value, np.ndarray):  # merged in by hand: cast when it is used
            continue
        if jnp.issubdtype(dtype, jnp.floating) and dtype != in_force:
            raise ConfigError(
                f"{leaf.path} is {dtype}, the precision in force is {in_force}; build and run the "
                f"network both under jax.enable_x64({dtype == jnp.float64})."
            )


def under_transform(*trees: Any) -> bool:
    """Whether JAX is tracing: an argument is a tracer, or any operation would make one."""
    return isinstance(jnp.add(0, 0), Tracer) or any(
        isinstance(x, Tracer) for x in jax.tree.leaves(trees)
    )


def _inputs(
    net: BuiltNetwork, inputs: Mapping[str, Any], n: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split what comes from outside into what is constant and what has a row per step."""
    constant, varying, sizes = dict[str, Any](), dict[str, Any](), dict(net.sizes)
    for path, value in inputs.items():
        node, _, rest = path.partition(".")
        name, _, channel = rest.partition(".")
        if node not in sizes:
            raise unknown("population (input)", node, sizes)
        ports = net.nodes[node].ports
        if name not in ports:
            raise unknown(f"port of population {node!r} (input)", name, ports)
        values = _fit(to_coherent(value, ports[name].unit, f"input {path!r}"), sizes[node], n, path)
        values = _into_channel(values, ports[name], channel, path)
        target = (
            varying
            if np.shape(values)[:1] == (n,) and np.ndim(values) == 2 + bool(channel)
            else constant
        )
        key = f"{node}.{name}"
        target[key] = target[key] + values if key in target else values
    for key in constant.keys() & varying.keys():  # channels of one port
        varying[key] = varying[key] + constant.pop(key)[None]
    return constant, varying


def _fit(values: Any, size: int, n: int, path: str) -> Any:
    if np.shape(values) not in ((), (size,), (n, size), (n, 1)):
        raise ShapeError(
            f"input {path!r} has shape {np.shape(values)}; expected one number, ({size},) for the "
            f"neurons, or ({n}, {size}) for the steps and neurons."
        )
    lead = np.shape(values)[:1] if np.ndim(values) == 2 else ()
    if isinstance(values, Tracer):
        return jnp.broadcast_to(jnp.asarray(values, dtype=float), (*lead, size))
    # By NumPy: by JAX each shape would be a program to compile.
    plain = np.asarray(values, dtype=jax.dtypes.canonicalize_dtype(float))
    return jax.device_put(np.broadcast_to(plain, (*lead, size)))


def _into_channel(values: Any, port: Any, channel: str, path: str) -> Any:
    if not port.channels:
        if channel:
            raise ConfigError(f"input {path!r}: the port has no channels.")
        return values
    if channel not in port.channels:
        raise unknown(f"channel (input {path!r})", channel, port.channels)
    index = port.channels.index(channel)
    shape = (*values.shape[:-1], len(port.channels), values.shape[-1])
    return jnp.zeros(shape, values.dtype).at[..., index, :].set(values)


def _scan(
    net: BuiltNetwork,
    state: NetworkState,
    constant: dict[str, Any],
    varying: dict[str, Any],
    n: int,
    wanted: tuple[Probe, ...],
    chunk: int | None,
) -> tuple[NetworkState, Recording]:
    start = state.t

    def step(s: NetworkState, x: dict[str, Array]) -> tuple[NetworkState, dict[str, Array]]:
        s = net.update(s, constant | x, t=s.t, dt=net.dt)
        return s, {p.path: p.read(net, s) for p in wanted}

    if chunk is None or chunk >= n:
        state, rows = jax.lax.scan(step, state, varying, length=n)
    else:
        state, rows = _checkpointed(step, state, varying, n, chunk)
    series = {p.path: _series(p, rows[p.path], start, n, net.dt) for p in wanted}
    return state, Recording(series)


def _checkpointed(
    step: Any, state: Any, varying: dict[str, Array], n: int, chunk: int
) -> tuple[Any, Any]:
    """A scan that keeps only the states between chunks, and a plain one over the rest."""
    whole = n // chunk * chunk

    @jax.checkpoint
    def run(s: Any, x: Any) -> tuple[Any, Any]:
        return jax.lax.scan(step, s, x, length=chunk)

    folded = jax.tree.map(lambda x: x[:whole].reshape(-1, chunk, *x.shape[1:]), varying)
    state, rows = jax.lax.scan(run, state, folded, length=n // chunk)
    rows = jax.tree.map(lambda y: y.reshape(-1, *y.shape[2:]), rows)
    if whole == n:
        return state, rows
    state, last = jax.lax.scan(
        step, state, jax.tree.map(lambda x: x[whole:], varying), length=n - whole
    )
    return state, jax.tree.map(lambda a, b: jnp.concatenate([a, b]), rows, last)


def _series(probe: Probe, rows: Array, start: Any, n: int, dt: float) -> Series:
    k = probe.interval
    if k > 1:  # samples stand at whole multiples of the interval, wherever the run began
        # How many there are is part of a shape; where the start is traced, a last one that only
        # some starts have is left out.
        samples = n // k if isinstance(start, Tracer) else (int(start) + n) // k - int(start) // k
        rows = rows[(-start - 1) % k + k * jnp.arange(samples, dtype=jnp.int32)]
    return Series(rows, start, probe.unit, dt, k, probe.where)
