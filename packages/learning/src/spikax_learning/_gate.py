"""A step in which derivatives pass through some neurons only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
from jax import Array

from spikax import BuiltNetwork, Dynamics, NetworkState, Port, State, part
from spikax.units import Unit


class GatedState(State):
    """A node's state, and which of its neurons have a derivative, (N,)."""

    node: Any
    kept: Array


class Gated(Dynamics):
    """A population of which some neurons have no derivative from the moment they have moved."""

    node: Dynamics = part(doc="the population's model")
    State: ClassVar[type[Any]] = GatedState

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.node.ports

    @property
    def signals(self) -> Mapping[str, Unit]:
        return self.node.signals

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> GatedState:
        new = self.node.update(state.node, inputs, t=t, dt=dt)
        return state.replace(node=jax.tree.map(lambda a: _gate(a, state.kept), new))

    def read(self, state: Any, name: str) -> Array:
        return self.node.read(state.node, name)


@jax.custom_jvp
def _gate(values: Array, kept: Array) -> Array:
    """The values, (..., N), with a derivative where `kept`, (N,), is true."""
    del kept
    return values


@_gate.defjvp
def _gate_jvp(primals: tuple[Array, Array], tangents: tuple[Any, Any]) -> tuple[Array, Any]:
    values, kept = primals
    moved = tangents[0]
    if moved.dtype == jax.dtypes.float0:
        return values, moved
    return values, moved * kept.astype(values.dtype).reshape((1,) * (values.ndim - 1) + (-1,))


def gated_step(
    net: BuiltNetwork,
    state: NetworkState,
    inputs: Mapping[str, Array],
    kept: Mapping[str, Array],
) -> NetworkState:
    """One step of the network; `kept` are the neurons with a derivative, by population."""
    net = net.whole()
    nodes = {name: Gated(node) for name, node in net.nodes.items()}
    held = {name: GatedState(node=state.nodes[name], kept=kept[name]) for name in nodes}
    new = net.replace(nodes=nodes).update(state.replace(nodes=held), inputs, t=state.t, dt=net.dt)
    return new.replace(nodes={name: node.node for name, node in new.nodes.items()})
