"""Backpropagation through time, over surrogate spikes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import jax
import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, merge, simulate
from spikax.errors import ConfigError
from spikax.units import ms, quantity
from spikax_learning._explain import Explanation
from spikax_learning._inputs import of_run, rows_of, steps
from spikax_learning._plan import Loss
from spikax_learning._whole import Reads, alike, paths_of, reads_of, scalar, trainable


@dataclass(frozen=True)
class BPTT:
    """Backpropagation through time (Werbos 1990) with surrogate spikes (Neftci et al. 2019).

        dE/dtheta = sum_t dF/dtheta(t)^T lambda(t+1),   lambda(t) = dE(t)/dh(t) + J(t)^T lambda(t+1)

    h' = F(h, theta) is a step of the whole network. theta are the numbers that `train` picks,
    parameters of models as well as weights. What acts only when a state is made, such as V_init, or
    in whole steps, such as t_ref, has a gradient of zero. It keeps every step of a run; to keep
    less:

    - `checkpoint=K` keeps the state of every K-th step and computes the others again: the same
      gradient in memory of T/K states and K steps, least where K is near sqrt(T).
    - `truncate=K` cuts the run into pieces of K steps, the last one the rest, and goes back to the
      start of each piece only: memory of K steps, and what is older is not credited.

    The loss of a run is the sum over its steps of `loss(y, target)`, with the signal y that the
    loss reads after the step: the output of the network's only `LeakyReadout`, or what its
    attribute `reads` names, such as "E.spike", or several, of which y is a tuple then. A loss of a
    whole run, such as `first_spike_mse`, gets all steps at once, (T, N), and one target.

    Attributes:
        checkpoint: Steps between the states that are kept; None keeps everything.
        truncate: Steps of a piece; None goes back to the start.
    """

    checkpoint: int | None = None
    truncate: int | None = None
    whole_runs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("checkpoint", "truncate"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"BPTT: {name} is {value} steps; it must be at least one.")

    def init(
        self, net: BuiltNetwork, state: NetworkState, loss: Loss, train: Filter = "weight"
    ) -> NoReturn:
        """Not possible: it needs the inputs and targets of all steps that it goes back through."""
        del net, state, loss, train
        raise ConfigError(
            "BPTT goes back through a run, so it does not learn step by step: call gradient on "
            "the whole run or on pieces of it, or use EProp(), or RTRL() for a small network."
        )

    def gradient(
        self,
        net: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Any],
        targets: Any,
        loss: Loss,
        train: Filter = "weight",
    ) -> tuple[Array, BuiltNetwork]:
        """The loss of a run and its gradient.

        Args:
            net: A built network.
            state: Where it starts.
            inputs: What arrives from outside by port: constant, or one row for each step.
            targets: One row for each step; their number is that of the steps. For a loss of whole
                runs, what it compares with; the number of steps is then that of the inputs.
            loss: Loss of one step, `loss(y, target) -> scalar`, or of the whole run.
            train: A filter of `select` that picks real numbers; all weights if not given.

        Returns:
            The sum of the losses, and gradients in the structure of `select(net, train)[0]`.

        Raises:
            ConfigError: A picked leaf has no derivative.
        """
        trained, fixed = trainable("BPTT", net, train)
        reads, whole_run = reads_of("BPTT", net, loss), getattr(loss, "whole_run", False)
        n = rows_of(net, inputs) if whole_run else steps(targets)
        constant, rows = of_run(net, inputs, n)
        if whole_run:
            return self._of_whole_run(trained, fixed, state, {**constant, **rows}, targets, loss, n)

        def piece(trained: Any, state: NetworkState, rows: Any) -> tuple[Array, NetworkState]:
            net = merge(trained, fixed)
            y, state = self._simulated(net, state, {**constant, **rows[0]}, steps(rows[1]), reads)
            return jax.vmap(scalar(loss))(y, rows[1]).sum(), state

        def add(carry: Any, rows: Any) -> tuple[Any, None]:
            state, total, gradients = carry
            (more, state), by = jax.value_and_grad(piece, has_aux=True)(trained, state, rows)
            return (state, total + more, jax.tree.map(jnp.add, gradients, by)), None

        carry = state, jnp.zeros(()), jax.tree.map(jnp.zeros_like, trained)
        length = max(1, min(self.truncate or n, n))
        whole = n // length * length
        folded = jax.tree.map(
            lambda a: a[:whole].reshape(-1, length, *a.shape[1:]), (rows, targets)
        )
        carry, _ = jax.lax.scan(add, carry, folded, length=whole // length)
        if whole < n:
            carry, _ = add(carry, jax.tree.map(lambda a: a[whole:], (rows, targets)))
        return carry[1], carry[2]

    def _of_whole_run(
        self,
        trained: BuiltNetwork,
        fixed: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Array],
        target: Any,
        loss: Loss,
        n: int,
    ) -> tuple[Array, BuiltNetwork]:
        if self.truncate is not None:
            raise ConfigError(f"{loss} is a loss of a whole run, and {self} cuts runs into pieces.")
        reads = reads_of("BPTT", merge(trained, fixed), loss)

        def total(trained: Any) -> Array:
            y, _ = self._simulated(merge(trained, fixed), state, inputs, n, reads)
            return loss(y, target)

        return jax.value_and_grad(total)(trained)

    def _simulated(
        self,
        net: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Array],
        n: int,
        reads: Reads,
    ) -> tuple[Any, NetworkState]:
        """What the loss reads in each step of a piece, and the state at its end."""
        record: dict[str, list[str]] = {}
        for path in paths_of(reads):
            node, _, signal = path.partition(".")
            record.setdefault(node, []).append(signal)
        state, rec = simulate(
            net,
            state,
            n * net.dt * ms,
            inputs=_quantities(net, inputs),
            record=record,
            chunk=self.checkpoint,
        )
        y = tuple(rec[path].values for path in paths_of(reads))
        return (y[0] if isinstance(reads, str) else y), state

    def explain(
        self, net: BuiltNetwork, train: Filter = "weight", loss: Loss | None = None
    ) -> Explanation:
        """How each picked parameter is trained; see `spikax_learning.explain`."""
        del loss  # whatever it reads
        trained, _ = trainable("BPTT", net, train)
        if self.truncate is None:
            return alike(trained, "backwards through the run", True, "every way is followed")
        how = f"backwards through pieces of {self.truncate} steps"
        return alike(trained, how, False, "what is older than a piece is cut")


def _quantities(net: BuiltNetwork, inputs: Mapping[str, Array]) -> dict[str, Any]:
    """Inputs at the full shape of their ports, as `simulate` takes them."""
    found = dict[str, Any]()
    for path, values in inputs.items():
        port = net.ports[path]
        if port.channels:
            found |= {
                f"{path}.{channel}": quantity(values[..., i, :], port.unit)
                for i, channel in enumerate(port.channels)
            }
        else:
            found[path] = quantity(values, port.unit)
    return found
