"""Variables of which a neuron has several: one for each receptor, each time constant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax.errors import ConfigError
from spikax.units import Unit
from spikax_nest._node import NestNode


def rows(values: Array) -> Array:
    """A list of values, (n,) for all neurons alike or (n, N), in a shape that meets (n, N)."""
    return values[:, None] if jnp.ndim(values) == 1 else values


def stacked(cells: Mapping[str, Array], like: Array) -> Array:
    """Arrays by number as the rows of one, (n, N); there may be none."""
    if not cells:
        return jnp.zeros((0, *like.shape), like.dtype)
    return jnp.stack([cells[str(k + 1)] for k in range(len(cells))])


def apart(stack: Array) -> dict[str, Array]:
    """The rows by number."""
    return {str(k + 1): row for k, row in enumerate(stack)}


class of_defaults(property):
    """A property that the class has, too: that of a model with NEST's defaults."""

    def __get__(self, instance: Any, owner: type | None = None, /) -> Any:
        of: Any = owner if instance is None else None
        return super().__get__(of() if of else instance, owner)


class Stacked(NestNode):
    """A node with cells that are n arrays by number, "1" to "n", n the length of a parameter.

    Arrays by themselves, not rows of one: so each is a variable of its neuron to whoever asks for
    the derivative by it.
    """

    stacks: ClassVar[Mapping[str, str]] = {}
    """The parameter that tells the number, by cell."""

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {n: unit for n, unit in super().signals.items() if n not in self.stacks}

    def initial(self, spec: Any, size: int, name: str) -> Any:
        if name not in self.stacks:
            return super().initial(spec, size, name)
        n = self.length(self.stacks[name])
        if not isinstance(spec.init, str):
            return {str(k + 1): super(Stacked, self).initial(spec, size, name) for k in range(n)}
        # A list that is shorter goes on with zeros, as a default does where there are more.
        given = rows(jnp.asarray(getattr(self, spec.init)))[:n]
        return apart(jnp.zeros((n, size), given.dtype).at[: len(given)].add(given))

    def length(self, name: str) -> int:
        """Number of entries of a list of values."""
        return np.shape(getattr(self, name))[0]

    def refuse_unequal(self, *names: str) -> None:
        """Raise if lists that belong together differ in length."""
        sizes = {n: self.length(n) for n in names}
        if len(set(sizes.values())) > 1:
            shown = ", ".join(f"{n} {size}" for n, size in sizes.items())
            raise ConfigError(
                f"{type(self).__name__}: the lengths of lists that belong together differ: "
                f"{shown}; give as many values of each."
            )
