"""What rules share that see the whole network: what is trained, what the loss reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, floats, leaves, select
from spikax.errors import ConfigError, ShapeError
from spikax_learning._explain import Explained, Explanation
from spikax_learning._plan import Loss, default_reads

Reads = str | tuple[str, ...]


def trainable(rule: str, net: BuiltNetwork, train: Filter) -> tuple[BuiltNetwork, BuiltNetwork]:
    """The picked leaves and the others, None where a leaf went to the other.

    Raises:
        ConfigError: A picked leaf has no derivative, or is not what moves the network.
    """
    trained, fixed = select(net, train)
    for leaf in leaves(trained):
        if not floats(leaf):
            raise ConfigError(
                f"{rule} would leave out {leaf.path}: it is {leaf.value.dtype}, which has no "
                'derivative. Pick real numbers only, such as train="weight" or "*.tau_m".'
            )
        if leaf.path in _only_at_first(net):
            raise ConfigError(
                f"{rule} would leave out {leaf.path}: this edge is plastic, so its weights are "
                "part of the state, and these are only where they begin. Pick others with "
                "train=weights(...)."
            )
    return trained, fixed


def _only_at_first(net: BuiltNetwork) -> Iterator[str]:
    return (f"edges.{n}.weight" for n, edge in net.edges.items() if "weight" in edge.signals)


def reads_of(rule: str, net: BuiltNetwork, loss: Loss) -> Reads:
    """The signals that a loss reads: its own `reads`, or y of the only leaky readout."""
    named = getattr(loss, "reads", None)
    if named:
        return named
    return default_reads(rule, net)[0]


def paths_of(reads: Reads) -> tuple[str, ...]:
    """Every signal that is read."""
    return (reads,) if isinstance(reads, str) else reads


def seen(net: BuiltNetwork, state: NetworkState, reads: Reads) -> Any:
    """What the loss gets of a state: an array, or a tuple of them if it reads several."""
    if isinstance(reads, str):
        return net.read(state, reads)
    return tuple(net.read(state, path) for path in reads)


def scalar(loss: Loss) -> Loss:
    """The loss of one step; one that is no single number is named."""

    def checked(y: Any, target: Any) -> Array:
        value = loss(y, target)
        if jnp.shape(value):
            raise ShapeError(
                f"the loss of a step has shape {jnp.shape(value)}; expected a scalar: "
                "loss(y, target) of one step, summed over the neurons that are read."
            )
        return value

    return checked


def alike(trained: Any, how: str, exact: bool, why: str) -> Explanation:
    """The same said of every trained parameter."""
    return Explanation(Explained(leaf.path, how, exact, why) for leaf in leaves(trained))
