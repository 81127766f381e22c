"""How the synapses of a projection are stored, and where a value per synapse stands.

A format is a pytree of integer arrays. It says nothing of weights: these are arrays beside it, one
number or one per synapse in the format's own layout `shape`. In each layout the synapses stand in
the order of the sorted pairs, so values listed like the pairs only need `reshape(format.shape)`.
"""

from __future__ import annotations

import abc
import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax._pairs import Pairs
from spikax.errors import ConfigError, ShapeError, unknown

F = TypeVar("F", bound="type[Format]")


def size() -> Any:
    """A field that is part of the structure of a format."""
    return dataclasses.field(metadata={"static": True})


def pytree(cls: F) -> F:
    """Make a format a pytree of its arrays."""
    return jax.tree_util.register_dataclass(cls)


class Format(abc.ABC):
    """Which neurons are connected.

    Its four methods move values between neurons and synapses; each is linear, and the transpose of
    `spread_pre` is `sum_to_pre`. Indices are checked when a format is made and trusted here.
    """

    name: ClassVar[str]
    n_pre: int
    n_post: int

    @property
    @abc.abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Layout of one value per synapse."""

    @property
    @abc.abstractmethod
    def targets(self) -> Array:
        """Index of the target of each synapse, int32 in the layout."""

    @abc.abstractmethod
    def pre_values(self, x: Array) -> Array:
        """The value of its source at each synapse, from (n_pre,) to the layout."""

    @abc.abstractmethod
    def sum_to_pre(self, values: Array) -> Array:
        """Sum over the synapses of each source, from the layout to (n_pre,)."""

    def post_values(self, y: Array) -> Array:
        """The value of its target at each synapse, from (n_post,) to the layout."""
        return y.at[self.targets].get(mode="promise_in_bounds")

    def sum_to_post(self, values: Array) -> Array:
        """Sum over the synapses of each target, from the layout to (n_post,)."""
        empty = jnp.zeros(self.n_post, values.dtype)
        return empty.at[self.targets].add(values, mode="promise_in_bounds")

    def weights(self, weight: Array) -> Array:
        """The weights, () or in the layout, of what an edge holds."""
        return weight

    def delays(self, delay: Array) -> Array:
        """The delays in steps, () or in the layout, of what an edge holds."""
        return delay

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(np.prod(self.shape))


@pytree
@dataclass(frozen=True)
class Dense(Format):
    """Every source connects to every target once: layout (n_pre, n_post), no index stored."""

    name: ClassVar[str] = "dense"
    n_pre: int = size()
    n_post: int = size()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.n_pre, self.n_post

    @property
    def targets(self) -> Array:
        return jnp.broadcast_to(jnp.arange(self.n_post, dtype=jnp.int32)[None], self.shape)

    def pre_values(self, x: Array) -> Array:
        return jnp.broadcast_to(x[:, None], self.shape)

    def post_values(self, y: Array) -> Array:
        return jnp.broadcast_to(y[None, :], self.shape)

    def sum_to_pre(self, values: Array) -> Array:
        return jnp.sum(values, axis=1)

    def sum_to_post(self, values: Array) -> Array:
        return jnp.sum(values, axis=0)


@pytree
@dataclass(frozen=True)
class OneToOne(Format):
    """Neuron i connects to neuron i, once: layout (n,), no index stored."""

    name: ClassVar[str] = "one_to_one"
    n_pre: int = size()

    @property
    def n_post(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Number of targets."""
        return self.n_pre

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n_pre,)

    @property
    def targets(self) -> Array:
        return jnp.arange(self.n_pre, dtype=jnp.int32)

    def pre_values(self, x: Array) -> Array:
        return x

    def post_values(self, y: Array) -> Array:
        return y

    def sum_to_pre(self, values: Array) -> Array:
        return values

    def sum_to_post(self, values: Array) -> Array:
        return values


@pytree
@dataclass(frozen=True)
class CSR(Format):
    """Any connectivity, source by source: layout (n_synapses,).

    Attributes:
        indptr: (n_pre + 1,) int32; the synapses of source i stand at indptr[i] to indptr[i + 1].
        indices: (n_synapses,) int32, the target of each synapse.
    """

    name: ClassVar[str] = "csr"
    indptr: Array
    indices: Array
    n_post: int = size()

    @property
    def n_pre(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Number of sources."""
        return self.indptr.shape[-1] - 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.indices.shape[-1],)

    @property
    def targets(self) -> Array:
        return self.indices

    @property
    def sources(self) -> Array:
        """Index of the source of each synapse, int32."""
        index = jnp.arange(self.n_pre, dtype=jnp.int32)
        counts = jnp.diff(self.indptr)
        return jnp.repeat(index, counts, total_repeat_length=self.n_synapses)

    def pre_values(self, x: Array) -> Array:
        return x.at[self.sources].get(mode="promise_in_bounds", indices_are_sorted=True)

    def sum_to_pre(self, values: Array) -> Array:
        empty = jnp.zeros(self.n_pre, values.dtype)
        return empty.at[self.sources].add(values, mode="promise_in_bounds", indices_are_sorted=True)


@pytree
@dataclass(frozen=True)
class FixedFanOut(Format):
    """The same number of synapses for every source: layout (n_pre, k).

    Attributes:
        indices: (n_pre, k) int32, the targets of each source.
    """

    name: ClassVar[str] = "fixed_fan_out"
    indices: Array
    n_post: int = size()

    @property
    def n_pre(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Number of sources."""
        return self.indices.shape[-2]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.indices.shape[-2:]

    @property
    def targets(self) -> Array:
        return self.indices

    def pre_values(self, x: Array) -> Array:
        return jnp.broadcast_to(x[:, None], self.shape)

    def sum_to_pre(self, values: Array) -> Array:
        return jnp.sum(values, axis=1)


def from_pairs(pairs: Pairs, prefer: str | None = None) -> Format:
    """The smallest format that holds these synapses.

    Args:
        pairs: Sorted synapses, as a connection rule gives them.
        prefer: Name of the format to use instead: "dense", "one_to_one", "fixed_fan_out" or
            "csr".

    Raises:
        ShapeError: The pairs name neurons that do not exist, or are not sorted.
        ConfigError: The preferred format cannot hold them.
        UnknownNameError: There is no such format.
    """
    _check(pairs)
    choices = {
        "dense": _dense,
        "one_to_one": _one_to_one,
        "fixed_fan_out": _fixed_fan_out,
        "csr": _csr,
    }
    if prefer is not None and prefer not in choices:
        raise unknown("format", prefer, choices)
    for make in choices.values() if prefer is None else (choices[prefer],):
        made = make(pairs)
        if made is not None:
            return made
    raise ConfigError(
        f"these {len(pairs)} synapses of {pairs.n_pre} x {pairs.n_post} neurons do not fit the "
        f"format {prefer!r}; use 'csr', which holds any connectivity"
    )


def _check(pairs: Pairs) -> None:
    """Raise if what a rule gives is not sorted or out of range."""
    post, ends = pairs.targets, np.cumsum(pairs.degrees)
    if len(pairs) != int(np.sum(pairs.degrees)):
        raise ShapeError(f"{len(pairs)} synapses, but {np.sum(pairs.degrees)} by their sources")
    if post is None or not post.size:
        return
    if not 0 <= post.min() <= post.max() < pairs.n_post:
        raise ShapeError(
            f"synapses have post from {post.min()} to {post.max()}, of {pairs.n_post} neurons"
        )
    # Only where a source ends may the next target be a lower one.
    drops = np.flatnonzero(post[1:] < post[:-1]) + 1
    if not np.all(np.isin(drops, ends)):
        raise ShapeError("synapses are not sorted by pre and then by post")


def _dense(pairs: Pairs) -> Dense | None:
    complete = pairs.dense or (
        len(pairs) == pairs.n_pre * pairs.n_post
        and np.all(pairs.degrees == pairs.n_post)
        and np.all(pairs.post.reshape(pairs.n_pre, -1) == np.arange(pairs.n_post)[None])
    )
    return Dense(pairs.n_pre, pairs.n_post) if complete else None


def _one_to_one(pairs: Pairs) -> OneToOne | None:
    exactly = (
        len(pairs) == pairs.n_pre == pairs.n_post
        and np.all(pairs.degrees == 1)
        and np.array_equal(pairs.post, np.arange(pairs.n_post))
    )
    return OneToOne(pairs.n_pre) if exactly else None


def _fixed_fan_out(pairs: Pairs) -> FixedFanOut | None:
    if np.any(pairs.degrees != pairs.degrees[0]):
        return None
    indices = pairs.post.reshape(pairs.n_pre, pairs.degrees[0])
    return FixedFanOut(jax.device_put(indices), pairs.n_post)


def _csr(pairs: Pairs) -> CSR:
    indptr = np.concatenate([[0], np.cumsum(pairs.degrees)]).astype(np.int32)
    return CSR(jax.device_put(indptr), jax.device_put(pairs.post), pairs.n_post)
