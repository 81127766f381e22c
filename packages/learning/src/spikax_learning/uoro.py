"""Unbiased online recurrent optimization: the exact gradient on average, by one vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, State
from spikax_learning._explain import Explanation
from spikax_learning._forward import Forward, Step, advance, run, start, variables
from spikax_learning._inputs import of_step
from spikax_learning._plan import Loss
from spikax_learning._whole import alike, reads_of, trainable

_SMALL = 1e-7  # the paper's epsilon: keeps the scales finite while nothing has happened


class RankOne(State):
    """A product of two vectors whose mean is the derivative of all variables by all parameters.

    Attributes:
        left: (S,), along the variables.
        right: (P,), along the trained numbers.
        key: JAX key of the signs.
    """

    left: Array
    right: Array
    key: Array

    def moved(self, step: Step, t: Array) -> RankOne:
        sign, probe = jax.random.split(jax.random.fold_in(self.key, t))
        still, none = jnp.zeros_like(self.left), jnp.zeros_like(self.right)
        _, push = jax.linearize(step, step.h, step.theta)
        pull = jax.linear_transpose(lambda theta: push(still, theta), none)
        # A random direction of theta moves whatever theta acts on. Signs elsewhere are noise alone.
        touched = push(still, jax.random.normal(probe, none.shape, none.dtype)) != 0
        signs = jax.random.rademacher(sign, still.shape, still.dtype) * touched.astype(still.dtype)
        pushed, (pulled,) = push(self.left, none), pull(signs)
        old, new = _balance(self.right, pushed), _balance(pulled, signs)
        return self.replace(left=old * pushed + new * signs, right=self.right / old + pulled / new)

    def credited(self, error: Array) -> Array:
        return jnp.dot(error, self.left) * self.right


def _balance(right: Array, left: Array) -> Array:
    """The factor that makes two vectors equally long, by which their product has least variance."""
    return jnp.sqrt((jnp.linalg.norm(right) + _SMALL) / (jnp.linalg.norm(left) + _SMALL))


@dataclass(frozen=True)
class UORO:
    """Unbiased online recurrent optimization (Tallec & Ollivier 2017, algorithm 1).

        M ~ s w^T,    s <- r0 J s + r1 nu,    w <- w / r0 + (dF/dtheta)^T nu / r1
        r0 = sqrt(|w| / |J s|),    r1 = sqrt(|(dF/dtheta)^T nu| / |nu|)

    M is the influence matrix of `RTRL`, over the S real numbers of the whole state and the P that
    are trained; nu are random signs, new ones in each step, and 0 for variables that no trained
    number acts on in the step. The mean of s w^T over the signs is M, so the gradient is right on
    average; its deviation is large. It takes S + P numbers, and two steps of the network forward
    and one backward for each step.

    The loss of a run is that of `RTRL`.

    Attributes:
        seed: Seed of the signs; the step is part of what they are drawn by.
    """

    seed: int = 0

    def init(
        self, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter = "weight"
    ) -> Forward:
        """Get ready to learn step by step; arguments and errors as in `RTRL.init`."""
        trained, fixed = trainable("UORO", net, train)
        reads = reads_of("UORO", net, loss)
        h, _ = variables(state)
        n = sum(leaf.size for leaf in jax.tree.leaves(trained))
        memory = RankOne(
            left=jnp.zeros_like(h), right=jnp.zeros(n, h.dtype), key=jax.random.key(self.seed)
        )
        return start(trained, fixed, state, memory, loss, reads)

    def step(
        self, carry: Forward, inputs: Mapping[str, Any], target: Any
    ) -> tuple[Forward, dict[str, Array]]:
        """Move the network, s, w and the gradients by one step; as `RTRL.step`."""
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
        """The loss of a run and an estimate of its gradient; as `RTRL.gradient`."""
        return run(self.init(net, state, loss, train), inputs, targets)

    def explain(
        self, net: BuiltNetwork, train: Filter = "weight", loss: Loss | None = None
    ) -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        del loss  # whatever it reads
        trained, _ = trainable("UORO", net, train)
        return alike(
            trained, "random rank-one estimate", False, "exact on average over the random signs"
        )
