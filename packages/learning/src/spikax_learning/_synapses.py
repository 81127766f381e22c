"""The synapses of an edge: what a window of steps brings to each, and what their targets say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax import Edge
from spikax.errors import ConfigError
from spikax.ops import Dense, Procedural, add_weight_gradient, forward, scatter


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
    """Values of the target neurons, (N,), where their synapses stand."""
    channels = edge.format.n_post // values.shape[-1]
    values = jnp.tile(values, channels) if channels > 1 else values
    return values if is_shared(edge) else edge.format.post_values(values)


def credited(edge: Edge, sent: Array, before: int, said: Array) -> Array:
    """Sums over a window of what each synapse receives times what its target says.

    g_s = sum over n of x_i(s)(n - d_s) y_j(s)(n).

    Args:
        edge: The edge.
        sent: (before + K, n_pre), what its sources sent, the last K rows within the window.
        before: Rows before the window, at least the longest delay.
        said: (K, c, n_post), of c sayings.

    Returns:
        (c, *layout).
    """
    if edge.delays is not None or not (is_shared(edge) or isinstance(edge.format, Dense)):
        return _by_source(edge, sent, before, said)
    rows = lax.slice_in_dim(sent, before - edge.delay, before - edge.delay + len(said))
    if not is_shared(edge):
        return jnp.einsum("ki,kcj->cij", rows, said, precision=lax.Precision.HIGHEST)
    one = jnp.ones((), rows.dtype)
    arrived = jax.vmap(lambda x: forward(edge.format, one, x))(rows)
    return jnp.einsum("kj,kcj->cj", arrived, said)


def _by_source(edge: Edge, sent: Array, before: int, said: Array) -> Array:
    """Step by step of the sources, so that those that sent nothing need not be looked at."""
    if is_shared(edge):
        return _arrived_by_delay(edge, sent, before, said)
    fmt, index = edge.format, jnp.arange(len(sent), dtype=jnp.int32)
    # What is said when it arrives, at its source's row plus the delay; nothing outside the window.
    rings = jnp.pad(jnp.moveaxis(said, 1, 0), ((0, 0), (before, edge.delay), (0, 0)))
    delay = jnp.asarray(edge.steps)

    def add(totals: list[Array], now: tuple[Array, Array]) -> tuple[list[Array], None]:
        row, x = now
        pairs = zip(rings, totals, strict=True)
        return [add_weight_gradient(fmt, x, delay, ring, row, g) for ring, g in pairs], None

    zero = [jnp.zeros(fmt.shape, said.dtype) for _ in range(said.shape[1])]
    return jnp.stack(lax.scan(add, zero, (index, sent))[0])


def _arrived_by_delay(edge: Edge, sent: Array, before: int, said: Array) -> Array:
    """The same of synapses that share a weight: what arrives is summed at the target first."""
    one, length = jnp.ones((), sent.dtype), len(sent) + edge.delay

    def add(ring: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        row, x = now
        return scatter(edge.format, one, x, jnp.asarray(edge.steps), ring, row), None

    index = jnp.arange(len(sent), dtype=jnp.int32)
    empty = jnp.zeros((length, edge.format.n_post), sent.dtype)
    arrived = lax.scan(add, empty, (index, sent))[0][before : before + len(said)]
    return jnp.einsum("kj,kcj->cj", arrived, said)


def as_weight(edge: Edge, gradient: Array) -> Array:
    """A gradient that stands like a trace, in the shape of the weight."""
    return gradient.sum() if is_shared(edge) else gradient
