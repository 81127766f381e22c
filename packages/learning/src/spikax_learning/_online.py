"""A network that learns while it runs: traces forward in time, gradients summed by the step."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, State, merge, select
from spikax.errors import ShapeError
from spikax_learning import _history as history
from spikax_learning._linearise import Jacobians, linearised_step
from spikax_learning._routes import Route, Routes, routes
from spikax_learning._signals import symmetric
from spikax_learning._synapses import as_weight, at_targets, received
from spikax_learning._traces import Trace, advanced, silent

Loss = Callable[[Array, Any], Array]


class Online(State):
    """All that one step hands to the next: of constant size, however long the run.

    Attributes:
        weights: The network's trained leaves, None elsewhere.
        fixed: The network's other leaves.
        state: The network's state.
        gradients: Sum over the steps so far, in the structure of `weights`.
        signals: What each source sent in the last steps.
        jacobians: How each target answered in the last steps.
        traces: Eligibility by edge.
        routes: Which edges are trained, and their way to the readout.
        loss: Loss of one step.
    """

    weights: BuiltNetwork
    fixed: BuiltNetwork
    state: NetworkState
    gradients: BuiltNetwork
    signals: Mapping[str, history.Ring]
    jacobians: Mapping[str, history.Ring]
    traces: Mapping[str, Trace]
    routes: Routes = dataclasses.field(metadata={"static": True})
    loss: Loss = dataclasses.field(metadata={"static": True})

    def learned(self, weights: BuiltNetwork) -> Online:
        """Go on with other weights and with gradients that start from zero."""
        return self.replace(weights=weights, gradients=jax.tree.map(jnp.zeros_like, weights))


def start(net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter) -> Online:
    """Ready to learn from a state on, nothing credited yet."""
    trained, fixed = select(net, train)
    plan = routes(net, trained)
    _, shapes = jax.eval_shape(lambda s: linearised_step(net, s, {}, plan.wanted()), state)
    jacobians = {
        route.population: history.empty(route.lag + 1, shapes[route.population])
        for route in plan.targets
    }
    traces = {
        name: silent(net.edges[name], len(shapes[route.population].read))
        for route, name in plan.edges()
    }
    return Online(
        weights=trained,
        fixed=fixed,
        state=state,
        gradients=jax.tree.map(jnp.zeros_like, trained),
        signals=_signals(net, plan, state),
        jacobians=jacobians,
        traces=traces,
        routes=plan,
        loss=loss,
    )


def _signals(net: BuiltNetwork, plan: Routes, state: NetworkState) -> dict[str, history.Ring]:
    """Rings as long as the longest way from a source through a trained edge to the readout."""
    lengths: dict[str, int] = {}
    for route, name in plan.edges():
        path, length = _source(net, name), net.edges[name].delay + route.lag + 1
        lengths[path] = max(length, lengths.get(path, 0))
    now = {path: net.read(state, path) for path in lengths}
    return {p: history.push(history.empty(lengths[p], now[p]), now[p], state.t) for p in lengths}


def _source(net: BuiltNetwork, edge: str) -> str:
    return f"{net.edges[edge].pre}.{net.edges[edge].signal}"


def advance(
    carry: Online, inputs: Mapping[str, Array], target: Any
) -> tuple[Online, dict[str, Array]]:
    """One step: the network moves, then its traces, then the gradients grow."""
    plan, net, t = carry.routes, merge(carry.weights, carry.fixed), carry.state.t
    state, moved = linearised_step(net, carry.state, inputs, plan.wanted())
    y = net.read(state, f"{plan.readout}.y")
    loss, error = jax.value_and_grad(_scalar(carry.loss, target))(y)
    signals = {
        path: history.push(ring, net.read(state, path), t + 1)
        for path, ring in carry.signals.items()
    }
    jacobians = {name: history.push(ring, moved[name], t) for name, ring in carry.jacobians.items()}
    traces, gradients = dict[str, Trace](), dict[str, Array]()
    for route in plan.targets:
        j = history.at(jacobians[route.population], t - route.lag)
        signal = symmetric(net, route, error, moved[plan.readout])
        for name in route.trained:
            edge = net.edges[name]
            x = received(edge, signals[_source(net, name)], t + 1 - route.lag)
            leak = readout_leak(plan, route, moved)
            traces[name] = advanced(carry.traces[name], edge, x, j, j.injected[name], leak)
            gradients[name] = as_weight(edge, at_targets(edge, signal) * traces[name].filtered)
    return carry.replace(
        state=state,
        gradients=_added(carry.gradients, gradients),
        signals=signals,
        jacobians=jacobians,
        traces=traces,
    ), {"loss": loss, "y": y}


def _scalar(loss: Loss, target: Any) -> Callable[[Array], Array]:
    def checked(y: Array) -> Array:
        value = loss(y, target)
        if jnp.shape(value):
            raise ShapeError(
                f"the loss of a step has shape {jnp.shape(value)}; expected a scalar: "
                "loss(y, target) of one step, summed over the readout's neurons."
            )
        return value

    return checked


def readout_leak(plan: Routes, route: Route, moved: Mapping[str, Jacobians]) -> Array | float:
    """What the readout keeps in a step of the effect that a trace had on it.

    Without it the gradient of a leaky readout is wrong by its own size; a trace of the readout's
    own weights remembers by itself.
    """
    if route.population == plan.readout:
        return 0.0
    return moved[plan.readout].recurrent[0, 0, 0]


def _added(gradients: BuiltNetwork, new: Mapping[str, Array]) -> BuiltNetwork:
    edges = dict(gradients.edges)
    for name, value in new.items():
        edges[name] = edges[name].replace(weight=edges[name].weight + value)
    return gradients.replace(edges=edges)


@jax.jit
def run(
    carry: Online, constant: Mapping[str, Array], rows: Mapping[str, Array], targets: Any
) -> tuple[Array, BuiltNetwork]:
    """The loss of as many steps as `targets` has rows, and its gradient."""

    def step(total: tuple[Online, Array], now: tuple[Any, Any]) -> tuple[Any, None]:
        carry, loss = total
        carry, metrics = advance(carry, {**constant, **now[0]}, now[1])
        return (carry, loss + metrics["loss"].astype(loss.dtype)), None

    (carry, loss), _ = jax.lax.scan(step, (carry, jnp.zeros(())), (rows, targets))
    return loss, carry.gradients
