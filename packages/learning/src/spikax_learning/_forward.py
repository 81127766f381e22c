"""A network that carries the derivatives of its state by its parameters forward in time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from spikax import BuiltNetwork, NetworkState, State, merge
from spikax_learning._inputs import of_run, steps
from spikax_learning._whole import Loss, Reads, scalar, seen

Push = Callable[[Array, Array], Array]
"""How the next variables answer to the variables, (S,), and the parameters, (P,): (S,)."""


class Memory(Protocol):
    """What is known of dh/dtheta, with h the S variables and theta the P parameters."""

    def moved(self, push: Push, t: Array) -> Any:
        """What is known after step t: push dh/dtheta on, add what the parameters do in the step."""
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
    h, put = variables(carry.state)
    t, dt = carry.state.t, carry.fixed.dt

    def move(h: Array, theta: Array) -> tuple[Array, NetworkState]:
        new = merge(shaped(theta), carry.fixed).update(put(h), inputs, t=t, dt=dt)
        return variables(new)[0], new

    _, push, state = jax.linearize(move, h, theta, has_aux=True)
    memory = carry.memory.moved(push, t)
    h, put = variables(state)

    def cost(h: Array, theta: Array) -> tuple[Array, Any]:
        y = seen(merge(shaped(theta), carry.fixed), put(h), carry.reads)
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

    def step(carry: Forward, row: Any) -> tuple[Forward, Array]:
        carry, metrics = advance(carry, {**constant, **row[0]}, row[1])
        return carry, metrics["loss"]

    carry, losses = jax.lax.scan(step, carry, (rows, targets), length=n)
    return losses.sum(), carry.gradients
