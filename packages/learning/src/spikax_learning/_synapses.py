"""The synapses of an edge: what a window of steps brings to each, and what their targets say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax import Edge
from spikax.errors import ConfigError
from spikax.ops import Dense, Procedural, forward


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
    """Sum over a window of what each synapse receives times what its target says.

    g_s = sum over n of x_i(s)(n - d_s) y_j(s)(n).

    Args:
        edge: The edge.
        sent: (before + K, n_pre), what its sources sent, the last K rows within the window.
        before: Rows before the window, at least the longest delay.
        said: (K, n_post).
    """
    if edge.delays is None:
        rows = lax.slice_in_dim(sent, before - edge.delay, before - edge.delay + len(said))
        return _product(edge, rows, said)
    index = jnp.arange(before, len(sent), dtype=jnp.int32)
    sources = edge.format.pre_values(jnp.arange(edge.format.n_pre, dtype=jnp.int32))
    steps = edge.format.delays(edge.delays).astype(jnp.int32)

    def received(n: Array) -> Array:
        return sent.at[n - steps, sources].get(mode="promise_in_bounds")

    return _summed(edge, received, index, said)


def _product(edge: Edge, rows: Array, said: Array) -> Array:
    if is_shared(edge):
        one = jnp.ones((), rows.dtype)
        return jnp.sum(jax.vmap(lambda x: forward(edge.format, one, x))(rows) * said, axis=0)
    if isinstance(edge.format, Dense):
        return jnp.einsum("ki,kj->ij", rows, said, precision=lax.Precision.HIGHEST)
    return _summed(edge, edge.format.pre_values, rows, said)


def _summed(edge: Edge, received: object, given: Array, said: Array) -> Array:
    """Step by step, so that no more than one number per synapse is held."""
    fmt = edge.format

    def add(total: Array, now: tuple[Array, Array]) -> tuple[Array, None]:
        x = received(now[0])  # pyright: ignore[reportCallIssue]
        one = fmt.sum_to_post(x) * now[1] if is_shared(edge) else x * fmt.post_values(now[1])
        return total + one, None

    return lax.scan(add, jnp.zeros(layout(edge), said.dtype), (given, said))[0]


def as_weight(edge: Edge, gradient: Array) -> Array:
    """A gradient that stands like a trace, in the shape of the weight."""
    return gradient.sum() if is_shared(edge) else gradient
