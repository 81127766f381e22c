"""Move a network through time: a compiled chunk in a host loop, or a scan under a transform."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax._built import BuiltNetwork, NetworkState
from spikax._component import rebuild
from spikax._delivery import flat, shaped
from spikax._hooks import Hook
from spikax._host_loop import HostRun
from spikax._plan import Plan, split_inputs
from spikax._probes import Probe, Request, probes, steps
from spikax._projection import Carrying, Edge, EdgeState
from spikax._recording import Recording, Series
from spikax._select import leaves
from spikax._system import Array
from spikax._weight_tangent import pays
from spikax.errors import ConfigError
from spikax.units import ms, to_coherent


def simulate(
    net: BuiltNetwork,
    state: NetworkState,
    duration: Any,
    *,
    inputs: Mapping[str, Any] | None = None,
    record: Mapping[str, Request] | None = None,
    hooks: Sequence[Hook] = (),
    to: Any = None,
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
        record: What to record by population or projection:
            `{"E": ["spike", every(1*ms, "V_m", where=[0])], "E->E": every(1*second, "weight")}`;
            see `every`, `mean` and `at_spikes`.
        hooks: What to do on the way: `run_at`, `run_every`, `stop_when`. Their functions get
            `(net, state)`, and return None or the network and state to go on with.
        to: A folder to stream the recording to while it runs: memory is bounded, and a killed run
            loses no more than its last chunk. `load_recording` reads it. Needs the extra `io`.
        chunk: Steps per chunk. Under a transform: keep only the state between chunks for the
            backward pass and compute the rest again (`jax.checkpoint`); None keeps everything.
        progress: Show progress; None shows it after a second on a terminal or in a notebook.

    Returns:
        The state at the end and the recording.

    Raises:
        NumericsError: A variable is no longer finite, a potential left +-1 kV, or a model reported
            a fault; only outside a transform. It has the recording so far.
        HookError: A hook raised; it has the state and the recording so far.
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
    plan = Plan(net, *split_inputs(net, inputs or {}, n), n, probes(net, record), chunk)
    _check_precision(state)
    _check_precision(net)
    if under_transform(net, state, plan.constant, plan.varying):
        _refuse_host_work(plan, hooks, to)
        return _scan(plan, state)
    return HostRun(plan, state, hooks, to).run(progress)


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


def _refuse_host_work(plan: Plan, hooks: Sequence[Hook], to: Any) -> None:
    wrong = ["hooks"] * bool(hooks) + ["to"] * (to is not None)
    wrong += [p.path for p in plan.probes if p.take == "at_spikes"]
    if wrong:
        raise ConfigError(
            f"{', '.join(wrong)}: under a JAX transform there is no host to do it; call simulate "
            'outside jit, grad and vmap, or record the signal and "spike" in every step.'
        )


def _scan(plan: Plan, state: NetworkState) -> tuple[NetworkState, Recording]:
    plan, state = _carrying(plan, state)
    start, n, chunk = state.t, plan.n, plan.chunk

    def step(s: NetworkState, x: dict[str, Array]) -> tuple[NetworkState, dict[str, Array]]:
        s = plan.step(s, {**plan.constant, **x})
        return s, {p.path: p.read(plan.net, s) for p in plan.probes}

    begin = state.replace(rings=flat(state.rings))
    if chunk is None or chunk >= n:
        end, rows = jax.lax.scan(step, begin, dict(plan.varying), length=n)
    else:
        end, rows = _checkpointed(step, begin, dict(plan.varying), n, chunk)
    state = end.replace(rings=shaped(end.rings, state.rings))
    series = {p.path: _series(p, rows[p.path], start, n, plan.net.dt) for p in plan.probes}
    return _released(state), Recording(series)


def _carrying(plan: Plan, state: NetworkState) -> tuple[Plan, NetworkState]:
    """Weights of large static edges move into the state for their tangents; see `link`."""
    net, edges, carried = plan.net, dict(plan.net.edges), dict(state.edges)
    for name, edge in net.edges.items():
        static = type(edge).update is Edge.update and name not in net.solved
        if static and not edge.apart and net.axis is None and pays(edge.format, edge.weight):
            carried[name] = Carrying(unit=edge.unit, weight=edge.weight)
            constant = jax.lax.stop_gradient(edge.weight)
            edges[name] = rebuild(type(edge), vars(edge) | {"weight": constant})
    net = rebuild(type(net), vars(net) | {"edges": edges})
    return dataclasses.replace(plan, net=net), state.replace(edges=carried)


def _released(state: NetworkState) -> NetworkState:
    edges = {
        n: EdgeState(unit=s.unit) if isinstance(s, Carrying) else s for n, s in state.edges.items()
    }
    return state.replace(edges=edges)


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
        at = (start + jnp.arange(n, dtype=jnp.int32)) // k - start // k
        last = (-start - 1) % k + k * jnp.arange(samples, dtype=jnp.int32)
        rows = _means(rows, at, samples) if probe.take == "mean" else rows[last]
    return Series(rows, start, probe.unit, dt, k, probe.where if probe.take != "mean" else None)


def _means(rows: Array, at: Array, samples: int) -> Array:
    """Mean of the rows of each interval; of the first only what lies within the run."""
    sums = jnp.zeros((samples, rows.shape[1]), rows.dtype).at[at].add(rows, mode="drop")
    counts = jnp.zeros((samples, 1), rows.dtype).at[at].add(1.0, mode="drop")
    return sums / counts
