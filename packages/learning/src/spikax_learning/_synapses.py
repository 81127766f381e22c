"""The synapses of an edge, one by one: what each receives, and what its target says to it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from spikax import Edge
from spikax.errors import ConfigError
from spikax.ops import Procedural
from spikax_learning._history import Ring


def is_shared(edge: Edge) -> bool:
    """Whether one number is the weight of all synapses."""
    return jnp.ndim(edge.weight) == 0


def layout(edge: Edge) -> tuple[int, ...]:
    """The shape of a trace: that of the weight; one per target, for all its synapses, if shared."""
    if is_shared(edge):
        return (edge.format.n_post,)
    if isinstance(edge.format, Procedural):
        raise ConfigError(
            f"the edge {edge.pre}->{edge.post} is procedural and looks its weights up in a table, "
            "so no synapse has a weight to learn; give it one number, or leave out procedural."
        )
    return edge.format.shape


def at_targets(edge: Edge, values: Array) -> Array:
    """Values of the target neurons, (..., n_post), where their synapses stand."""
    if is_shared(edge):
        return values
    spread = edge.format.post_values
    for _ in values.shape[:-1]:
        spread = jax.vmap(spread)
    return spread(values)


def received(edge: Edge, signals: Ring, step: Array) -> Array:
    """What every synapse receives at a step: what its source sent, its delay ago."""
    fmt, length = edge.format, len(signals)
    if edge.delays is None:
        x = fmt.pre_values(signals[(step - edge.delay) % length])
    else:
        sources = fmt.pre_values(jnp.arange(fmt.n_pre))
        x = signals[(step - fmt.delays(edge.delays).astype(jnp.int32)) % length, sources]
    return fmt.sum_to_post(x) if is_shared(edge) else x


def as_weight(edge: Edge, gradient: Array) -> Array:
    """A gradient that stands like a trace, in the shape of the weight."""
    return gradient.sum() if is_shared(edge) else gradient
