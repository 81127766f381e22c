"""E-prop: eligibility propagation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, select
from spikax_learning._explain import Explained, Explanation
from spikax_learning._inputs import of_run, of_step, steps
from spikax_learning._online import Loss, Online, advance, run, start
from spikax_learning._routes import Route, Routes, cut, routes


@dataclass(frozen=True)
class EProp:
    """E-prop with symmetric feedback, for a leaky readout (Bellec et al. 2020).

        dE/dW_ji = sum_t L_j(t) F_kappa(e_ji)(t),   L_j(t) = sum_k W_kj dE(t)/dy_k(t)
        e_ji = dz_j/dh_j eps_ji,   eps_ji <- J_j eps_ji + Ju_j x_ji

    J_j and Ju_j are the Jacobians of the variables h_j of neuron j, by themselves and by what
    arrives, x_ji is what the synapse receives, its delay ago, and F_kappa is the readout's filter.
    So it holds for every Dynamics, with receptors, refractoriness, resets and delays.

    The gradient equals that of backpropagation through time where a spike's way to the readout is
    followed and its way to other neurons is cut: exact without recurrence.

    The network has one population of `LeakyReadout`. The loss of a run is the sum over its steps of
    `loss(y, target)`, with the readout's y after the step.
    """

    def init(
        self, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter = "weight"
    ) -> Online:
        """Get ready to learn step by step; what happened before `state` is not credited.

        Args:
            net: A built network.
            state: Where it starts.
            loss: Loss of one step, `loss(y, target) -> scalar`.
            train: A filter of `select` that picks weights; all if not given.

        Raises:
            ConfigError: A picked parameter cannot be trained by this rule.
        """
        return start(net, state, loss, train)

    def step(
        self, carry: Online, inputs: Mapping[str, Any], target: Any
    ) -> tuple[Online, dict[str, Array]]:
        """Move the network and its gradients by one step; pure, for `jax.jit` and `lax.scan`.

        To learn, hand new weights to the carry: `carry.learned(apply_updates(carry.weights, u))`.

        Args:
            carry: From `init` or the step before.
            inputs: What arrives from outside in this step: `{"in.spike": x}`, in units of the port.
            target: What the loss compares with.

        Returns:
            The next carry, and `{"loss": ..., "y": ...}` of this step.
        """
        return advance(carry, of_step(carry.fixed, inputs), target)

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
            train: A filter of `select` that picks weights; all if not given.

        Returns:
            The sum of the losses, and gradients in the structure of `select(net, train)[0]`.
        """
        constant, rows = of_run(net, inputs, steps(targets))
        return run(start(net, state, loss, train), constant, rows, targets)

    def explain(self, net: BuiltNetwork, train: Filter = "weight") -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        plan = routes(net, select(net, train)[0])
        return Explanation(_explained(net, plan, route, name) for route, name in plan.edges())


def _explained(net: BuiltNetwork, plan: Routes, route: Route, edge: str) -> Explained:
    lost = cut(net, plan.readout, route.population)
    via = "" if route.population == plan.readout else f", filtered as by readout {plan.readout!r}"
    return Explained(
        path=f"edges.{edge}.weight",
        how=f"eligibility trace of {route.population!r}{via}",
        exact=not lost,
        why=f"what goes by {', '.join(lost)} is cut" if lost else "every way to y is followed",
    )
