"""Real-time recurrent learning: the exact gradient, forward in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, State
from spikax.errors import ConfigError
from spikax_learning._explain import Explanation
from spikax_learning._forward import Forward, Step, advance, run, start, variables
from spikax_learning._inputs import of_step
from spikax_learning._plan import Loss
from spikax_learning._whole import alike, reads_of, trainable


class Influence(State):
    """The derivative of every variable by every trained number.

    Attributes:
        matrix: dh/dtheta, transposed, (P, S).
    """

    matrix: Array

    def moved(self, step: Step, t: Array) -> Influence:
        del t
        _, push = jax.linearize(step, step.h, step.theta)
        ones = jnp.eye(len(self.matrix), dtype=self.matrix.dtype)
        return self.replace(matrix=jax.vmap(push)(self.matrix, ones))

    def credited(self, error: Array) -> Array:
        return self.matrix @ error


@dataclass(frozen=True)
class RTRL:
    """Real-time recurrent learning (Williams & Zipser 1989), over everything in the state.

        M(t+1) = J(t) M(t) + dF/dtheta(t),     dE/dtheta = sum_t dE(t)/dh(t) M(t)

    h' = F(h, theta) is a step of the whole network. h are all real numbers of its state, S of them:
    what the neurons, receptors, releases, readouts and plastic synapses keep, and what is on its
    way in the rings of delays. theta are the P numbers that `train` picks, parameters of models as
    well as weights. M is pushed on column by column in forward mode; J is never formed.

    The gradient is that of `BPTT`, whatever the network. It takes P S numbers
    and P steps of the network for each step, so it is for small networks, and for telling what
    others leave out.

    Weights that change while the network runs (`learned`) make M that of the weights as they were.

    The loss of a run is the sum over its steps of `loss(y, target)`, with the signal y that the
    loss reads after the step: the output of the network's only `LeakyReadout`, or what its
    attribute `reads` names, such as "E.spike", or several, of which y is a tuple then.

    Attributes:
        max_bytes: Refuse a network whose M takes more.
    """

    max_bytes: int = 2**30

    def init(
        self, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter = "weight"
    ) -> Forward:
        """Get ready to learn step by step; what happened before `state` is not credited.

        Args:
            net: A built network.
            state: Where it starts.
            loss: Loss of one step, `loss(y, target) -> scalar`.
            train: A filter of `select` that picks real numbers; all weights if not given.

        Raises:
            ConfigError: A picked leaf has no derivative, or M is too large.
        """
        trained, fixed = trainable("RTRL", net, train)
        reads = reads_of("RTRL", net, loss)
        memory = Influence(matrix=nothing_yet("RTRL", trained, state, self.max_bytes))
        return start(trained, fixed, state, memory, loss, reads)

    def step(
        self, carry: Forward, inputs: Mapping[str, Any], target: Any
    ) -> tuple[Forward, dict[str, Array]]:
        """Move the network, M and the gradients by one step; pure, for `jax.jit` and `lax.scan`.

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
            train: A filter of `select` that picks real numbers; all weights if not given.

        Returns:
            The sum of the losses, and gradients in the structure of `select(net, train)[0]`.
        """
        return run(self.init(net, state, loss, train), inputs, targets)

    def explain(
        self, net: BuiltNetwork, train: Filter = "weight", loss: Loss | None = None
    ) -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        del loss  # whatever it reads
        trained, _ = trainable("RTRL", net, train)
        return alike(trained, "full influence matrix", True, "the whole state is followed")


def nothing_yet(rule: str, trained: BuiltNetwork, state: NetworkState, max_bytes: int) -> Array:
    """An influence matrix of zeros, (P, S).

    Raises:
        ConfigError: It takes more bytes than it may.
    """
    h, _ = variables(state)
    n = sum(leaf.size for leaf in jax.tree.leaves(trained))
    size = n * h.size * h.dtype.itemsize
    if size > max_bytes:
        raise ConfigError(
            f"{rule} keeps the derivatives of {h.size:,} variables by {n:,} trained numbers, "
            f"{size:,} bytes; max_bytes is {max_bytes:,}. Train fewer with train=weights(...), use "
            f"EProp() or BPTT(), or write {rule}(max_bytes={size})."
        )
    return jnp.zeros((n, h.size), h.dtype)
