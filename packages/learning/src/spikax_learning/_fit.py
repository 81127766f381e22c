"""Train a network on examples, by any rule and any optimiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from spikax import BuiltNetwork, Filter, NetworkState, merge, select
from spikax.errors import ConfigError, NumericsError
from spikax_learning._bar import Bar
from spikax_learning._batches import Batches, Data, is_pair, mean_of
from spikax_learning._checkpoint import Checkpoint, load, save, settings
from spikax_learning._evaluate import Metric, as_metrics, evaluate, names
from spikax_learning._whole_runs import check_whole_runs


class Rule(Protocol):
    """What gives the loss of a run and its gradient.

    One that can use losses of whole runs says so by `whole_runs = True`; its targets then have no
    row for each step.
    """

    def gradient(
        self,
        net: BuiltNetwork,
        state: NetworkState,
        inputs: Mapping[str, Any],
        targets: Any,
        loss: Any,
        train: Filter,
    ) -> tuple[Array, BuiltNetwork]:
        """The loss, and gradients in the structure of `select(net, train)[0]`."""
        ...


@dataclass(frozen=True)
class Fit:
    """What training has come to.

    Attributes:
        net: The network with its weights of now.
        history: A number for each epoch by name: "loss", "validation loss" and the metrics.
        stopped: A callback ended it.
    """

    net: BuiltNetwork
    history: Mapping[str, np.ndarray] = field(repr=False)
    stopped: bool = False

    @property
    def epochs(self) -> int:
        """How many epochs were trained."""
        return len(self.history["loss"])

    def plot(self, *columns: str, ax: Any = None) -> Any:
        """Draw columns of the history against the epoch, the losses if none is named.

        Returns:
            The matplotlib axes, new ones unless `ax` is given.
        """
        from spikax_learning._plot import plot_history

        return plot_history(self.history, columns, ax)


Callback = Callable[[Fit], "bool | None"]


def fit(
    net: BuiltNetwork,
    data: Data,
    rule: Rule,
    optimizer: optax.GradientTransformation,
    loss: Any,
    *,
    epochs: int,
    train: Filter = "weight",
    batch_size: int = 32,
    callbacks: Sequence[Callback] = (),
    validation: Data | None = None,
    metrics: Mapping[str, Metric] | None = None,
    seed: int = 0,
    checkpoint: Any = None,
    resume: bool = False,
    progress: bool | None = None,
) -> Fit:
    """Train a network on examples; each starts from the network's initial state.

    The gradient of a batch is the mean over its examples of that of a run, so the learning rate
    means the same whatever the size. The last batch is filled up with examples that count for
    nothing, and so compiles nothing. Another call with the same rule, optimiser and loss (the same
    objects) and arrays of the same shape compiles nothing either.

    Args:
        net: A built network.
        data: (inputs, targets) with an axis of examples in front: inputs by port, as for
            `simulate`, (examples, steps, n) or (examples, n) if constant; targets (examples, steps,
            ...), or (examples,) if the same in every step. They are shuffled in each epoch. Or an
            iterable of such pairs, each a batch, that can be gone through once in each epoch.
        rule: Whose `gradient` to follow: `EProp()`.
        optimizer: Of optax; see also `spikax_learning.projections`.
        loss: `cross_entropy("out")` or any other of `spikax_learning.losses`, or a function
            `loss(y, target)` of one step; one of a whole run where the rule takes it.
        epochs: How often to go through the data, in all: what was done before `resume` counts.
        train: A filter of `select`: what is trained.
        batch_size: Examples in a batch.
        callbacks: Called with a `Fit` after each epoch; one that returns True ends the training.
        validation: Data to judge by after each epoch, without learning.
        metrics: By name, `metric(y, target)` of one example of the validation data, averaged; y is
            the series that the loss reads, (steps, neurons), of a sum that of the first part with a
            target: `{"accuracy": accuracy}`.
        seed: Of the order of the examples.
        checkpoint: A file to write after each epoch, all or nothing.
        resume: Go on from `checkpoint`, to the same numbers as without interruption.
        progress: Show progress; None shows it on a terminal or in a notebook.

    Raises:
        NumericsError: The loss or the gradient is no longer finite. It names epoch and step; its
            `state` is the `Fit` before that step, and `checkpoint` holds the epoch before.
        ShapeError: Inputs and targets do not go together, or not with the network.
        ConfigError: The rule cannot train a parameter, or the checkpoint is that of another
            optimiser, seed or batch size.
    """
    _check(net, data, epochs, checkpoint, resume)
    check_whole_runs(rule, loss)
    training = _Training(rule, optimizer, loss, train)
    whole = getattr(loss, "whole_run", False)
    batches = Batches(net, data, batch_size, whole)
    judged = None if validation is None else Batches(net, validation, batch_size, whole)
    chosen = as_metrics(metrics)
    if chosen and judged is None:
        raise ConfigError("metrics are of the validation data; give some: validation=data.")
    learner = training.begin(net, names(chosen, judged is not None), seed, batch_size)
    if resume:
        learner = load(checkpoint, learner)
    start, stopped = net.init_state(), False
    with Bar(epochs, _done(learner), progress, " epochs") as bar:
        while _done(learner) < epochs and not stopped:
            epoch = _done(learner)
            learner, mean = training.epoch(learner, net, start, batches.shuffled(seed, epoch))
            now = training.net(learner, net)
            row = {"loss": mean}
            if judged is not None:
                found = evaluate(now, start, judged, loss, chosen)
                row |= {"validation loss": found.pop("loss"), **found}
            learner = learner | {"history": _longer(learner["history"], row)}
            if checkpoint is not None:
                save(checkpoint, learner)
            result = Fit(now, learner["history"])
            stopped = any([bool(callback(result)) for callback in callbacks])
            bar.update(_done(learner), row)
    return Fit(training.net(learner, net), learner["history"], stopped)


def early_stopping(
    monitor: str = "validation loss", *, patience: int = 5, largest: bool = False
) -> Callback:
    """A callback that ends the training when a column has not improved for `patience` epochs.

    It looks at the history alone, so it goes on after `resume` as if nothing had been.

    Args:
        monitor: The column.
        patience: Epochs to wait after the best.
        largest: The largest value is best, as of an accuracy.
    """

    def stop(now: Fit) -> bool:
        if monitor not in now.history:
            raise ConfigError(f"early_stopping: there is no {monitor!r} in {list(now.history)}.")
        values = now.history[monitor] * (-1 if largest else 1)
        return len(values) - 1 - int(np.argmin(values)) >= patience

    return stop


@dataclass(frozen=True)
class _Training:
    """What stays the same from step to step, and is part of the compiled program."""

    rule: Rule
    optimizer: optax.GradientTransformation
    loss: Any
    train: Filter

    def begin(self, net: BuiltNetwork, columns: Any, seed: int, batch_size: int) -> Checkpoint:
        """All that changes, before the first step; also what a checkpoint holds."""
        weights, _ = select(net, self.train)
        weights = jax.tree.map(jnp.asarray, weights)
        with jax.numpy_dtype_promotion("standard"):
            memory = self.optimizer.init(weights)
        return {
            "weights": weights,
            "optimizer": memory,
            "history": {name: np.zeros(0, jnp.zeros(()).dtype) for name in columns},
            "seed": np.int32(seed),
            "batch_size": np.int32(batch_size),
            "settings": settings(self.optimizer, weights, memory),
        }

    def net(self, learner: Checkpoint, net: BuiltNetwork) -> BuiltNetwork:
        return merge(learner["weights"], select(net, self.train)[1])

    def epoch(
        self, learner: Checkpoint, net: BuiltNetwork, start: NetworkState, batches: Any
    ) -> tuple[Checkpoint, float]:
        """Go once through the batches; also the mean loss."""
        weights, memory = learner["weights"], learner["optimizer"]
        fixed, total, examples = select(net, self.train)[1], 0.0, 0
        for i, batch in enumerate(batches):
            rows = batch.inputs, batch.targets, jnp.asarray(batch.counts, float)
            new, remembered, value, fine = _step(weights, memory, fixed, start, rows, by=self)
            if not fine:
                reached = Fit(merge(weights, fixed), learner["history"])
                raise _not_finite(_done(learner) + 1, i + 1, float(value), reached)
            weights, memory = new, remembered
            total, examples = total + float(value) * batch.examples, examples + batch.examples
        if not examples:
            raise ConfigError(
                "the data gave no batch in this epoch; give a list, or what can be gone through "
                "again, not a generator."
            )
        return learner | {"weights": weights, "optimizer": memory}, total / examples


@partial(jax.jit, static_argnames="by")
def _step(
    weights: Any, memory: Any, fixed: Any, start: NetworkState, rows: Any, *, by: _Training
) -> tuple[Any, Any, Array, Array]:
    """Weights and memory after a batch, its loss, and whether all is finite."""
    inputs, targets, counts = rows
    net = merge(weights, fixed)

    def one(inputs: Any, target: Any) -> tuple[Array, Any]:
        return by.rule.gradient(net, start, inputs, target, by.loss, by.train)

    of_each = jax.vmap(one)(inputs, targets)
    loss, gradients = jax.tree.map(lambda values: mean_of(values, counts), of_each)
    fine = jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves((loss, gradients))]).all()
    with jax.numpy_dtype_promotion("standard"):  # what optax needs
        updates, memory = by.optimizer.update(gradients, memory, weights)
        return optax.apply_updates(weights, updates), memory, loss, fine


def _check(net: Any, data: Any, epochs: int, checkpoint: Any, resume: bool) -> None:
    if not isinstance(net, BuiltNetwork):
        raise ConfigError(
            f"fit needs a built network, got {type(net).__name__}; write net.build(dt=1*ms)."
        )
    if epochs < 1:
        raise ConfigError(f"epochs is {epochs}; it must be at least one.")
    if resume and checkpoint is None:
        raise ConfigError("resume goes on from a file; say which: checkpoint='training.npz'.")
    if not is_pair(data) and epochs > 1 and iter(data) is data:
        raise ConfigError(
            f"data is a {type(data).__name__}, which can be gone through once, not {epochs} times; "
            "give a list of batches, or an object whose __iter__ starts anew."
        )


def _not_finite(epoch: int, step: int, loss: float, reached: Fit) -> NumericsError:
    error = NumericsError(
        f"epoch {epoch}, step {step}: the loss is {loss:g} and it or its gradient is not finite. "
        "The weights before this step are in the error's `state`. Lower the learning rate, or clip "
        "the gradient: optax.chain(optax.clip_by_global_norm(1.0), ...). A label that is no class "
        "gives NaN too."
    )
    error.state = reached
    return error


def _done(learner: Checkpoint) -> int:
    return len(learner["history"]["loss"])


def _longer(history: Mapping[str, np.ndarray], row: Mapping[str, float]) -> dict[str, np.ndarray]:
    return {name: np.append(old, np.asarray(row[name], old.dtype)) for name, old in history.items()}
