"""A network that carries the derivatives of its state by its parameters forward in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from spikax import BuiltNetwork, NetworkState, State, merge
from spikax_learning._inputs import of_run, steps
from spikax_learning._plan import Loss
from spikax_learning._whole import Reads, scalar, seen


class Step(NamedTuple):
    """A step of the network, as a function of S variables h and P trained numbers theta.

    Attributes:
        net: The network of given trained numbers, (P,).
        state: The state of given variables, (S,).
        inputs: What arrives from outside.
        h: The variables before the step.
        theta: The trained numbers.
    """

    net: Callable[[Array], BuiltNetwork]
    state: Callable[[Array], NetworkState]
    inputs: Mapping[str, Array]
    h: Array
    theta: Array

    def update(self, h: Array, theta: Array) -> NetworkState:
        """The state after the step."""
        net, state = self.net(theta), self.state(h)
        return net.update(state, self.inputs, t=state.t, dt=net.dt)

    def __call__(self, h: Array, theta: Array) -> Array:
        """The variables after the step."""
        return variables(self.update(h, theta))[0]


class Memory(Protocol):
    """What is known of dh/dtheta."""

    def moved(self, step: Step, t: Array) -> Any:
        """What is known after step t: dh/dtheta pushed on, with what theta does in the step."""
        ...

    def credited(self, error: Array) -> Array:
        """The gradient, (P,), of an error by the variables, (S,)."""
        ...


class Forward(State):
    """All that one step hands to the next: of constant size, however long the run.

    Attributes:
        weights: The network's trained leaves, None elsewhere.
        fixed: The network's other leaves.
        state: The network's state.
        gradients: Sum over the steps so far, in the structure of `weights`.
        memory: What is known of the derivative of the state by the trained leaves.
        loss: Loss of one step.
        reads: The signals that it reads.
    """

    weights: BuiltNetwork
    fixed: BuiltNetwork
    state: NetworkState
    gradients: BuiltNetwork
    memory: Any
    loss: Loss = dataclasses.field(metadata={"static": True})
    reads: Reads = dataclasses.field(metadata={"static": True})

    def learned(self, weights: BuiltNetwork) -> Forward:
        """Go on with other weights and with gradients that start from zero."""
        return self.replace(weights=weights, gradients=jax.tree.map(jnp.zeros_like, weights))


def start(
    trained: BuiltNetwork,
    fixed: BuiltNetwork,
    state: NetworkState,
    memory: Memory,
    loss: Loss,
    reads: Reads,
) -> Forward:
    """Ready to learn from a state on, nothing credited yet."""
    nothing = jax.tree.map(jnp.zeros_like, trained)
    return Forward(
        weights=trained,
        fixed=fixed,
        state=state,
        gradients=nothing,
        memory=memory,
        loss=loss,
        reads=reads,
    )


def variables(state: NetworkState) -> tuple[Array, Callable[[Array], NetworkState]]:
    """The real numbers of a state end to end, (S,), and how to put others in their place."""
    leaves, structure = jax.tree.flatten(state)
    real = [i for i, leaf in enumerate(leaves) if is_real(leaf)]
    h, shaped = ravel_pytree([leaves[i] for i in real])

    def put(values: Array) -> NetworkState:
        changed = dict(zip(real, shaped(values), strict=True))
        return jax.tree.unflatten(structure, [changed.get(i, v) for i, v in enumerate(leaves)])

    return h, put


def is_real(leaf: Array) -> bool:
    """Whether a leaf has a derivative."""
    return bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def advance(
    carry: Forward, inputs: Mapping[str, Array], target: Any
) -> tuple[Forward, dict[str, Array]]:
    """One step: the network moves, then what is known of it, then the gradients grow."""
    theta, shaped = ravel_pytree(carry.weights)

    def net(theta: Array) -> BuiltNetwork:
        return merge(shaped(theta), carry.fixed)

    h, put = variables(carry.state)
    step = Step(net, put, inputs, h, theta)
    memory, state = carry.memory.moved(step, carry.state.t), step.update(h, theta)
    h, put = variables(state)

    def cost(h: Array, theta: Array) -> tuple[Array, Any]:
        y = seen(net(theta), put(h), carry.reads)
        return scalar(carry.loss)(y, target), y

    # A signal may be a function of a parameter too, not of the state alone.
    (loss, y), (error, direct) = jax.value_and_grad(cost, (0, 1), has_aux=True)(h, theta)
    more = shaped(direct + memory.credited(error))
    gradients = jax.tree.map(jnp.add, carry.gradients, more)
    return carry.replace(state=state, memory=memory, gradients=gradients), {"loss": loss, "y": y}


def run(carry: Forward, inputs: Mapping[str, Any], targets: Any) -> tuple[Array, BuiltNetwork]:
    """Every step of a run: the sum of the losses and the gradients."""
    n = steps(targets)
    constant, rows = of_run(merge(carry.weights, carry.fixed), inputs, n)

    def step(held: tuple[Forward, Array], row: Any) -> tuple[tuple[Forward, Array], None]:
        carry, metrics = advance(held[0], {**constant, **row[0]}, row[1])
        return (carry, held[1] + metrics["loss"]), None

    (carry, total), _ = jax.lax.scan(step, (carry, jnp.zeros(())), (rows, targets), length=n)
    return total, carry.gradients
