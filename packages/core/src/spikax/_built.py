"""A built network: the system that runs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp

from spikax import _ops as ops
from spikax._component import rebuild
from spikax._delivery import Ring, deliver, empty
from spikax._events import EventRing
from spikax._fields import clock, leaf, nested, part, static
from spikax._fixed_point import FixedPoint, repeated
from spikax._procedural import Procedural
from spikax._projection import Carrying, Edge, Sends
from spikax._random import fold, key_words
from spikax._share import filled
from spikax._state import State
from spikax._summary import Page, built_page, html, is_whole, parts_page, text
from spikax._system import Array, Arrivals, Port, System
from spikax.errors import ConfigError, unknown
from spikax.units import Unit


class NetworkState(State):
    """Everything that changes in a network: the step, nodes, edges, what is on its way."""

    t: Array = clock("index of the step")
    nodes: Mapping[str, Any] = nested()
    edges: Mapping[str, Any] = nested()
    rings: Mapping[str, Ring | EventRing] = nested()


class BuiltNetwork(System):
    """A network that runs: a pytree of parameters and weights, pure, for any JAX transform.

    One step: every delayed edge reads the signals at t; then each node, in an order in which the
    sources of edges without delay come first, is called with what arrived; those that
    act on each other within a step are called together, until they agree. With `axis` set, nodes
    hold their share of the neurons of each population under `jax.shard_map` over that mesh axis:
    edges see all pre-synaptic and the local post-synaptic neurons.
    """

    nodes: Mapping[str, System] = part(doc="populations by name")
    edges: Mapping[str, Edge] = part(doc="projections by name")
    seed: Array = leaf("seed", doc="two words, the default seed of the noise")
    sizes: tuple[tuple[str, int], ...] = static(doc="number of neurons of each node")
    order: tuple[str, ...] = static(doc="nodes in the order of a step")
    edge_order: tuple[str, ...] = static(doc="edges in the order of the projections")
    immediate: tuple[str, ...] = static(doc="edges without delay")
    solved: tuple[str, ...] = static((), doc="edges that act both ways within a step")
    fixed_point: FixedPoint = static(FixedPoint(), doc="how often a step is repeated for these")
    dt: float = static(doc="time step in ms")
    shared: tuple[tuple[str, str], ...] = static((), doc="owner and follower of shared parameters")
    axis: str | None = static(None, doc="mesh axis over which neurons are sharded")

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {f"{n}.{p}": port for n in self.order for p, port in self.nodes[n].ports.items()}

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {f"{n}.{s}": unit for n in self.order for s, unit in self.nodes[n].signals.items()}

    def init_state(
        self, size: int | None = None, *, key: Any = None, dt: float | None = None
    ) -> NetworkState:
        """A fresh state at t = 0.

        Args:
            size: Not used; a network has its own sizes.
            key: Seed of the noise (an int, a JAX key or two words); that of `build` if None. Many
                trials at once are `jax.vmap` over `jax.random.split(jax.random.key(0), n)`.
            dt: Not used; a network has its own step.
        """
        del size, dt
        words = self.seed if key is None else key_words(key)
        systems = self.whole().nodes
        nodes = {
            n: systems[n].init_state(size, key=fold(words, n), dt=self.dt) for n, size in self.sizes
        }
        edges = {
            n: e.init_state(fold(words, f"edge/{n}")) if e.random else e.init_state()
            for n, e in self.edges.items()
        }
        rings = empty(self.edges, self.delayed)
        return NetworkState(t=jnp.zeros((), jnp.int32), nodes=nodes, edges=edges, rings=rings)

    def update(
        self, state: NetworkState, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> NetworkState:
        return self.whole()._step(state, inputs, t, dt)

    def whole(self) -> Self:
        """The same network with every shared parameter also where it follows."""
        if not self.shared:
            return self
        nodes = filled(self.nodes, self.shared)
        return rebuild(type(self), vars(self) | {"nodes": nodes, "shared": ()})

    def _step(
        self, state: NetworkState, inputs: Mapping[str, Array], t: Array, dt: float
    ) -> NetworkState:
        arrived = self._empty(inputs)
        nodes, edges = dict(state.nodes), dict(state.edges)
        sent = self._call(self.delayed, edges, nodes, t, dt)
        rings = self._deliver(sent, state.rings, arrived, edges, t, dt)
        for node in self.order:
            before = [name for name in self.immediate if self.edges[name].post == node]
            self._deliver(self._call(before, edges, nodes, t, dt), {}, arrived, edges, t, dt)
            if node not in self.coupled:
                nodes[node] = _moved(self.nodes[node], nodes[node], arrived[node], t, dt)
            elif node == self.coupled[-1]:
                nodes |= self._moved_together(nodes, edges, arrived, t, dt)
        return NetworkState(t=t + 1, nodes=nodes, edges=edges, rings=rings)

    def _moved_together(
        self,
        nodes: Mapping[str, Any],
        edges: Mapping[str, Any],
        arrived: Mapping[str, dict[str, Array]],
        t: Array,
        dt: float,
    ) -> dict[str, Any]:
        """The next state of the nodes that are solved together."""

        def step(guess: Mapping[str, Any]) -> dict[str, Any]:
            now, local = {n: dict(arrived[n]) for n in self.coupled}, dict(edges)
            sent = self._call(self.solved, local, {**nodes, **guess}, t, dt)
            self._deliver(sent, {}, now, local, t, dt)
            return {n: _moved(self.nodes[n], nodes[n], now[n], t, dt) for n in self.coupled}

        def transmitted(guess: Mapping[str, Any]) -> list[Array]:
            read = {(self.edges[e].pre, self.edges[e].signal): None for e in self.solved}
            return [self._signal(guess, node, signal) for node, signal in read]

        start = {n: nodes[n] for n in self.coupled}
        return repeated(step, start, transmitted, self.fixed_point, self.axis)

    @property
    def coupled(self) -> tuple[str, ...]:
        """Nodes that are solved together; in the order of a step they follow each other."""
        edges = [self.edges[name] for name in self.solved]
        ends = {end for edge in edges for end in (edge.pre, edge.post)}
        return tuple(name for name in self.order if name in ends)

    @property
    def delayed(self) -> tuple[str, ...]:
        """Edges that act in a later step than they are sent in."""
        within = {*self.immediate, *self.solved}
        return tuple(name for name in self.edge_order if name not in within)

    def _empty(self, inputs: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
        """Every port of every node at full shape: what comes from outside, else zero."""
        for path in inputs.keys() - self.ports.keys():
            raise unknown("port (input)", path, self.ports)
        sizes = dict(self.sizes)

        def port_input(node: str, name: str, port: Port) -> Array:
            path = f"{node}.{name}"
            return inputs[path] if path in inputs else port.nothing(self._local(sizes[node]))

        return {
            n: {p: port_input(n, p, port) for p, port in self.nodes[n].ports.items()}
            for n in self.order
        }

    def _local(self, size: int) -> int:
        return size if self.axis is None else size // jax.lax.axis_size(self.axis)

    def _call(
        self,
        names: Sequence[str],
        edges: dict[str, Any],
        nodes: Mapping[str, Any],
        t: Array,
        dt: float,
    ) -> dict[str, Sends | Array]:
        """Move edges on, in place; what they send."""

        @functools.cache  # edges that read the same signal hold the same array, and send together
        def whole(node: str, signal: str) -> Array:
            return self._gather(self._signal(nodes, node, signal))

        sent = dict[str, Sends | Array]()
        for name in names:
            edge = self.edges[name]
            if self.axis is not None and isinstance(edge.format, Procedural):
                raise ConfigError(
                    f"edge {name!r} is procedural, and {self.axis!r} shards the network: its rows "
                    "cannot be cut by target yet; leave out procedural, or vmap over trials."
                )
            pre = {s: whole(edge.pre, s) for s in edge.reads["pre"]}
            post = {s: self._signal(nodes, edge.post, s) for s in edge.reads["post"]}
            mod = {p: whole(*p.split(".", 1)) for p in edge.reads["mod"]}
            edges[name], sent[name] = edge.update(edges[name], pre, post, mod, t=t, dt=dt)
        return sent

    def _deliver(
        self,
        sent: Mapping[str, Sends | Array],
        rings: Mapping[str, Ring | EventRing],
        arrived: dict[str, dict[str, Array]],
        edges: dict[str, Any],
        t: Array,
        dt: float,
    ) -> Mapping[str, Ring | EventRing]:
        """Add what arrives at the end of the step to the ports, in place; the rings after it."""
        carried = {n: edges[n].weight for n in sent if isinstance(edges[n], Carrying)}
        spikes = {name for name in sent if self._sends_spikes(self.edges[name])}
        rings, sums, carried = deliver(self.edges, sent, rings, t, dt, carried, spikes)
        edges |= {n: edges[n].replace(weight=weight) for n, weight in carried.items()}
        first = {self.edges[name].inbox: self.edges[name] for name in sent}
        # Channels that arrive one by one are put together once: there can be a hundred.
        apart = dict[tuple[str, str], dict[int, Array]]()
        for box, values in sums.items():
            edge = first[box]
            for port, value in edge.at_ports(values).items():
                if edge.channel is None:
                    arrived[edge.post][port] = _joined(arrived[edge.post][port], value)
                else:
                    into = apart.setdefault((edge.post, port), {})
                    before = into.get(edge.channel)
                    into[edge.channel] = value if before is None else before + value
        for (node, port), values in apart.items():
            arrived[node][port] = arrived[node][port] + _stacked(values, arrived[node][port])
        return rings

    def _sends_spikes(self, edge: Edge) -> bool:
        """Whether it sends spikes of 0 and 1 that a neuron made, and did not only pass on."""
        return edge.signal == "spike" and self.nodes[edge.pre].fires_once

    def _gather(self, signal: Array) -> Array:
        return (
            signal
            if self.axis is None
            else jax.lax.all_gather(signal, self.axis, axis=-1, tiled=True)
        )

    def read(self, state: NetworkState, name: str) -> Array:
        node, _, signal = name.partition(".")
        if node in self.edges:
            return self.edges[node].read(state.edges[node], signal)
        if node not in self.nodes:
            raise unknown("population", node, self.nodes)
        if signal not in self.nodes[node].signals:
            raise unknown(f"signal of population {node!r}", signal, self.nodes[node].signals)
        return self.whole()._signal(state.nodes, node, signal)

    def _signal(self, nodes: Mapping[str, Any], node: str, signal: str) -> Array:
        return self.nodes[node].read(nodes[node], signal)

    def summary(self) -> str:
        """A table of populations and edges with sizes, models, synapses and bytes."""
        return text(self._page())

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html(self._page())

    def _page(self) -> Page:
        return built_page(self) if is_whole(self) else parts_page(self)

    def plot_connectivity(self, edge: str, *, ax: Any = None) -> Any:
        """Draw which neurons an edge connects: sources downwards, targets to the right.

        The colour is the number of synapses per pair of neurons; many neurons share a pixel.

        Returns:
            The matplotlib axes, new ones unless `ax` is given.

        Raises:
            UnknownNameError: There is no such edge.
        """
        from spikax._plot_network import plot_connectivity

        return plot_connectivity(self, edge, ax)

    def plot_weights(self, edge: str, *, state: NetworkState | None = None, ax: Any = None) -> Any:
        """Draw the histogram of an edge's weights: of a plastic one as in `state`, else as built.

        Returns and errors as in `plot_connectivity`.
        """
        from spikax._plot_network import plot_weights

        return plot_weights(self, edge, state, ax)


def _stacked(values: Mapping[int, Array], like: Array) -> Array:
    """What arrived at some channels, as the rows of an array like `like`, (channels, neurons)."""
    nothing = jnp.zeros_like(like[0])
    return jnp.stack([values.get(channel, nothing) for channel in range(len(like))])


def _joined(given: Any, arrived: Any) -> Any:
    """What comes from outside and what edges bring."""
    # Events from outside would need a place of their own; none came, or split_inputs refused them.
    return arrived if isinstance(arrived, Arrivals) else given + arrived


def _moved(node: System, state: Any, inputs: Mapping[str, Array], t: Array, dt: float) -> Any:
    """The next state; a backward pass keeps what goes in, and computes what is in between anew."""

    def move(node: System, state: Any, inputs: Mapping[str, Array], t: Array) -> Any:
        return ops.update(node, state, inputs, t, dt)

    # A neuron's own arithmetic is cheap beside writing all of it to memory in every step.
    return jax.checkpoint(move)(node, state, inputs, t)
