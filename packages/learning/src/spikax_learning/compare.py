"""How near the gradients of learning rules are to those of backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import jax
import numpy as np
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, leaves, merge, select
from spikax_learning._evaluate import series
from spikax_learning._inputs import steps

Batch = tuple[Mapping[str, Any], Any]


class GradientRule(Protocol):
    """A rule that forms the gradient of a run."""

    def gradient(
        self,
        net: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Any],
        targets: Any,
        loss: Any,
        train: Filter = "weight",
    ) -> tuple[Array, BuiltNetwork]:
        """The loss of a run, and its gradient."""
        ...


@dataclass(frozen=True)
class Compared:
    """One rule's gradient by one parameter, beside that of backpropagation through time.

    Attributes:
        rule: Name of the rule.
        path: Where the parameter is in the network.
        cosine: Of the angle between the two gradients; nan where one of them is zero.
        ratio: Norm of the rule's gradient over that of backpropagation.
    """

    rule: str
    path: str
    cosine: float
    ratio: float


class Comparison(tuple[Compared, ...]):
    """One entry for each rule and parameter; prints as a table."""

    def __repr__(self) -> str:
        rows = [("rule", "parameter", "cosine", "norm ratio")]
        rows += [(c.rule, c.path, f"{c.cosine:.4f}", f"{c.ratio:.4g}") for c in self]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join(lines)

    def cosine(self, rule: str, path: str) -> float:
        """The cosine of a rule's gradient by the parameter at `path`."""
        return next(c.cosine for c in self if (c.rule, c.path) == (rule, path))


def compare_gradients(
    net: BuiltNetwork,
    rules: Mapping[str, GradientRule],
    batch: Batch,
    loss: Any,
    train: Filter = "weight",
    state: NetworkState | None = None,
) -> Comparison:
    """Cosine and norm of each rule's gradient beside backpropagation through time.

        cosine = <g, g*> / (|g| |g*|),   ratio = |g| / |g*|

    with g the rule's gradient by a parameter, summed over the runs of the batch, and g* that of
    `jax.grad` through `simulate`, of the same losses. Backpropagation holds every step of every
    run: give few short ones.

    Args:
        net: A built network.
        rules: By name, rules such as `EProp()`.
        batch: Inputs by port, and targets, (runs, steps, ...) each.
        loss: Loss of one step, `loss(y, target) -> scalar`; it may say what it `reads`.
        train: A filter of `select`; all weights if not given.
        state: Where every run starts; the network's initial state if not given.
    """
    inputs, targets = batch
    start = net.init_state() if state is None else state
    truth = _by_path(_backwards(net, start, inputs, targets, loss, train))
    entries = list[Compared]()
    for name, rule in rules.items():
        found = _by_path(_forwards(net, start, inputs, targets, rule, loss, train))
        entries += [_compared(name, path, found[path], truth[path]) for path in truth]
    return Comparison(entries)


@partial(jax.jit, static_argnums=(4, 5, 6))
def _forwards(net: Any, state: Any, inputs: Any, targets: Any, rule: Any, loss: Any, train: Any):
    def of_run(inputs: Any, targets: Any) -> BuiltNetwork:
        return rule.gradient(net, state, inputs, targets, loss, train)[1]

    return jax.tree.map(lambda g: g.sum(0), jax.vmap(of_run)(inputs, targets))


@partial(jax.jit, static_argnums=(4, 5))
def _backwards(net: Any, state: Any, inputs: Any, targets: Any, loss: Any, train: Any):
    trained, fixed = select(net, train)

    def total(trained: BuiltNetwork) -> Array:
        now = merge(trained, fixed)

        def of_run(inputs: Any, targets: Any) -> Array:
            y = series(now, state, inputs, steps(targets), loss)
            return jax.vmap(loss)(y, targets).sum()

        return jax.vmap(of_run)(inputs, targets).sum()

    return jax.grad(total)(trained)


def _by_path(gradients: BuiltNetwork) -> dict[str, np.ndarray]:
    return {leaf.path: np.asarray(leaf.value, float).ravel() for leaf in leaves(gradients)}


def _compared(name: str, path: str, found: np.ndarray, truth: np.ndarray) -> Compared:
    sizes = np.linalg.norm(found), np.linalg.norm(truth)
    product = sizes[0] * sizes[1]
    cosine = found @ truth / product if product > 0 else np.nan
    ratio = sizes[0] / sizes[1] if sizes[1] > 0 else np.nan
    return Compared(name, path, float(cosine), float(ratio))
