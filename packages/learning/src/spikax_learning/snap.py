"""Sparse n-step approximation: real-time recurrent learning that looks n steps ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, leaves
from spikax.errors import ConfigError
from spikax_learning._explain import Explained, Explanation
from spikax_learning._forward import Forward, Step, advance, run, start, variables
from spikax_learning._gate import gated_step
from spikax_learning._inputs import of_step
from spikax_learning._plan import Loss
from spikax_learning._reach import Reach, check_neurons, complete, kept
from spikax_learning._whole import paths_of, reads_of, trainable
from spikax_learning.rtrl import Influence, nothing_yet


class SparseInfluence(Influence):
    """The derivatives of those variables alone that are of certain neurons.

    Attributes:
        kept: Of which neurons, for each trained number, by population, (P, neurons).
        entries: The same by variable, (P, S).
    """

    kept: Mapping[str, Array]
    entries: Array

    def moved(self, step: Step, t: Array) -> SparseInfluence:
        del t

        def push(dh: Array, dtheta: Array, kept: Mapping[str, Array]) -> Array:
            def gated(h: Array, theta: Array) -> Array:
                new = gated_step(step.net(theta), step.state(h), step.inputs, kept)
                return variables(new)[0]

            return jax.jvp(gated, (step.h, step.theta), (dh, dtheta))[1]

        ones = jnp.eye(len(self.matrix), dtype=self.matrix.dtype)
        matrix = jax.vmap(push)(self.matrix, ones, self.kept)
        return self.replace(matrix=jnp.where(self.entries, matrix, jnp.zeros_like(matrix)))


@dataclass(frozen=True)
class SnAp:
    """Sparse n-step approximation of real-time recurrent learning (Menick et al. 2021).

        M(t+1) = K * (J(t) M(t) + dF/dtheta(t))

    As `RTRL`, but of the influence matrix M only those entries are kept, where K is 1 and not 0,
    whose variable is of a neuron that the parameter can act on within n steps, by the connections
    of the network. K is applied to each population as it moves, so nothing gets past what is left
    out, not even to a readout within the same step.

    - A variable of a neuron, its receptors or its releases is of that neuron. So is what is on its
      way to it in the ring of a port, whatever the delay; so a synapse with a delay is one hop.
    - A weight is of its target, a parameter of a model of its neuron; one number for all is of all.
    - The first of the n steps is that to its own neuron, each other one a hop from neuron to
      neuron. A synapse that acts within the step in which it sends is no hop (it is part of the
      same step's Jacobian), nor is one to a readout, a population that the loss reads and that
      sends nothing.

    With n = 1 a weight is credited with what it does to its own neuron, by that neuron's own
    variables and its synapses onto itself, as the readouts see it. Without such autapses this is
    backpropagation through time with the recurrent synapses cut. From some n on, when all neurons
    are reached, it is `RTRL`.

    M is stored whole, as by `RTRL`, so this rule is for small networks and for comparison; `EProp`
    stores what n = 1 keeps of each weight. The loss of a run is that of `RTRL`.

    Attributes:
        n: Steps that are followed, at least one.
        max_bytes: Refuse a network whose M takes more.
    """

    n: int = 1
    max_bytes: int = 2**30

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ConfigError(f"SnAp: n is {self.n} steps; it must be at least one.")

    def init(
        self, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter = "weight"
    ) -> Forward:
        """Get ready to learn step by step; arguments as in `RTRL.init`.

        Raises:
            ConfigError: A picked leaf has no derivative, or no way to the loss within n steps; M is
                too large; a variable is not of one neuron.
        """
        trained, fixed = trainable("SnAp", net, train)
        reads = reads_of("SnAp", net, loss)
        matrix = nothing_yet("SnAp", trained, state, self.max_bytes)
        check_neurons("SnAp", net, state)
        reach = Reach(net, paths_of(reads))
        self._check_reached(reach, trained)
        by_neuron = kept(net, trained, jnp.asarray(self.n - 1), reach.paths)
        memory = SparseInfluence(
            matrix=matrix,
            kept={name: by_neuron[:, reach.slice(name)] for name, _ in net.sizes},
            entries=by_neuron[:, reach.of_variables(state)],
        )
        return start(trained, fixed, state, memory, loss, reads)

    def _check_reached(self, reach: Reach, trained: BuiltNetwork) -> None:
        for leaf in leaves(trained):
            posts = reach.posts(leaf)
            if not any(reach.populations(p, self.n - 1) & {*reach.read} for p in posts):
                raise ConfigError(
                    f"{self} would leave out {leaf.path}: from {', '.join(map(repr, posts))} to "
                    f"{', '.join(map(repr, reach.read))}, which the loss reads, there is no way of "
                    f"{self.n - 1} hops or less. Use a larger n, or leave it out of train=."
                )

    def step(
        self, carry: Forward, inputs: Mapping[str, Any], target: Any
    ) -> tuple[Forward, dict[str, Array]]:
        """Move the network, M and the gradients by one step; as `RTRL.step`."""
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
        """The loss of a run and its gradient by what is kept; as `RTRL.gradient`."""
        return run(self.init(net, state, loss, train), inputs, targets)

    def explain(
        self, net: BuiltNetwork, train: Filter = "weight", loss: Loss | None = None
    ) -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        trained, _ = trainable("SnAp", net, train)
        check_neurons("SnAp", net, net.init_state())
        reach = Reach(net, paths_of(reads_of("SnAp", net, loss or _read_y)))
        self._check_reached(reach, trained)
        exact = complete(net, trained, jnp.asarray(self.n - 1), reach.paths)
        return Explanation(self._explained(path, bool(near)) for path, near in exact.items())

    def _explained(self, path: str, exact: bool) -> Explained:
        return Explained(
            path=path,
            how=f"influence on the neurons within {self.n} step{'s' * (self.n > 1)}",
            exact=exact,
            why="no others lead to the loss" if exact else "what it does to others is cut",
        )


def _read_y(y: Array, target: Any) -> Array:
    """Stands for a loss that does not say what it reads."""
    raise NotImplementedError
