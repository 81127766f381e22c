"""What a task is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from spikax.errors import ConfigError, ShapeError


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples to learn from, as NumPy arrays without units; an index or a slice picks some.

    Attributes:
        inputs: Spikes as 0 and 1, or values; one example for each row.
        targets: The class of each example as an integer, or what the output is to be.
        axes: What each axis of `inputs` is: ("example", "step", "channel").
        target_axes: What each axis of `targets` is: ("example",) for a class.
        scored: (examples, steps), whether the answer in a step counts; None: in every step.
    """

    inputs: np.ndarray
    targets: np.ndarray
    axes: tuple[str, ...]
    target_axes: tuple[str, ...] = ("example",)
    scored: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name, axes in (("inputs", self.axes), ("targets", self.target_axes)):
            shape = getattr(self, name).shape
            if len(shape) != len(axes):
                raise ShapeError(f"{name} of shape {shape}; expected the axes {axes}")
        if len(self.targets) != len(self.inputs):
            raise ShapeError(f"{len(self.targets)} targets for {len(self.inputs)} examples")
        if self.scored is not None and self.scored.shape != self.inputs.shape[:2]:
            raise ShapeError(
                f"scored has shape {self.scored.shape}; "
                f"expected {self.inputs.shape[:2]}, one row for each example"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, chosen: Any) -> Examples:
        chosen = np.atleast_1d(np.arange(len(self))[chosen])
        scored = None if self.scored is None else self.scored[chosen]
        return Examples(
            self.inputs[chosen], self.targets[chosen], self.axes, self.target_axes, scored
        )


Shown = tuple[Mapping[str, Any], Any]
"""Inputs by port, and targets."""


@dataclass(eq=False)
class Shuffled:
    """Examples in batches for `fit`, in each epoch in another order and shown anew.

        fit(net, Shuffled(train, 32, with_noise), EProp(), optimizer, loss)

    Attributes:
        examples: The examples.
        size: Examples in a batch; the last one of an epoch may have fewer.
        show: How a batch is shown, `show(examples, rng) -> (inputs by port, targets)`; what it
            draws from `rng`, such as noise or a shift, differs each time.
        seed: Of the orders and of what `show` draws.
    """

    examples: Examples
    size: int
    show: Callable[[Examples, np.random.Generator], Shown]
    seed: int = 0
    rng: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigError(f"size is {self.size}; a batch has at least one example.")
        self.rng = np.random.default_rng(self.seed)

    def __iter__(self) -> Iterator[Shown]:
        order = self.rng.permutation(len(self.examples))
        for first in range(0, len(order), self.size):
            yield self.show(self.examples[order[first : first + self.size]], self.rng)


class Split(NamedTuple):
    """Examples to learn from, and examples to be judged by."""

    train: Examples
    test: Examples
