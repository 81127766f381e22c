"""Examples in batches of one size, so that one program serves them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from spikax import BuiltNetwork
from spikax.errors import ConfigError, ShapeError, unknown

Pair = tuple[Mapping[str, Any], Any]
Data = Pair | Iterable[Pair]


class Batch(NamedTuple):
    """Examples that are learned from together.

    Attributes:
        inputs: By port, (examples, ...).
        targets: (examples, ...).
        counts: 1 for each example, 0 for what fills up the batch.
        examples: How many there are.
    """

    inputs: Mapping[str, Any]
    targets: Any
    counts: np.ndarray
    examples: int


@dataclass(frozen=True)
class Batches:
    """Data, cut into batches.

    Attributes:
        net: The network that they are for.
        data: Arrays of all examples, or an iterable of batches.
        size: Examples in a batch, of arrays.
        whole_run: Targets are those of a loss of whole runs.
    """

    net: BuiltNetwork
    data: Any
    size: int
    whole_run: bool

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"batch_size is {self.size}; it must be at least one.")

    def in_order(self) -> Iterator[Batch]:
        """Each batch once, in the order of the data."""
        if not is_pair(self.data):
            return self._given()
        return self._cut(np.arange(len_of(self.data)))

    def shuffled(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Each example once, in an order that follows from seed and epoch alone.

        Batches that are given as such come as they are.
        """
        if not is_pair(self.data):
            return self._given()
        return self._cut(np.random.default_rng([seed, epoch]).permutation(len_of(self.data)))

    def _cut(self, order: np.ndarray) -> Iterator[Batch]:
        inputs, targets = self._complete(self.data)
        size = min(self.size, len(order))
        for first in range(0, len(order), size):
            yield _batch(inputs, targets, order[first : first + size], size)

    def _given(self) -> Iterator[Batch]:
        largest = 0
        for pair in self.data:
            if not is_pair(pair):
                raise ConfigError(
                    "data is neither (inputs, targets), with inputs by port, {'in.spike': x}, nor "
                    f"batches of such: it has {type(pair).__name__}."
                )
            length = len_of(pair)
            largest = max(largest, length)
            yield _batch(*self._complete(pair), np.arange(length), largest)

    def _complete(self, pair: Pair) -> Pair:
        """Arrays of the host, with a target in every step."""
        inputs, targets = jax.tree.map(np.asarray, (dict(pair[0]), pair[1]))
        if targets is None:
            targets = np.zeros(len_of(pair), np.int32)
        if self.whole_run:
            return inputs, targets
        return inputs, jax.tree.map(lambda a: self._rows(a, inputs), targets)

    def _rows(self, target: np.ndarray, inputs: Mapping[str, Any]) -> np.ndarray:
        """A target for each example is its target in each of its steps."""
        if target.ndim > 1:
            return target
        n = steps_of(self.net, inputs)
        if n is None:
            raise ShapeError(
                f"targets have shape {target.shape}, one for each example, and no input has a row "
                "for each step that says how many there are; give targets (examples, steps, ...)."
            )
        return np.broadcast_to(target[:, None], (len(target), n))


def mean_of(values: Array, counts: Array) -> Array:
    """The mean over the examples of a batch, the axis in front."""
    counts = counts.astype(values.dtype)
    each = counts.reshape(-1, *(1,) * (values.ndim - 1))
    return (each * values).sum(0) / counts.sum()


def is_pair(data: Any) -> bool:
    """Whether it is (inputs, targets)."""
    return isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], Mapping)


def len_of(pair: Pair) -> int:
    """The number of examples."""
    lengths = {name: np.shape(leaf)[:1] for name, leaf in _named(pair)}
    if len({*lengths.values()}) != 1 or () in lengths.values() or (0,) in lengths.values():
        told = ", ".join(f"{name} {n[0] if n else 'no axis'}" for name, n in lengths.items())
        raise ShapeError(f"inputs and targets need equally many examples, at least one: {told}.")
    return next(iter(lengths.values()))[0]


def steps_of(net: BuiltNetwork, inputs: Mapping[str, Any]) -> int | None:
    """The number of steps of an example, if an input has a row for each."""
    sizes = dict(net.sizes)
    for path, value in inputs.items():
        if path not in net.ports:
            raise unknown("input", path, net.ports)
        port = net.ports[path].shape(sizes[path.partition(".")[0]])
        if np.ndim(value) == len(port) + 2:
            return np.shape(value)[1]
    return None


def _named(pair: Pair) -> Iterator[tuple[str, Any]]:
    for path, value in pair[0].items():
        yield path, jax.tree.leaves(value)[0]
    for i, target in enumerate(jax.tree.leaves(pair[1])):
        yield f"targets {i}" if i else "targets", target


def _batch(inputs: Any, targets: Any, chosen: np.ndarray, size: int) -> Batch:
    index = np.resize(chosen, size)
    counts = (np.arange(size) < len(chosen)).astype(float)
    inputs, targets = jax.tree.map(lambda a: np.asarray(a)[index], (inputs, targets))
    return Batch(inputs, targets, counts, len(chosen))
