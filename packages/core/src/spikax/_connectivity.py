"""Connection rules, by NEST's names and with NEST's meaning (NEST 3.10 documentation)."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from spikax import _blocks, _sampling
from spikax._pairs import (
    Pairs,
    all_pairs,
    from_cells,
    in_bands,
    is_sorted,
    listed,
    order_of,
    reverse,
    row_of,
)
from spikax.errors import ConfigError, ShapeError

Rng = np.random.Generator

# Positions of synapses in a format are 32-bit integers.
_MOST = 2**31 - 1


class Rule(abc.ABC):
    """Says which neurons connect to which; a description that is drawn when a network is built."""

    layout: str | None = None
    """Name of the format that the synapses are stored in; None for the smallest that holds them."""

    @abc.abstractmethod
    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        """Draw the synapses.

        Args:
            n_pre: Number of source neurons.
            n_post: Number of target neurons.
            rng: The source of random numbers, advanced by the call.
            same: Whether sources and targets are one population: only then are there autapses,
                synapses of a neuron onto itself.
        """

    @abc.abstractmethod
    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        """The number of synapses that `sample` draws, on average."""


@dataclass(frozen=True)
class one_to_one(Rule):
    """Connect the first neuron with the first, the second with the second, and so on."""

    allow_autapses: bool = field(default=True, kw_only=True)

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        del rng
        if n_pre != n_post:
            raise ShapeError(f"{self} between {n_pre} and {n_post} neurons; it needs equal sizes")
        degrees = np.full(n_pre, self.expected(n_pre, n_post, same=same) > 0, np.int64)
        return Pairs(degrees, np.flatnonzero(degrees).astype(np.int32), n_post)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return 0 if same and not self.allow_autapses else n_pre


@dataclass(frozen=True)
class all_to_all(Rule):
    """Connect every source with every target."""

    allow_autapses: bool = field(default=True, kw_only=True)

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        cells, skip = _grid(self, n_pre, n_post, same)
        _check_total(self, cells)
        if not skip:
            return all_pairs(n_pre, n_post)
        bands = _blocks.lengths(n_pre, cells)
        return in_bands(rng, _sampling.every, bands, n_post, skip, cells)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return _grid(self, n_pre, n_post, same)[0]


@dataclass(frozen=True)
class _FixedDegree(Rule):
    k: int
    allow_autapses: bool = field(default=True, kw_only=True)
    allow_multapses: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        _check_count(self, self.k)

    def check(self, columns: int) -> None:
        """Raise if so many possible partners are too few."""
        _check_room(self, self.k, columns, "possible partners of a neuron")

    def partners(self, rows: int, columns: int, rng: Rng, same: bool) -> Pairs:
        """`k` partners among `columns` for each of `rows` neurons, as if these were the sources."""
        columns -= (skip := same and not self.allow_autapses)
        _check_total(self, rows * self.k)
        self.check(columns)
        draw = _sampling.repeated if self.allow_multapses else _sampling.distinct
        bands = _blocks.lengths(rows, rows * self.k)
        return in_bands(
            rng, draw, bands, columns + skip, skip, rows * self.k, repeat(self.k, len(bands))
        )


class fixed_indegree(_FixedDegree):
    """Give each target `k` sources, drawn uniformly.

    Multapses, several synapses from one neuron to another, are allowed unless forbidden.
    """

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        return reverse(self.partners(n_post, n_pre, rng, same))

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return n_post * self.k


class fixed_outdegree(_FixedDegree):
    """Give each source `k` targets, drawn uniformly.

    Multapses, several synapses from one neuron to another, are allowed unless forbidden.
    """

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        return self.partners(n_pre, n_post, rng, same)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return n_pre * self.k


@dataclass(frozen=True)
class fixed_total_number(Rule):
    """Draw the two ends of `n` synapses uniformly."""

    n: int
    allow_autapses: bool = field(default=True, kw_only=True)
    allow_multapses: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        _check_count(self, self.n)

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        cells, skip = _grid(self, n_pre, n_post, same)
        _check_total(self, self.n)
        _check_room(self, self.n, cells, "pairs of neurons")
        if not self.allow_multapses:
            return from_cells(_sampling.distinct(rng, 1, cells, self.n), n_pre, n_post, skip)
        bands = _blocks.lengths(n_pre, self.n)
        totals = rng.multinomial(self.n, bands / n_pre).tolist() if self.n else [0]
        return in_bands(rng, _sampling.uniform, bands, n_post, skip, self.n, totals)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return self.n


@dataclass(frozen=True)
class pairwise_bernoulli(Rule):
    """Connect each pair of neurons with probability `p`."""

    p: float
    allow_autapses: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        _check_probability(self, self.p)

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        cells, skip = _grid(self, n_pre, n_post, same)
        _check_total(self, cells * self.p)
        return _pairwise(rng, _sampling.bernoulli, n_pre, n_post, skip, self.p)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return _grid(self, n_pre, n_post, same)[0] * self.p


@dataclass(frozen=True)
class pairwise_poisson(Rule):
    """Connect each pair of neurons by a Poisson number of synapses of the given mean."""

    mean: float
    allow_autapses: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.mean) and self.mean >= 0):
            raise ConfigError(f"{self}: the mean number of synapses must be finite and 0 or more")

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        cells, skip = _grid(self, n_pre, n_post, same)
        _check_total(self, cells * self.mean)
        return _pairwise(rng, _sampling.poisson, n_pre, n_post, skip, self.mean)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return _grid(self, n_pre, n_post, same)[0] * self.mean


@dataclass(frozen=True)
class symmetric_pairwise_bernoulli(Rule):
    """Connect two neurons in both directions with probability `p`, none with itself."""

    p: float

    def __post_init__(self) -> None:
        _check_probability(self, self.p)

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        if not same:
            raise ConfigError(
                f"{self} between two populations; it connects a population with itself, use "
                f"pairwise_bernoulli({self.p}) here"
            )
        _check_total(self, self.expected(n_pre, n_post))
        cells = _sampling.bernoulli(rng, 1, n_pre * (n_pre - 1) // 2, self.p)
        # Row i of the upper triangle holds the n - 1 - i later neurons.
        lengths = np.arange(n_pre - 1, -1, -1, dtype=np.int64)
        degrees, offset = row_of(cells, np.concatenate([[0], np.cumsum(lengths)]))
        later = offset + 1 + np.repeat(np.arange(n_pre), degrees)
        upward = Pairs(degrees, later.astype(np.int32), n_post)
        both = [
            pairs.pre.astype(np.int64) * n_post + pairs.post for pairs in (upward, reverse(upward))
        ]
        return from_cells(np.sort(np.concatenate(both), kind="stable"), n_pre, n_post)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return n_pre * (n_pre - 1) * self.p


@dataclass(frozen=True, eq=False)
class explicit(Rule):
    """Connect `pre[s]` with `post[s]` for every synapse s of a list.

    Attributes:
        pre: Indices of the sources, integers (synapses,), in any order, repeats allowed.
        post: Indices of the targets. Weights and delays of that length belong to the same list.
        layout: As for every rule: "csr" holds any synapses.
    """

    pre: np.ndarray
    post: np.ndarray
    layout: str | None = None

    def __post_init__(self) -> None:
        for name in ("pre", "post"):
            index = np.asarray(getattr(self, name))
            if index.ndim != 1 or (index.size and index.dtype.kind not in "iu"):
                raise ConfigError(
                    f"explicit.{name} has shape {index.shape} and dtype {index.dtype}; "
                    "give a list of neuron indices"
                )
            # In an array of its own, and narrow where it was given so.
            own = index.astype(np.int32 if index.dtype == np.int32 else np.int64)
            object.__setattr__(self, name, own)
        if self.pre.size != self.post.size:
            raise ShapeError(
                f"explicit has {self.pre.size} sources and {self.post.size} targets; "
                "give one of each per synapse"
            )

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        del rng, same
        _check_total(self, self.pre.size)
        for name, index, size in (("pre", self.pre, n_pre), ("post", self.post, n_post)):
            if index.size and not 0 <= index.min() <= index.max() < size:
                raise ShapeError(
                    f"explicit.{name} has indices from {index.min()} to {index.max()}; "
                    f"the population has {size} neurons, 0 to {size - 1}"
                )
        if is_sorted(self.pre, self.post):
            return listed(self.pre, self.post, n_pre, n_post)
        order = order_of(self.pre, self.post, n_pre, n_post)
        degrees = np.bincount(self.pre, minlength=n_pre)
        return Pairs(degrees, self.post[order].astype(np.int32, copy=False), n_post, order)

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return self.pre.size

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, explicit)
            and self.layout == other.layout
            and all(
                np.array_equal(mine, theirs)
                for mine, theirs in ((self.pre, other.pre), (self.post, other.post))
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"explicit(<{self.pre.size} synapses>)"


def _grid(
    rule: all_to_all | fixed_total_number | pairwise_bernoulli | pairwise_poisson,
    n_pre: int,
    n_post: int,
    same: bool,
) -> tuple[int, bool]:
    """The number of pairs that may be connected; whether a neuron and itself is none of them."""
    skip = same and not rule.allow_autapses
    return n_pre * (n_post - skip), skip


def _pairwise(
    rng: Rng,
    draw: Callable[..., np.ndarray],
    n_pre: int,
    n_post: int,
    skip: bool,
    mean: float,
) -> Pairs:
    """Draw every pair on its own, `mean` synapses on average."""
    total = n_pre * (n_post - skip) * mean
    bands = _blocks.lengths(n_pre, total)
    # Hardly ever are there more; then the array is made anew.
    most = total + 6.0 * math.sqrt(total)
    return in_bands(rng, draw, bands, n_post, skip, most, repeat(mean, len(bands)))


def _check_count(rule: Rule, count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
        raise ConfigError(f"{rule}: a number of synapses must be an integer, 0 or more")


def _check_probability(rule: Rule, p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ConfigError(f"{rule}: a probability must lie in [0, 1]")


def _check_total(rule: Rule, expected: float) -> None:
    if expected > _MOST:
        raise ConfigError(
            f"{rule} makes {expected:.3g} synapses, more than {_MOST}; split the projection"
        )


def _check_room(rule: _FixedDegree | fixed_total_number, count: int, room: int, what: str) -> None:
    if count and not room:
        raise ConfigError(f"{rule}: there are no {what}; use allow_autapses=True")
    if count > room and not rule.allow_multapses:
        raise ConfigError(
            f"{rule}: there are only {room} {what}; ask for that many at most, or use "
            "allow_multapses=True"
        )
