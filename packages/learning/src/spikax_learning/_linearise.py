"""Neuron-aligned Jacobians of a population, taken while the network moves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_derivatives import SymbolicZero

from spikax import BuiltNetwork, Dynamics, Edge, NetworkState, Port, State, leaves, part, static
from spikax.units import Unit


class Jacobians(State):
    """How the next variables h' of N neurons answer: d variables each, in the order of the leaves.

    One tangent of ones gives a column of all N blocks at once, because `update` is elementwise over
    neurons.

    Attributes:
        recurrent: dh'_a / dh_b, (d, d, N).
        injected: By edge, dh'_a / d arrival, (d, n_post) with a neuron for each channel of a port;
            by parameter of the model, dh'_a / dtheta, (d, N).
        read: By signal, d signal / dh'_a, (d, N).
        shown: By parameter of the model and signal, d signal / dtheta with h' held, (N,).
        lasting: The variables that any of the next ones depends on, in order: not a spike that
            only others look at. The effect of an arrival on the rest need not be remembered.
    """

    recurrent: Array
    injected: Mapping[str, Array]
    read: Mapping[str, Array]
    shown: Mapping[str, Mapping[str, Array]]
    lasting: tuple[int, ...] = field(metadata={"static": True})


@dataclass(frozen=True)
class Wanted:
    """What is to be known of a population.

    Attributes:
        edges: Those whose arrivals matter.
        parameters: Paths of the model's parameters that matter, within the model.
        signals: Those that are read.
    """

    edges: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()


class LinearisedState(State):
    """A node's state and, after an update, its Jacobians."""

    node: Any
    jacobians: Jacobians | None


class Linearised(Dynamics):
    """A population that hands out its Jacobians with its next state."""

    node: Dynamics = part(doc="the population's model")
    arrivals: tuple[Arrival, ...] = static(doc="edges whose arrivals matter")
    wanted: Wanted = static(doc="what is to be known")
    State: ClassVar[type[Any]] = LinearisedState

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.node.ports

    @property
    def signals(self) -> Mapping[str, Unit]:
        return self.node.signals

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> LinearisedState:
        variables, put = _variables(state.node)
        given, with_given = _parameters(self.node, self.wanted.parameters)

        def move(h: list[Array], u: Mapping[str, Array], p: list[Array]) -> tuple[Any, Any]:
            new = with_given(p).update(put(h), u, t=t, dt=dt)
            return _variables(new)[0], new

        _, push, new = jax.linearize(move, variables, dict(inputs), given, has_aux=True)
        still = variables, dict(inputs), given
        ways = [(0, tangent) for tangent in _unit_tangents(variables)]
        ways += [(1, arrival.tangent(inputs)) for arrival in _columns(self.arrivals)]
        ways += [(2, tangent) for tangent in _unit_tangents(given)]
        columns = _pushed(push, still, ways)
        d, names = len(variables), self.wanted.parameters
        by_model = {name: columns[:, k - len(names)] for k, name in enumerate(names)}
        jacobians = Jacobians(
            recurrent=columns[:, :d],
            injected=_by_edge(self.arrivals, columns[:, d:]) | by_model,
            read={},
            shown={},
            lasting=_lasting(lambda h: move(h, dict(inputs), given)[0], variables),
        )
        return LinearisedState(node=new, jacobians=self._read(new, jacobians))

    def _read(self, state: Any, moved: Jacobians) -> Jacobians:
        """With the signals' derivatives by the variables, and by the parameters themselves."""
        (variables, put), names = _variables(state), self.wanted.signals
        given, with_given = _parameters(self.node, self.wanted.parameters)

        def show(h: list[Array], p: list[Array]) -> list[Array]:
            return [with_given(p).read(put(h), name) for name in names]

        _, push = jax.linearize(show, variables, given)
        ways = [(0, tangent) for tangent in _unit_tangents(variables)]
        ways += [(1, tangent) for tangent in _unit_tangents(given)]
        columns = _pushed(push, (variables, given), ways)
        d, theta = len(variables), enumerate(self.wanted.parameters)
        return moved.replace(
            read={name: columns[k, :d] for k, name in enumerate(names)},
            shown={p: {name: columns[k, d + i] for k, name in enumerate(names)} for i, p in theta},
        )

    def read(self, state: Any, name: str) -> Array:
        return self.node.read(state.node, name)


@dataclass(frozen=True)
class Arrival:
    """A unit of weighted signal that arrives by an edge, on one channel of its ports.

    Attributes:
        edge: Its name.
        ports: Ports with factors.
        channels: Channels of the port that its synapses may end on; none of a plain port.
    """

    edge: str
    ports: tuple[tuple[str, float], ...]
    channels: tuple[int, ...]

    def tangent(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """A change of what arrives at all neurons."""
        still = {port: jnp.zeros_like(value) for port, value in inputs.items()}
        at: Any = self.channels if self.channels else ...
        return still | {port: still[port].at[at].set(factor) for port, factor in self.ports}


def _arrival(name: str, edge: Edge) -> Arrival:
    if not edge.channels:
        return Arrival(name, edge.ports, ())
    every = tuple(range(edge.channels))
    return Arrival(name, edge.ports, every if edge.channel is None else (edge.channel,))


def _columns(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """One for each channel of each edge; edges into the same ports share theirs."""
    found = dict[Any, Arrival]()
    for arrival in arrivals:
        for channels in [(c,) for c in arrival.channels] or [()]:
            found.setdefault((arrival.ports, channels), Arrival("", arrival.ports, channels))
    return list(found.values())


def _by_edge(arrivals: Sequence[Arrival], columns: Array) -> dict[str, Array]:
    place = {(a.ports, a.channels): k for k, a in enumerate(_columns(arrivals))}
    keys = {a.edge: [(a.ports, (c,)) for c in a.channels] or [(a.ports, ())] for a in arrivals}
    return {
        edge: jnp.concatenate([columns[:, place[key]] for key in each], axis=-1)
        for edge, each in keys.items()
    }


def _pushed(push: Any, still: tuple[Any, ...], ways: Sequence[tuple[int, Any]]) -> Array:
    """What each tangent does to each result, (results, tangents, N); each moves one argument."""

    def whole(which: int, tangent: Any) -> tuple[Any, ...]:
        zero = jax.tree.map(jnp.zeros_like, still)
        return (*zero[:which], tangent, *zero[which + 1 :])

    tangents = [whole(which, tangent) for which, tangent in ways]
    stacked = jax.tree.map(lambda *each: jnp.stack(each), *tangents)
    results = jax.vmap(lambda each: push(*each))(stacked)
    return jnp.stack(jnp.broadcast_arrays(*results)) if results else jnp.zeros((0, len(ways), 1))


def _variables(state: Any) -> tuple[list[Array], Any]:
    """The real-valued variables of the neurons, (N,) each, and how to put others in their place."""
    values, structure = jax.tree.flatten(state)
    real = [i for i, leaf in enumerate(values) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    rows = [values[i].reshape(-1, values[i].shape[-1]) for i in real]  # a channel is a variable
    ends = list(itertools.accumulate(map(len, rows)))
    put = _putter(values, structure, real)

    def put_rows(others: Sequence[Array]) -> Any:
        first = [0, *ends[:-1]]
        cut = [jnp.stack(others[a:b]) for a, b in zip(first, ends, strict=True)]
        return put([c.reshape(values[i].shape) for i, c in zip(real, cut, strict=True)])

    return [row for each in rows for row in each], put_rows


def _lasting(move: Callable[[list[Array]], list[Array]], variables: list[Array]) -> tuple[int, ...]:
    """Which variables have any tangent to hand on when the neurons move."""

    def lasts(b: int) -> bool:
        def moved(others: list[Array], v: Array) -> list[Array]:
            return move([*others[:b], v, *others[b + 1 :]])

        return reaches(moved, variables, variables[b])

    return tuple(b for b in range(len(variables)) if lasts(b))


def reaches(function: Callable[[Any, Any], list[Array]], held: Any, moved: Any) -> bool:
    """Whether a change of `moved` can change a result at all; nothing is computed."""
    reached = list[bool]()

    @jax.custom_jvp
    def notice(x: Array) -> Array:
        return x

    def rule(primals: tuple[Array], tangents: tuple[Any]) -> tuple[Array, Any]:
        (x,), (dx,) = primals, tangents
        if isinstance(dx, SymbolicZero):
            return x, jnp.zeros_like(x)
        reached.append(True)
        return x, dx

    notice.defjvp(rule, symbolic_zeros=True)

    def pushed(held: Any, moved: Any) -> Any:
        return jax.jvp(lambda m: [*map(notice, function(held, m))], (moved,), (moved,))

    jax.eval_shape(pushed, held, moved)
    return bool(reached)


def _parameters(node: Any, paths: Sequence[str]) -> tuple[list[Array], Any]:
    """Some parameters of a model, and how to put others in their place."""
    values, structure = jax.tree.flatten(node)
    place = {leaf.path: i for i, leaf in enumerate(leaves(node))}
    chosen = [place[path] for path in paths]
    return [jnp.asarray(values[i]) for i in chosen], _putter(values, structure, chosen)


def _putter(values: Sequence[Any], structure: Any, places: Sequence[int]) -> Any:
    def put(others: Sequence[Array]) -> Any:
        changed = dict(zip(places, others, strict=True))
        return jax.tree.unflatten(structure, [changed.get(i, v) for i, v in enumerate(values)])

    return put


def _unit_tangents(variables: Sequence[Array]) -> list[list[Array]]:
    return [
        [(jnp.ones_like if i == b else jnp.zeros_like)(v) for i, v in enumerate(variables)]
        for b in range(len(variables))
    ]


def linearised_step(
    net: BuiltNetwork,
    state: NetworkState,
    inputs: Mapping[str, Array],
    wanted: Mapping[str, Wanted],
) -> tuple[NetworkState, dict[str, Jacobians]]:
    """One step of the network, with the Jacobians of some populations.

    Args:
        net: The network.
        state: Where it stands.
        inputs: What arrives from outside.
        wanted: By population, what is to be known of it.
    """
    nodes = {
        name: Linearised(
            net.nodes[name], tuple(_arrival(e, net.edges[e]) for e in want.edges), want
        )
        for name, want in wanted.items()
    }
    held = {name: LinearisedState(node=state.nodes[name], jacobians=None) for name in wanted}
    new = net.replace(nodes={**net.nodes, **nodes}).update(
        state.replace(nodes={**state.nodes, **held}), inputs, t=state.t, dt=net.dt
    )
    plain = {name: new.nodes[name].node for name in wanted}
    return (
        new.replace(nodes={**new.nodes, **plain}),
        {name: new.nodes[name].jacobians for name in wanted},
    )
