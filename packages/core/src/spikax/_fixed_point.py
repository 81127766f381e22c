"""Nodes that act on each other within a step: they repeat it until they agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax.errors import ConfigError


@dataclass(frozen=True)
class FixedPoint:
    """How often nodes that are solved together repeat a step.

    Each takes the step with what the others did in the last repetition, from the same start, until
    nothing that is transmitted changes by more than `tolerance` (Jacobi iteration), and once more.
    Of potentials over a step this is waveform relaxation.

    Source: Hahne et al. 2015, Front. Neuroinform. 9:22.

    Attributes:
        tolerance: In the coherent unit of each signal: mV for a potential, which the default is
            made for, 1/ms for a rate.
        max_iterations: After which the step is taken as it is.
    """

    tolerance: float = 1e-4
    max_iterations: int = 15

    def __post_init__(self) -> None:
        if self.max_iterations < 1 or not self.tolerance >= 0:
            raise ConfigError(
                f"FixedPoint has a tolerance of {self.tolerance} and {self.max_iterations} "
                "iterations at most; it needs 0 or more, and 1 or more."
            )


def repeated(
    step: Callable[[Any], Any],
    start: Any,
    transmitted: Callable[[Any], Sequence[Array]],
    stop: FixedPoint,
    axis: str | None,
) -> Any:
    """What the nodes become in a step that is repeated until they agree.

    Args:
        step: What the nodes become if they are taken to become what is given.
        start: The nodes before the step, the first guess.
        transmitted: The signals that nodes read of each other.
        stop: When to stop.
        axis: Mesh axis over which neurons are sharded.
    """

    def again(guess: Any, agreed: Array) -> tuple[Any, Array, Array]:
        made = step(guess)
        pairs = zip(transmitted(made), transmitted(guess), strict=True)
        change = jnp.stack([jnp.max(jnp.abs(new - old), initial=0.0) for new, old in pairs])
        largest = jnp.max(jax.lax.stop_gradient(change))
        # All shards repeat a step, or none does.
        largest = largest if axis is None else jax.lax.pmax(largest, axis)
        return made, largest <= stop.tolerance, agreed

    def unless_over(carry: tuple[Any, Array, Array], _: None) -> tuple[Any, None]:
        nodes, agreed, over = carry
        return jax.lax.cond(over, lambda n, a: (n, a, over), again, nodes, agreed), None

    # A scan, not a while loop: it has a derivative in reverse mode.
    no = jnp.zeros((), bool)
    carry, _ = jax.lax.scan(unless_over, (start, no, no), length=stop.max_iterations + 1)
    return carry[0]
