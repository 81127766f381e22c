"""A window of steps: how the effect of each arrival grows, fades and meets the errors.

What is followed of a neuron, u, is its own variables and what others remember of its signals; it is
linear in what arrives:

    u(n) = A(n) u(n - 1) + B(n) x(n),        G += sum over n of l(n) . u(n).

Per neuron A is a small matrix, so all is done without any synapse until the end, when two products
of (steps, sources) by (steps, targets) bring the synapses in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax


class Followed(NamedTuple):
    """How one signal of a population is remembered on its way.

    Attributes:
        read: d signal / dh, (K, d, N).
        keeps: What is kept of it in a step, (K,); None where nothing is.
        lag: Steps before it arrives.
    """

    read: Array
    keeps: Array | None
    lag: int

    @property
    def size(self) -> int:
        """Numbers kept of it, as `Way.kept`."""
        return self.lag + (self.keeps is not None or self.lag > 0)


def dot(left: Array, right: Array) -> Array:
    """Sums over the variables of products, (..., d, N) each.

    Written out here and in `product`, since XLA's own dot is slow for so few terms.
    """
    return reduce(jnp.add, [left[..., a, :] * right[..., a, :] for a in range(left.shape[-2])])


def product(left: Array, right: Array) -> Array:
    """The product of matrices of every neuron, (..., a, b, N) by (..., b, c, N)."""
    terms = [left[..., :, b, None, :] * right[..., None, b, :, :] for b in range(left.shape[-2])]
    return reduce(jnp.add, terms)


def system(recurrent: Array, ways: Sequence[Followed]) -> Array:
    """A, (K, m, m, N), of recurrent blocks (K, d, d, N) and the ways of their signals."""
    steps, d, _, n = recurrent.shape
    m = d + sum(way.size for way in ways)
    a = jnp.zeros((steps, m, m, n), recurrent.dtype).at[:, :d, :d].set(recurrent)
    begin = d
    for way in ways:
        if not way.size:
            continue
        a = a.at[:, begin, :d].set(product(way.read[:, None], recurrent)[:, 0])
        for i in range(begin + 1, begin + way.size):
            a = a.at[:, i, i - 1].set(1.0)
        if way.keeps is not None:
            last = begin + way.size - 1
            a = a.at[:, last, last].set(way.keeps[:, None])
        begin += way.size
    return a


def injection(injected: Array, shown: Sequence[Array | None], ways: Sequence[Followed]) -> Array:
    """B, (K, m, N): of the variables (K, d, N), and of each signal at once by `shown`."""
    steps, _, n = injected.shape
    rows = [injected]
    for way, more in zip(ways, shown, strict=True):
        if not way.size:
            continue
        at_once = dot(way.read, injected)
        at_once = at_once if more is None else at_once + more
        later = jnp.zeros((steps, way.size - 1, n), injected.dtype)
        rows.append(jnp.concatenate([at_once[:, None], later], axis=1))
    return jnp.concatenate(rows, axis=1)


def errors(d: int, signals: Sequence[Array], ways: Sequence[Followed]) -> Array:
    """l, (K, m, N), of the learning signal of each way, (K, N)."""
    steps, n = signals[0].shape
    own = jnp.zeros((steps, d, n), signals[0].dtype)
    rows = list[Array]()
    for way, signal in zip(ways, signals, strict=True):
        if way.size:
            rows += [jnp.zeros((steps, way.size - 1, n), signal.dtype), signal[:, None]]
        else:
            own = own + way.read * signal[:, None]
    return jnp.concatenate([own, *rows], axis=1)


class Swept(NamedTuple):
    """A window, seen from its end.

    Attributes:
        credit: What each u is worth to the errors from there on, (K, m, N).
        credit_before: The same of u before the window, (m, N).
        kept: Which entries of u are remembered from window to window, r of m.
        later: How each of these answers at the end of the window, (K, r, r, N).
        whole: How they before the window answer there, (r, r, N).
    """

    credit: Array
    credit_before: Array
    kept: tuple[int, ...]
    later: Array
    whole: Array


def sweep(a: Array, l: Array, kept: tuple[int, ...]) -> Swept:
    """Go back through a window, neuron by neuron.

    Args:
        a: A, (K, m, m, N).
        l: l, (K, m, N).
        kept: Entries of u to remember; no other has an effect on a later one of these.
    """
    r, at = len(kept), jnp.asarray(kept, jnp.int32)
    one = jnp.broadcast_to(jnp.eye(r, dtype=a.dtype)[:, :, None], (r, r, a.shape[-1]))

    def back(
        carry: tuple[Array, Array], now: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        worth, later = carry
        block, lasting, error = now
        credit = worth + error
        before = product(credit[None], block)[0], product(later, lasting) if kept else later
        return before, (credit, later)

    (before, whole), (credit, later) = lax.scan(
        back, (jnp.zeros_like(l[0]), one), (a, a[:, at][:, :, at], l), reverse=True
    )
    return Swept(credit, before, kept, later, whole)
