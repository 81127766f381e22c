"""What a task is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikax.errors import ShapeError


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


class Split(NamedTuple):
    """Examples to learn from, and examples to be judged by."""

    train: Examples
    test: Examples
