"""Which neurons a parameter reaches within so many steps, by the connections of a network."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import BuiltNetwork, Dynamics, NetworkState, leaves
from spikax.errors import ConfigError
from spikax_learning._forward import is_real
from spikax_learning._plan import refuse_solved


class Reach:
    """The neurons of all populations in one row, N of them, and who acts on whom.

    An edge that acts within the step in which it sends is no hop, nor is one to a readout: a
    population that the loss reads and that sends nothing. Every other edge is one, whatever its
    delay.

    Args:
        net: A built network.
        paths: The signals that the loss reads.

    Raises:
        ConfigError: Populations are solved together: no number of hops says how far a step reaches.
    """

    def __init__(self, net: BuiltNetwork, paths: Iterable[str]) -> None:
        refuse_solved("SnAp", net)
        self.net, self.sizes, self.paths = net, dict(net.sizes), tuple(paths)
        self.first, self.total = dict[str, int](), 0
        for name, size in net.sizes:
            self.first[name], self.total = self.total, self.total + size
        self.read = sorted({path.partition(".")[0] for path in self.paths})
        sending = {edge.pre for edge in net.edges.values()}
        readouts = set(self.read) - sending
        self.free = [
            name
            for name in net.edge_order
            if name in net.immediate or net.edges[name].post in readouts
        ]
        self.hops = [name for name in net.edge_order if name not in self.free]

    def neurons(self, hops: Array) -> Array:
        """Whether neuron j (row) reaches neuron k (column) within so many hops, (N, N)."""
        free, hop = self._joined(self.free), self._joined(self.hops)

        def freely(reached: Array) -> Array:
            for _ in self.sizes:  # edges that are no hop form no loop
                reached = reached | overlap(reached, free)
            return reached

        def further(_: Any, reached: Array) -> Array:
            return freely(reached | overlap(reached, hop))

        here = freely(jnp.eye(self.total, dtype=bool))
        # No shortest way has more hops than there are neurons.
        return jax.lax.fori_loop(0, jnp.minimum(hops, self.total), further, here)

    def populations(self, start: str, hops: int) -> set[str]:
        """The populations that one reaches, if their neurons are connected."""
        reached = self._led({start}, self.free)
        for _ in range(min(hops, self.total)):
            further = {
                self.net.edges[e].post for e in self.hops if self.net.edges[e].pre in reached
            }
            reached = self._led(reached | further, self.free)
        return reached

    def _led(self, reached: set[str], edges: Iterable[str]) -> set[str]:
        for _ in self.sizes:
            reached = reached | {
                self.net.edges[e].post for e in edges if self.net.edges[e].pre in reached
            }
        return reached

    def _joined(self, names: Iterable[str]) -> Array:
        joined = jnp.zeros((self.total, self.total), bool)
        for name in names:
            edge = self.net.edges[name]
            sources = jnp.arange(self.sizes[edge.pre], dtype=jnp.int32) + self.first[edge.pre]
            joined = joined.at[edge.format.pre_values(sources), self._targets(name)].set(True)
        return joined

    def _targets(self, name: str) -> Array:
        """The target of each synapse, in the layout of the edge's format."""
        edge = self.net.edges[name]
        # The channels of a port lie one after the other.
        return edge.format.targets % self.sizes[edge.post] + self.first[edge.post]

    def owners(self, leaf: Any) -> Array:
        """Whether a number of a trained leaf (row) is of a neuron (column), (numbers, N).

        A weight is of its target; one for all synapses, of all targets. A parameter of a model is
        of its neuron; one for all neurons, of all.
        """
        rows = jnp.arange(leaf.value.size)
        found = jnp.zeros((len(rows), self.total), bool)
        if leaf.path.startswith("edges."):
            name = _edge_of(leaf)
            targets = self._targets(name)
            if leaf.value.shape == targets.shape:
                return found.at[rows, targets.reshape(-1)].set(True)
            return found.at[:, targets.reshape(-1)].set(True)
        for name in self.posts(leaf):
            first, size = self.first[name], self.sizes[name]
            if leaf.value.shape[-1:] == (size,):
                found = found.at[rows, first + rows % size].set(True)
            else:
                found = found.at[:, self.slice(name)].set(True)
        return found

    def posts(self, leaf: Any) -> list[str]:
        """The populations that a trained leaf is of; of several where they share it."""
        if leaf.path.startswith("edges."):
            return [self.net.edges[_edge_of(leaf)].post]
        path = leaf.path.removeprefix("nodes.")
        followers = [follower for owner, follower in self.net.shared if owner == path]
        return [p.partition(".")[0] for p in (path, *followers)]

    def slice(self, name: str) -> slice:
        """Where the neurons of a population stand."""
        return slice(self.first[name], self.first[name] + self.sizes[name])

    def read_neurons(self) -> Array:
        """Whether the loss reads a neuron, (N, 1)."""
        read = [jnp.full((size, 1), name in self.read) for name, size in self.net.sizes]
        return jnp.concatenate(read)

    def of_variables(self, state: NetworkState) -> np.ndarray:
        """The neuron that each real number of a state is of, (S,), in the order of `variables`.

        Those of neurons, receptors and releases are of the neuron; what is on its way in a ring is
        of the neuron that it will reach.
        """
        into = {edge.inbox: edge.post for edge in self.net.edges.values()}
        own = state.replace(
            nodes={name: self._own(name, node) for name, node in state.nodes.items()},
            rings={name: self._own(into[name], ring) for name, ring in state.rings.items()},
        )
        pairs = zip(jax.tree.leaves(own), jax.tree.leaves(state), strict=True)
        return np.concatenate([mine for mine, leaf in pairs if is_real(leaf)])

    def _own(self, name: str, tree: Any) -> Any:
        """In place of each number its neuron: the last axis is that of neurons."""
        first, size = self.first[name], self.sizes[name]
        return jax.tree.map(lambda a: first + np.arange(a.size) % size, tree)


def check_neurons(rule: str, net: BuiltNetwork, state: NetworkState) -> None:
    """Every variable has to be of one neuron.

    Raises:
        ConfigError: A population is not elementwise over its neurons, or an edge has variables.
    """
    for name, node in net.nodes.items():
        if not isinstance(node, Dynamics):
            raise ConfigError(
                f"{rule} cannot tell which neuron the variables of population {name!r} are of: it "
                f"is {node!r}, a System that is not a Dynamics. Use RTRL() or BPTT()."
            )
    for name, edge in state.edges.items():
        if any(is_real(leaf) for leaf in jax.tree.leaves(edge)):
            raise ConfigError(
                f"{rule} keeps what belongs to neurons, and edge {name!r} is plastic: its "
                "variables belong to synapses. Use RTRL() or BPTT()."
            )


def _edge_of(leaf: Any) -> str:
    return leaf.path.removeprefix("edges.").removesuffix(".weight")


def overlap(first: Array, second: Array) -> Array:
    """The product of two matrices of truth values."""
    return first.astype(float) @ second.astype(float) > 0


@functools.partial(jax.jit, static_argnames="paths")
def kept(net: BuiltNetwork, trained: BuiltNetwork, hops: Array, paths: tuple[str, ...]) -> Array:
    """Which neurons each trained number reaches within so many hops, (P, N)."""
    reach = Reach(net, paths)
    neurons = reach.neurons(hops)
    return jnp.concatenate([overlap(reach.owners(leaf), neurons) for leaf in leaves(trained)])


@functools.partial(jax.jit, static_argnames="paths")
def complete(
    net: BuiltNetwork, trained: BuiltNetwork, hops: Array, paths: tuple[str, ...]
) -> dict[str, Array]:
    """By trained leaf, whether all that it reaches, and that leads to the loss, is so near."""
    reach = Reach(net, paths)
    near, everything = reach.neurons(hops), reach.neurons(jnp.asarray(reach.total))
    matters = overlap(everything, reach.read_neurons()).reshape(1, -1)

    def all_near(leaf: Any) -> Array:
        own = reach.owners(leaf)
        return ~(overlap(own, everything) & ~overlap(own, near) & matters).any()

    return {leaf.path: all_near(leaf) for leaf in leaves(trained)}
