"""What all rules have that go forward in time."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, leaves, select
from spikax_learning._explain import Explanation
from spikax_learning._inputs import of_run, of_step, steps
from spikax_learning._online import Axes, Online, advance, planned, run, start, stream
from spikax_learning._plan import Loss
from spikax_learning._reasons import reasons
from spikax_learning._whole_runs import check_whole_runs

_BYTES = 64e6
"""What a window may hold of one run."""


@dataclass(frozen=True)
class OnlineRule(abc.ABC):
    """A rule that learns forward in time, in memory that does not grow with the run.

    The loss of a run is the sum over its steps of `loss(y, target)`, with the signal y that the
    loss reads after the step: the output of the network's only `LeakyReadout`, or what its
    attribute `reads` names, such as "out.y", or several, ("out.y", "E.spike"), of which y is a
    tuple then.
    """

    chunk: int | None = field(default=None, kw_only=True)

    @property
    @abc.abstractmethod
    def axes(self) -> Axes:
        """What makes this rule."""

    def init(
        self, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter = "weight"
    ) -> Online:
        """Get ready to learn step by step; what happened before `state` is not credited.

        Args:
            net: A built network.
            state: Where it starts.
            loss: Loss of one step, `loss(y, target) -> scalar`.
            train: A filter of `select` that picks what is trained; all weights if not given.

        Raises:
            ConfigError: A picked parameter cannot be trained by this rule.
        """
        check_whole_runs(self, loss)
        return start(self.axes, net, state, loss, train)

    def step(
        self, carry: Online, inputs: Mapping[str, Any], target: Any
    ) -> tuple[Online, dict[str, Any]]:
        """Move the network and its gradients by one step; pure, for `jax.jit` and `lax.scan`.

        To learn, hand new weights to the carry: `carry.learned(apply_updates(carry.weights, u))`.

        Args:
            carry: From `init` or the step before.
            inputs: What arrives from outside in this step: `{"in.spike": x}`, in units of the port.
            target: What the loss compares with.

        Returns:
            The next carry, and `{"loss": ..., "y": ...}` of this step.
        """
        constant = of_step(carry.fixed, inputs)
        carry, metrics = advance(carry, constant, {}, jax.tree.map(_one_row, target))
        return carry, jax.tree.map(lambda x: x[0], metrics)

    def steps(
        self, carry: Online, inputs: Mapping[str, Any], targets: Any
    ) -> tuple[Online, dict[str, Any]]:
        """Many steps as by `step`, in windows of `chunk`: the same result, faster.

        Args:
            carry: From `init` or the steps before.
            inputs: What arrives from outside by port: constant, or one row for each step.
            targets: One row for each step; their number is that of the steps.

        Returns:
            The next carry, and `{"loss": ...}` with one number for each step.
        """
        n = steps(targets)
        constant, rows = of_run(carry.fixed, inputs, n)
        window = min(n, self.chunk or _window(carry))
        carry, losses = stream(carry, constant, rows, targets, window)
        return carry, {"loss": losses}

    def gradient(
        self,
        net: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Any],
        targets: Any,
        loss: Loss,
        train: Filter = "weight",
    ) -> tuple[Array, BuiltNetwork]:
        """The loss of a run and its gradient, in memory that does not grow with the run.

        Args:
            net: A built network.
            state: Where it starts.
            inputs: What arrives from outside by port: constant, or one row for each step.
            targets: One row for each step; their number is that of the steps.
            loss: Loss of one step, `loss(y, target) -> scalar`.
            train: A filter of `select` that picks what is trained; all weights if not given.

        Returns:
            The sum of the losses, and gradients in the structure of `select(net, train)[0]`.
        """
        check_whole_runs(self, loss)
        n = steps(targets)
        constant, rows = of_run(net, inputs, n)
        carry = start(self.axes, net, state, loss, train)
        return _compiled(carry, constant, rows, targets, min(n, self.chunk or _window(carry)))

    def explain(
        self, net: BuiltNetwork, train: Filter = "weight", loss: Loss | None = None
    ) -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        trained = select(net, train)[0]
        said = reasons(self.axes, net, planned(self.axes, net, trained, loss))
        order = [leaf.path for leaf in leaves(trained)]
        return Explanation(sorted(said, key=lambda one: order.index(one.path)))


_compiled = jax.jit(run, static_argnames="steps")


def _one_row(x: Any) -> Array:
    return jax.numpy.asarray(x)[None]


def _window(carry: Online) -> int:
    """As many steps as fit into the memory of a window."""
    sizes, wanted = dict(carry.net.sizes), carry.plan.wanted()
    per_step = 0
    for target in carry.plan.targets:
        # Variables of a neuron: at most those of its state.
        state = jax.tree.leaves(carry.state.nodes[target.population])
        d = sum(x.size // max(1, x.shape[-1] if x.ndim else 1) for x in state)
        columns = d + len(wanted[target.population].edges) + len(target.parameters)
        m = d + sum(way.kept for way in target.ways)
        per_step += (columns * d + 3 * m * m) * sizes[target.population]
    sent = sum(x.size // len(x) for x in carry.sent.values())
    return max(1, int(_BYTES // (4 * (per_step + sent))))
