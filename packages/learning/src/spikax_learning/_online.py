"""A network that learns while it runs: a window of steps at a time, traces carried between."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax import BuiltNetwork, Edge, Filter, NetworkState, State, leaves, merge, select
from spikax.errors import ShapeError
from spikax_learning._at_once import check_answers_at_once
from spikax_learning._linearise import Jacobians, linearised_step
from spikax_learning._plan import MEMORIES, Loss, Plan, Target, Way, default_reads, plan
from spikax_learning._signals import SYMMETRIC, Feedback, Heard, said
from spikax_learning._sweep import Followed, Swept, dot, errors, injection, product, sweep, system
from spikax_learning._synapses import as_weight, at_targets, credited, layout
from spikax_learning._traces import EXACT, Exact, filtered, tiled


@dataclasses.dataclass(frozen=True)
class Axes:
    """What makes a rule.

    Attributes:
        name: Of the rule.
        trace: What is remembered of an arrival.
        feedback: How the loss comes to the neurons.
        filtered: Whether the memory of a readout is part of the trace.
        tau: Time constant in ms of a memory in its place; None for that of the readout.
    """

    name: str
    trace: Exact = EXACT
    feedback: Feedback = SYMMETRIC
    filtered: bool = True
    tau: float | None = None

    def trace_of(self, net: BuiltNetwork, target: Target) -> Exact:
        """The trace of the weights into a population; that of a readout's is exact and cheap."""
        return EXACT if isinstance(net.nodes[target.population], MEMORIES) else self.trace


class Online(State):
    """All that one window of steps hands to the next: of constant size, however long the run.

    Attributes:
        weights: The network's trained leaves, None elsewhere.
        fixed: The network's other leaves.
        state: The network's state.
        gradients: Sum over the steps so far, in the structure of `weights`.
        sent: What each source sent in the last steps, the latest last.
        traces: Eligibility by the path of the parameter, (variables, *layout).
        memory: What the traces keep of the neurons, by population.
        feedback: Matrices by which errors come, if not by the network's own weights.
        plan: Which parameters are trained, and their ways to the loss.
        loss: Loss of one step.
        axes: What makes the rule.
    """

    weights: BuiltNetwork
    fixed: BuiltNetwork
    state: NetworkState
    gradients: BuiltNetwork
    sent: Mapping[str, Array]
    traces: Mapping[str, Array]
    memory: Mapping[str, Mapping[str, Array]]
    feedback: Mapping[str, Array]
    plan: Plan = dataclasses.field(metadata={"static": True})
    loss: Loss = dataclasses.field(metadata={"static": True})
    axes: Axes = dataclasses.field(metadata={"static": True})

    def learned(self, weights: BuiltNetwork) -> Online:
        """Go on with other weights and with gradients that start from zero."""
        feedback = self.axes.feedback.after(self.feedback, self.weights, weights)
        zero = jax.tree.map(jnp.zeros_like, weights)
        return self.replace(weights=weights, gradients=zero, feedback=feedback)

    @property
    def net(self) -> BuiltNetwork:
        """The network as it is now."""
        return merge(self.weights, self.fixed)


def planned(axes: Axes, net: BuiltNetwork, trained: Any, loss: Loss | None) -> Plan:
    """The ways of what is trained to what the loss reads."""
    reads = getattr(loss, "reads", None) or default_reads(axes.name, net)
    reads = (reads,) if isinstance(reads, str) else tuple(reads)
    ways = plan(axes.name, net, trained, reads, axes.feedback.broadcast, axes.filtered)
    for target in ways.targets:
        if axes.trace_of(net, target).at_once:
            check_answers_at_once(axes.name, net, target)
    return ways


def start(axes: Axes, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter) -> Online:
    """Ready to learn from a state on, nothing credited yet."""
    trained, fixed = select(net, train)
    net = merge(trained, fixed)
    ways = planned(axes, net, trained, loss)
    wanted = ways.wanted()
    shapes = jax.eval_shape(lambda s: linearised_step(net, s, {}, wanted)[1], state)
    return Online(
        weights=trained,
        fixed=fixed,
        state=state,
        gradients=jax.tree.map(jnp.zeros_like, trained),
        sent=_sent(net, axes, ways, state),
        traces=_silent(net, axes, ways, shapes),
        memory={t.population: _memory(net, axes, t, shapes[t.population]) for t in ways.targets},
        feedback=axes.feedback.feedback(net, ways),
        plan=ways,
        loss=loss,
        axes=axes,
    )


def _memory(
    net: BuiltNetwork, axes: Axes, target: Target, shapes: Jacobians
) -> Mapping[str, Array]:
    return axes.trace_of(net, target).start({name: shapes.injected[name] for name in target.edges})


def _source(net: BuiltNetwork, axes: Axes, target: Target, edge: str) -> str:
    """The key of what an edge's sources sent; filtered by a rule, that is for one target."""
    path = f"{net.edges[edge].pre}.{net.edges[edge].signal}"
    return f"{path}>{target.population}" if axes.trace_of(net, target).filters() else path


def _sent(net: BuiltNetwork, axes: Axes, ways: Plan, state: NetworkState) -> dict[str, Array]:
    """Rows as many as the longest delay of a trained edge; before the start, nothing was sent."""
    lengths = dict[str, int]()
    for target in ways.targets:
        for name in target.edges:
            key = _source(net, axes, target, name)
            lengths[key] = max(1, net.edges[name].delay, lengths.get(key, 0))
    rows = dict[str, Array]()
    for key, length in lengths.items():
        now = net.read(state, key.partition(">")[0])
        rows[key] = jnp.zeros((length, *now.shape), now.dtype).at[-1].set(now)
    return rows


def _silent(
    net: BuiltNetwork, axes: Axes, ways: Plan, shapes: Mapping[str, Jacobians]
) -> dict[str, Array]:
    zeros = dict[str, Array]()
    for target, name, path in ways.trained():
        moved, of_edge = shapes[target.population], name in target.edges
        trace = axes.trace_of(net, target) if of_edge else EXACT
        own = trace.variables(moved) if trace.remembers else 0
        shape = layout(net.edges[name]) if of_edge else moved.recurrent.shape[-1:]
        size = own + sum(way.kept for way in target.ways)
        zeros[path] = jnp.zeros((size, *shape), moved.recurrent.dtype)
    return zeros


def advance(
    carry: Online,
    constant: Mapping[str, Array],
    rows: Mapping[str, Array],
    targets: Any,
    *,
    last: bool = False,
) -> tuple[Online, dict[str, Any]]:
    """A window of steps: the network moves, then its gradients grow and its traces move.

    Args:
        carry: From the window before.
        constant: What arrives in every step, by port.
        rows: What arrives step by step, by port.
        targets: What the loss compares with, step by step.
        last: Leave the traces alone: nothing comes after.
    """
    net, axes, ways = carry.net, carry.axes, carry.plan
    moves = _moves(carry, constant, rows, len(jax.tree.leaves(targets)[0]))
    seen = tuple(moves.seen[path] for path in ways.reads)
    single = len(seen) == 1 and not isinstance(getattr(carry.loss, "reads", ""), tuple)
    y = seen[0] if single else seen
    loss, error = jax.vmap(jax.value_and_grad(_scalar(carry.loss)))(y, targets)
    by_path = dict(zip(ways.reads, (error,) if single else error, strict=True))
    heard = Heard(moves.moved, by_path, loss, moves.spikes, targets, carry.loss)
    told = said(net, ways, axes.feedback, carry.feedback, heard)
    sent = {
        key: jnp.concatenate([before, _filtered(carry, key, moves.sent)])
        for key, before in carry.sent.items()
    }
    gradients, traces, memory = dict[str, Array](), dict(carry.traces), dict(carry.memory)
    for target in ways.targets:
        for group in _groups(carry, target):
            window = _window(carry, target, group, moves.moved, told[target.population])
            memory[target.population] = window.memory or memory[target.population]
            for name, path in group.names.items():
                gradients[path], new = _credited(carry, window, name, path, sent, last)
                traces[path] = traces[path] if new is None else new
    return carry.replace(
        state=moves.state,
        gradients=_added(carry.gradients, gradients),
        sent={key: x[len(x) - len(carry.sent[key]) :] for key, x in sent.items()},
        traces=traces,
        memory=memory,
    ), {"loss": loss, "y": y}


class _Moves(NamedTuple):
    """What a window of steps was, each with an axis of steps in front but the state after it."""

    state: NetworkState
    moved: Mapping[str, Jacobians]
    sent: Mapping[str, Array]
    seen: Mapping[str, Array]
    spikes: Mapping[str, Array]


def _moves(carry: Online, constant: Any, rows: Any, steps: int) -> _Moves:
    net, wanted = carry.net, carry.plan.wanted()
    paths = {key.partition(">")[0] for key in carry.sent}

    def step(state: NetworkState, row: Mapping[str, Array]) -> tuple[NetworkState, Any]:
        state, moved = linearised_step(net, state, {**constant, **row}, wanted)
        sent = {path: net.read(state, path) for path in sorted(paths)}
        seen = {path: net.read(state, path) for path in carry.plan.reads}
        local = carry.axes.feedback.listens(carry.plan)
        spikes = {name: net.read(state, f"{name}.spike") for name in local}
        return state, (moved, sent, seen, spikes)

    state, seen = lax.scan(step, carry.state, rows, length=steps)
    return _Moves(state, *seen)


def _scalar(loss: Loss) -> Loss:
    def checked(y: Any, target: Any) -> Array:
        value = loss(y, target)
        if jnp.shape(value):
            raise ShapeError(
                f"the loss of a step has shape {jnp.shape(value)}; expected a scalar: "
                "loss(y, target) of one step, summed over the readout's neurons."
            )
        return value

    return checked


def _filtered(carry: Online, key: str, sent: Mapping[str, Array]) -> Array:
    path, _, population = key.partition(">")
    if not population:
        return sent[path]
    net, trace = carry.net, carry.axes.trace
    decay = trace.decay(population, net.nodes[population], net.dt)
    return filtered(decay, sent[path], carry.sent[key][-1])


class _Group(NamedTuple):
    """Parameters of a target that are followed in the same way, with their paths."""

    trace: Exact
    names: Mapping[str, str]


def _groups(carry: Online, target: Target) -> list[_Group]:
    """Its edges, and the parameters of its model: as there are few of them, always exactly."""
    edges = {name: f"edges.{name}.weight" for name in target.edges}
    inner = {name: f"nodes.{target.population}.{name}" for name in target.parameters}
    trace = carry.axes.trace_of(carry.net, target)
    groups = [_Group(trace, edges), _Group(EXACT, inner)]
    return [group for group in groups if group.names]


class _Window(NamedTuple):
    """What a group's traces and gradients are made of."""

    trace: Exact
    swept: Swept
    injected: Mapping[str, Array]
    memory: Any


def _window(
    carry: Online, target: Target, group: _Group, moved: Mapping[str, Jacobians], told: Any
) -> _Window:
    net, trace, name = carry.net, group.trace, target.population
    mine = moved[name].replace(injected={n: moved[name].injected[n] for n in group.names})
    decay = trace.decay(name, net.nodes[name], net.dt)
    memory, mine = trace.reduced(carry.memory[name], mine, decay)
    ways = [Followed(mine.read[w.signal], _keeps(carry, w, moved), w.lag) for w in target.ways]
    d = mine.recurrent.shape[1]
    own = mine.lasting if trace.remembers else ()
    kept = (*own, *range(d, d + sum(way.size for way in ways)))
    swept = sweep(system(mine.recurrent, ways), errors(d, told, ways), kept)
    injected = {
        n: injection(
            mine.injected[n], [mine.shown.get(n, {}).get(w.signal) for w in target.ways], ways
        )
        for n in group.names
    }
    return _Window(trace, swept, injected, memory)


def _keeps(carry: Online, way: Way, moved: Mapping[str, Jacobians]) -> Array | None:
    """What a readout keeps of the effect that a signal had on it.

    Without it the gradient of a leaky readout is wrong by its own size.
    """
    if not way.fades:
        return None
    kept = moved[str(way.to)].recurrent[:, 0, 0, 0]
    tau = carry.axes.tau
    return kept if tau is None else jnp.full_like(kept, jnp.exp(-carry.net.dt / tau))


def _credited(
    carry: Online, window: _Window, name: str, path: str, sent: Mapping[str, Array], last: bool
) -> tuple[Array, Array | None]:
    """The gradient of a window by one parameter, and its trace after it."""
    b, swept, before = window.injected[name], window.swept, carry.traces[path]
    said = [dot(tiled(swept.credit, b), b)[:, None]]
    if len(before) and not last:
        lasting = b[:, swept.kept, None]
        said.append(product(tiled(swept.later, b), lasting)[:, :, 0])
    brought = _brought(carry, name, path, sent, jnp.concatenate(said, axis=1))
    spread = functools.partial(_spread, carry, name, path)
    gradient = brought[0] + sum(
        spread(swept.credit_before[a]) * eps for a, eps in zip(swept.kept, before, strict=True)
    )
    if last or not len(before):
        return _as_parameter(carry, name, path, gradient), None
    carried = [sum(spread(row[b]) * eps for b, eps in enumerate(before)) for row in swept.whole]
    return _as_parameter(carry, name, path, gradient), jnp.stack(carried) + brought[1:]


def _edge(carry: Online, name: str, path: str) -> Edge | None:
    return carry.net.edges[name] if path.startswith("edges.") else None


def _brought(carry: Online, name: str, path: str, sent: Mapping[str, Array], said: Array) -> Array:
    """Sums over a window of what comes in times what the neurons say, (K, c, N), for each c."""
    edge = _edge(carry, name, path)
    if edge is None:
        return said.sum(0)
    target = next(t for t in carry.plan.targets if name in t.edges)
    key = _source(carry.net, carry.axes, target, name)
    before = len(carry.sent[key])
    return credited(edge, sent[key], before, said)


def _spread(carry: Online, name: str, path: str, values: Array) -> Array:
    edge = _edge(carry, name, path)
    return values if edge is None else at_targets(edge, values)


def _as_parameter(carry: Online, name: str, path: str, gradient: Array) -> Array:
    edge = _edge(carry, name, path)
    if edge is not None:
        return as_weight(edge, gradient)
    value = next(leaf.value for leaf in leaves(carry.weights) if leaf.path == path)
    return gradient if jnp.ndim(value) else gradient.sum()


def _added(gradients: BuiltNetwork, new: Mapping[str, Array]) -> BuiltNetwork:
    values, structure = jax.tree.flatten(gradients)
    paths = [leaf.path for leaf in leaves(gradients)]
    return jax.tree.unflatten(
        structure, [value + new[path] for value, path in zip(values, paths, strict=True)]
    )


def run(
    carry: Online,
    constant: Mapping[str, Array],
    rows: Mapping[str, Array],
    targets: Any,
    steps: int,
) -> tuple[Array, BuiltNetwork]:
    """The loss of a run, and its gradient, in windows of so many steps.

    The last one may be shorter, and leaves no traces; so a run of one window needs none at all.
    """
    n, given = len(jax.tree.leaves(targets)[0]), (rows, targets)
    whole = (n - 1) // steps

    def window(now: tuple[Online, Array, Array], _: None) -> tuple[Any, None]:
        carry, loss, begin = now
        carry, metrics = advance(carry, constant, *_part(given, begin, steps))
        return (carry, loss + metrics["loss"].sum().astype(loss.dtype), begin + steps), None

    begin = carry, jnp.zeros(()), jnp.int32(0)
    (carry, loss, _), _ = lax.scan(window, begin, None, length=whole)
    rest = _part(given, jnp.int32(whole * steps), n - whole * steps)
    carry, metrics = advance(carry, constant, *rest, last=True)
    return loss + metrics["loss"].sum(), carry.gradients


def stream(
    carry: Online,
    constant: Mapping[str, Array],
    rows: Mapping[str, Array],
    targets: Any,
    steps: int,
) -> tuple[Online, Array]:
    """Some steps of a run that goes on, in windows of so many; their losses."""
    n, given = len(jax.tree.leaves(targets)[0]), (rows, targets)
    whole = n // steps

    def window(carry: Online, i: Array) -> tuple[Online, Array]:
        carry, metrics = advance(carry, constant, *_part(given, i * steps, steps))
        return carry, metrics["loss"]

    carry, losses = lax.scan(window, carry, jnp.arange(whole, dtype=jnp.int32))
    if n % steps == 0:
        return carry, losses.reshape(-1)
    rest = _part(given, jnp.int32(whole * steps), n % steps)
    carry, metrics = advance(carry, constant, *rest)
    return carry, jnp.concatenate([losses.reshape(-1), metrics["loss"]])


def _part(given: Any, begin: Array, steps: int) -> Any:
    """Some of the rows; cut where they are used, for a copy of all would grow with the run."""
    return jax.tree.map(lambda x: lax.dynamic_slice_in_dim(x, begin, steps), given)
