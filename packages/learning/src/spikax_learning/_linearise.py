"""Neuron-aligned Jacobians of a population, taken while the network moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Dynamics, NetworkState, Port, State, part, static
from spikax.units import Unit

Ports = tuple[tuple[str, float], ...]


class Jacobians(State):
    """How the next variables h' of N neurons answer: d variables each, in the order of the leaves.

    One tangent of ones gives a column of all N blocks at once, because `update` is elementwise over
    neurons.

    Attributes:
        recurrent: dh'_a / dh_b, (d, d, N).
        injected: dh'_a / d arrival by edge, (d, N) each.
        read: d signal / dh'_a, (d, N).
    """

    recurrent: Array
    injected: Mapping[str, Array]
    read: Array


class LinearisedState(State):
    """A node's state and, after an update, its Jacobians."""

    node: Any
    jacobians: Jacobians | None


class Linearised(Dynamics):
    """A population that hands out its Jacobians with its next state."""

    node: Dynamics = part(doc="the population's model")
    edges: tuple[tuple[str, Ports], ...] = static(doc="edges whose arrivals matter, with ports")
    signal: str = static(doc="the signal that is read")
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

        def move(h: list[Array], u: Mapping[str, Array]) -> tuple[list[Array], Any]:
            new = self.node.update(put(h), u, t=t, dt=dt)
            return _variables(new)[0], new

        _, push, new = jax.linearize(move, variables, dict(inputs), has_aux=True)
        still = jax.tree.map(jnp.zeros_like, variables), jax.tree.map(jnp.zeros_like, dict(inputs))
        columns = [jnp.stack(push(ones, still[1])) for ones in _unit_tangents(variables)]
        injected = {
            name: jnp.stack(push(still[0], still[1] | _arrival(inputs, ports)))
            for name, ports in self.edges
        }
        jacobians = Jacobians(
            recurrent=jnp.stack(columns, axis=1), injected=injected, read=self._read(new)
        )
        return LinearisedState(node=new, jacobians=jacobians)

    def _read(self, state: Any) -> Array:
        variables, put = _variables(state)
        _, push = jax.linearize(lambda h: self.node.read(put(h), self.signal), variables)
        return jnp.stack([push(ones) for ones in _unit_tangents(variables)])

    def read(self, state: Any, name: str) -> Array:
        return self.node.read(state.node, name)


def _variables(state: Any) -> tuple[list[Array], Any]:
    """The real-valued leaves of a state, and how to put others in their place."""
    leaves, structure = jax.tree.flatten(state)
    real = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.floating)]

    def put(values: list[Array]) -> Any:
        changed = dict(zip(real, values, strict=True))
        return jax.tree.unflatten(structure, [changed.get(i, v) for i, v in enumerate(leaves)])

    return [leaves[i] for i in real], put


def _unit_tangents(variables: list[Array]) -> list[list[Array]]:
    return [
        [jnp.ones_like(v) if i == b else jnp.zeros_like(v) for i, v in enumerate(variables)]
        for b in range(len(variables))
    ]


def _arrival(inputs: Mapping[str, Array], ports: Ports) -> dict[str, Array]:
    """The tangent of one unit of weighted signal arriving by an edge."""
    return {port: jnp.full_like(inputs[port], factor) for port, factor in ports}


def linearised_step(
    net: BuiltNetwork,
    state: NetworkState,
    inputs: Mapping[str, Array],
    wanted: Mapping[str, tuple[tuple[str, ...], str]],
) -> tuple[NetworkState, dict[str, Jacobians]]:
    """One step of the network, with the Jacobians of some populations.

    Args:
        net: The network.
        state: Where it stands.
        inputs: What arrives from outside.
        wanted: By population, the edges into it that matter and the signal that is read.
    """
    nodes = {
        name: Linearised(net.nodes[name], tuple((e, net.edges[e].ports) for e in edges), signal)
        for name, (edges, signal) in wanted.items()
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
