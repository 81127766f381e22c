"""Poisson counts from the counter hash, the same in every implementation.

A count is a pure function of `bits` and of the mean m, and this text is its definition. It takes no
floating-point sums, so neither the compiler nor the device can change it. The mean is split into
4 j + r, r in [0, 4): the sum of two independent Poisson counts is a Poisson count.

    count            #{k >= 0: C_k < b | 1} + #{k >= 0: A_k < b' | 1}, where b are the bits of the
                     draw and b' those of draw ^ 2^31
    A_k              floor(2^32 P(X <= k)) of a Poisson count X of mean 4 j, 2^32 - 1 at most
    C_k              the same of mean r: C_k = C_(k-1) + 2 floor(2^31 p_k), or 2^32 - 1 for ever
                     from the first k on where this is no larger, or no word of 32 bits
    p_k              p_(k-1) (r / k): r, 1/k and both products rounded to float32
    C_0              2^32 - 1 - u, and p_0 = floor(C_0 / 2) 2^-31, rounded to float32
    u                of y = floor(2^30 r): h = c_11; h = c_i - h * y for i = 10, ..., 1; u = h * y,
                     then twice u = 2 u - u * u; c_i = 2^32 / i!, rounded, 2^32 - 1 at most

C and u are unsigned words of 32 bits, and `*` is nearly the high word of a product: of a = (a1, a0)
and b = (b1, b0) in halves of 16 bits, a1 b1 + (a1 b0 >> 16) + (a0 b1 >> 16). So u is 1 - exp(-r) in
units of 2^-32. The total variation from the Poisson distribution of mean m is below 1e-6.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Iterable
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from spikax._ops import platform
from spikax._random import bits

POISSON_LIMIT = 50.0  # the largest mean

_TOP = np.uint32(0xFFFFFFFF)
_SECOND_WORD = np.uint32(1 << 31)
_SPLIT = 4
# Where C has come to its end: for means below 4, and for means below 0.2.
_ALL, _FEW, _FEW_BELOW = 23, 8, 0.2
_COLUMNS = 128  # of A, which ends at k = 107
_SERIES = [np.uint32(min(2**32 - 1, round(2**32 / math.factorial(i)))) for i in range(1, 12)]
_RECIPROCALS = np.array([1 / k for k in range(1, _ALL)], np.float32)

_Terms: TypeAlias = "tuple[Array, Array]"  # p_k and C_k


def poisson(stream: Array, t: ArrayLike, mean: ArrayLike, draw: ArrayLike = 0) -> Array:
    """Poisson counts, in the dtype of `mean`. No gradient flows to the mean.

    A neuron's count depends on its own stream and mean alone: one mean for all gives the counts of
    as many equal means.

    Args:
        stream: uint32 (2, N), as from `streams`.
        t: The step.
        mean: Expected count, () or (N,), in [0, 50]. Elsewhere the count is NaN, because values
            that are traced cannot raise here.
        draw: As in `bits`.
    """
    mean = lax.stop_gradient(jnp.asarray(mean))
    valid = (mean >= 0.0) & (mean <= POISSON_LIMIT)
    within = jnp.where(valid, mean, 0.0)

    def with_whole_part() -> Array:
        second = jnp.asarray(draw).astype(jnp.uint32) ^ _SECOND_WORD
        return count + _whole_part(within, _odd_bits(stream, t, second))

    first = _odd_bits(stream, t, draw)
    if platform() == "cpu":
        below = _below_one_mean if mean.ndim == 0 else _below_each_mean
        count = below(within, first)
        count = lax.cond(jnp.any(within >= _SPLIT), with_whole_part, lambda: count)
    else:
        count = _below_without_branches(within, first)
        count = with_whole_part()
    return jnp.where(valid, count.astype(mean.dtype), jnp.nan)


def thresholds(mean: Array, *, unroll: bool = False) -> Array:
    """C_0 to C_22 of one mean: uint32 (23,)."""
    r, terms = _first(mean)

    def step(terms: _Terms, reciprocal: Array) -> tuple[_Terms, Array]:
        return _next(terms, r, reciprocal), terms[1]

    last, table = lax.scan(step, terms, jnp.asarray(_RECIPROCALS), unroll=unroll)
    return jnp.append(table, last[1])


@functools.cache
def whole_thresholds() -> np.ndarray:
    """A_0 to A_127 of the means 0, 4, ..., 48: uint32 (13, 128)."""
    return np.array([_of_whole(mean) for mean in range(0, 49, _SPLIT)], np.uint32)


def _of_whole(mean: int) -> list[int]:
    weights = [1 << 160]
    for k in range(1, 2 * _COLUMNS):
        weights.append(weights[-1] * mean // k)
    total = sum(weights)
    sums = itertools.accumulate(weights[:_COLUMNS])
    return [min(2**32 - 1, (s << 32) // total) for s in sums]


def _odd_bits(stream: Array, t: ArrayLike, draw: ArrayLike) -> Array:
    # C = 0 is below all of them, and C = 2^32 - 1 below none.
    return bits(stream, t, draw) | np.uint32(1)


def _below_one_mean(mean: Array, b: Array) -> Array:
    table = thresholds(mean)
    return _number(table[k] < b for k in range(_ALL))


def _below_each_mean(mean: Array, b: Array) -> Array:
    ways = (
        lambda: _below_one_mean(mean[0], b),
        lambda: _below_different_means(mean, b, _FEW),
        lambda: _below_different_means(mean, b, _ALL),
    )
    differ, many = (jnp.any(v).astype(jnp.int32) for v in (mean != mean[0], mean >= _FEW_BELOW))
    return lax.switch(differ * (1 + many), ways)


def _below_without_branches(mean: Array, b: Array) -> Array:
    """The same where a branch or a loop waits for the host, longer than for what it leaves out."""
    if mean.ndim:
        return _below_different_means(mean, b, _ALL)
    table = thresholds(mean, unroll=True)
    return jnp.sum((table[:, None] < b[None, :]).astype(jnp.int32), axis=0)


def _below_different_means(mean: Array, b: Array, size: int) -> Array:
    # Unrolled, a single loop over the neurons; a loop over k would go through memory each time.
    r, terms = _first(mean)
    sums = [terms[1]]
    for reciprocal in _RECIPROCALS[: size - 1]:
        terms = _next(terms, r, reciprocal)
        sums.append(terms[1])
    return _number(c < b for c in sums)


def _number(conditions: Iterable[Array]) -> Array:
    return functools.reduce(operator.add, (c.astype(jnp.int32) for c in conditions))


def _whole_part(mean: Array, b: Array) -> Array:
    """The number of A_k below b, by bisection."""
    table = jnp.asarray(whole_thresholds().ravel())
    row = jnp.floor(mean / _SPLIT).astype(jnp.int32) * _COLUMNS
    found = jnp.zeros(b.shape, jnp.int32)
    for half in (64, 32, 16, 8, 4, 2, 1):
        middle = table.at[row + found + (half - 1)].get(mode="promise_in_bounds")
        found = found + half * (middle < b).astype(jnp.int32)
    return found


def _first(mean: Array) -> tuple[Array, _Terms]:
    """r, p_0 and C_0."""
    r = mean - _SPLIT * jnp.floor(mean / _SPLIT)
    y = (r * 2.0**30).astype(jnp.uint32)
    h = jnp.full_like(y, _SERIES[-1])
    for c in _SERIES[-2::-1]:
        h = c - _high(h, y)
    u = _high(h, y)
    for _ in range(2):
        u = 2 * u - _high(u, u)
    return r.astype(jnp.float32), (_words(~u), ~u)


def _next(terms: _Terms, r: Array, reciprocal: ArrayLike) -> _Terms:
    p = terms[0] * (r * reciprocal)
    grown = terms[1] + 2 * (p * 2.0**31).astype(jnp.int32).astype(jnp.uint32)
    return p, jnp.where(grown > terms[1], grown, _TOP)


def _words(w: Array) -> Array:
    # Through int32, as in `uniform`.
    return (w >> 1).astype(jnp.int32).astype(jnp.float32) * 2.0**-31


def _high(a: Array, b: Array) -> Array:
    low = np.uint32(0xFFFF)
    a1, a0, b1, b0 = a >> 16, a & low, b >> 16, b & low
    return a1 * b1 + (a1 * b0 >> 16) + (a0 * b1 >> 16)
