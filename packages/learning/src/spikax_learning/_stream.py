"""Learn from a stream while the network runs on: weights change every few steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, merge
from spikax.errors import ConfigError, NumericsError, ShapeError
from spikax_learning._bar import Bar
from spikax_learning._batches import Data, is_pair, len_of


class OnlineRule(Protocol):
    """What learns step by step; a carry has `weights`, `fixed`, `state`, `gradients`, `learned`."""

    def init(self, net: BuiltNetwork, state: NetworkState, loss: Any, train: Filter) -> Any:
        """Ready to learn."""
        ...

    def step(
        self, carry: Any, inputs: Mapping[str, Any], target: Any
    ) -> tuple[Any, dict[str, Array]]:
        """One step further, and `{"loss": ...}` of this step."""
        ...


@dataclass(frozen=True)
class StreamFit:
    """What learning from a stream has come to; hand it to `fit_stream` to go on.

    Attributes:
        losses: The mean loss of a step, for each update of the weights of this call.
        carry: What the rule holds: weights, state, traces.
        memory: What the optimiser holds.
    """

    losses: np.ndarray = field(repr=False)
    carry: Any = field(repr=False)
    memory: Any = field(repr=False)

    @property
    def net(self) -> BuiltNetwork:
        """The network with its weights of now."""
        return merge(self.carry.weights, self.carry.fixed)

    @property
    def state(self) -> NetworkState:
        """Where the network is."""
        return self.carry.state


def fit_stream(
    net: BuiltNetwork,
    data: Data,
    rule: OnlineRule,
    optimizer: optax.GradientTransformation,
    loss: Any,
    *,
    update_every: int = 1,
    train: Filter = "weight",
    go_on: StreamFit | None = None,
    chunk: int = 1000,
    progress: bool | None = None,
) -> StreamFit:
    """Learn from one long run: the network is never reset, and its weights change as it goes.

    After every `update_every` steps the optimiser gets the sum of the gradients of these steps.
    What is held is of constant size, whatever the length of the stream: traces, one piece of the
    data; only of losses there is one for each update.

    Args:
        net: A built network.
        data: (inputs, targets) with an axis of steps in front, or an iterable of such pieces, of
            equal length lest each compiles a program.
        rule: An online rule: `EProp()`.
        optimizer: Of optax.
        loss: Of one step: `squared_error("out")`.
        update_every: Steps between two updates; the length of every piece is a multiple of it.
        train: A filter of `select`: what is trained.
        go_on: What an earlier call with the same rule, optimiser and loss returned: the stream goes
            on where that one ended; `net` and `train` are then those of before.
        chunk: Steps of arrays that run as one piece on the device.
        progress: Show progress; None shows it on a terminal or in a notebook.

    Raises:
        NumericsError: The loss is no longer finite. It names the step of the stream; its `state` is
            the `StreamFit` before the piece.
        ShapeError: Inputs and targets have not equally many steps, or not a multiple of
            `update_every`.
        ConfigError: The rule cannot train a parameter, or cannot use such a loss.
    """
    if update_every < 1:
        raise ConfigError(f"update_every is {update_every}; it must be at least one step.")
    now = go_on or _start(net, rule, optimizer, loss, train)
    losses, done = [np.zeros(0, jnp.zeros(()).dtype)], 0
    with Bar(None, 0, progress, " steps") as bar:
        for piece in _pieces(data, update_every, max(chunk // update_every, 1) * update_every):
            carry, memory, new = _learned(
                now.carry, now.memory, piece, rule=rule, optimizer=optimizer
            )
            new = np.asarray(new)
            if not np.isfinite(new).all():
                at = done + int(np.argmin(np.isfinite(new))) * update_every
                raise _not_finite(at, update_every, StreamFit(np.concatenate(losses), *_held(now)))
            losses.append(new)
            done += len(new) * update_every
            now = StreamFit(new, carry, memory)
            bar.update(done, {"loss": float(new.mean())})
    return StreamFit(np.concatenate(losses), *_held(now))


def _held(now: StreamFit) -> tuple[Any, Any]:
    return now.carry, now.memory


def _start(net: Any, rule: Any, optimizer: Any, loss: Any, train: Filter) -> StreamFit:
    if not isinstance(net, BuiltNetwork):
        raise ConfigError(
            f"fit_stream needs a built network, got {type(net).__name__}; write net.build(dt=1*ms)."
        )
    carry = rule.init(net, net.init_state(), loss, train)
    with jax.numpy_dtype_promotion("standard"):
        memory = optimizer.init(carry.weights)
    return StreamFit(np.zeros(0), carry, memory)


def _pieces(data: Any, every: int, chunk: int) -> Iterator[Any]:
    """Pieces as (updates, steps of each, ...)."""
    for pair in [data] if is_pair(data) else data:
        inputs, targets = jax.tree.map(np.asarray, (dict(pair[0]), pair[1]))
        n = len_of(pair)
        if n % every:
            raise ShapeError(
                f"a stream of {n} steps cannot be cut into updates of {every} steps each; leave "
                f"out the last {n % every}."
            )
        length = chunk if is_pair(data) else n
        for first in range(0, n, length):
            part = slice(first, first + length)
            yield jax.tree.map(partial(_cut, part=part, every=every), (inputs, targets))


def _cut(rows: np.ndarray, part: slice, every: int) -> np.ndarray:
    return rows[part].reshape(-1, every, *rows.shape[1:])


@partial(jax.jit, static_argnames=("rule", "optimizer"))
def _learned(
    carry: Any, memory: Any, piece: Any, *, rule: Any, optimizer: Any
) -> tuple[Any, Any, Array]:
    """Carry and memory after a piece, and the mean loss of the steps before each update."""

    def step(carry: Any, row: Any) -> tuple[Any, Array]:
        carry, metrics = rule.step(carry, *row)
        return carry, metrics["loss"]

    def update(learner: tuple[Any, Any], rows: Any) -> tuple[tuple[Any, Any], Array]:
        carry, losses = jax.lax.scan(step, learner[0], rows)
        with jax.numpy_dtype_promotion("standard"):  # what optax needs
            updates, memory = optimizer.update(carry.gradients, learner[1], carry.weights)
            weights = optax.apply_updates(carry.weights, updates)
        return (carry.learned(weights), memory), losses.mean()

    (carry, memory), losses = jax.lax.scan(update, (carry, memory), piece)
    return carry, memory, losses


def _not_finite(step: int, every: int, reached: StreamFit) -> NumericsError:
    error = NumericsError(
        f"steps {step} to {step + every - 1} of the stream: the loss is not finite. What was "
        "reached before this piece is in the error's `state`. Lower the learning rate, or clip the "
        "gradient: optax.chain(optax.clip_by_global_norm(1.0), ...)."
    )
    error.state = reached
    return error
