"""What a network does with examples: its loss and other metrics, without learning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import BuiltNetwork, LeakyReadout, NetworkState, simulate
from spikax.errors import ConfigError
from spikax.units import ms
from spikax_learning._batches import Batch, Batches, mean_of, steps_of
from spikax_learning.losses import Total

Metric = Callable[[Any, Any], Array]
Metrics = tuple[tuple[str, Metric], ...]


def evaluate(
    net: BuiltNetwork, start: NetworkState, batches: Batches, loss: Any, metrics: Metrics
) -> dict[str, float]:
    """The mean over the examples of the loss and of each metric."""
    totals, examples = dict[str, float](), 0
    for batch in batches.in_order():
        found = _of_batch(net, start, batch, _steps(net, batch, loss), loss, metrics)
        for name, value in found.items():
            totals[name] = totals.get(name, 0.0) + float(value) * batch.examples
        examples += batch.examples
    return {name: value / examples for name, value in totals.items()}


def _of_batch(
    net: BuiltNetwork, start: NetworkState, batch: Batch, n: int, loss: Any, metrics: Metrics
) -> dict[str, Array]:
    rows = (batch.inputs, batch.targets, jnp.asarray(batch.counts, float))
    return _evaluated(net, start, rows, n=n, loss=loss, metrics=metrics)


@partial(jax.jit, static_argnames=("n", "loss", "metrics"))
def _evaluated(
    net: BuiltNetwork, start: NetworkState, rows: Any, *, n: int, loss: Any, metrics: Metrics
) -> dict[str, Array]:
    inputs, targets, counts = rows

    def one(inputs: Any, target: Any) -> dict[str, Array]:
        y = series(net, start, inputs, n, loss)
        whole = getattr(loss, "whole_run", False)
        value = loss(y, target) if whole else jax.vmap(loss)(y, target).sum()
        judged = _judged(loss, y, target)
        return {"loss": value, **{name: metric(*judged) for name, metric in metrics}}

    values = jax.vmap(one)(inputs, targets)
    return jax.tree.map(lambda v: mean_of(v.astype(counts.dtype), counts), values)


def series(net: BuiltNetwork, start: NetworkState, inputs: Any, n: int, loss: Any) -> Any:
    """The signals that a loss reads over a run, (steps, neurons) each."""
    wanted = reads(net, loss)
    paths = (wanted,) if isinstance(wanted, str) else wanted
    record = dict[str, list[str]]()
    for path in paths:
        population, _, signal = path.partition(".")
        record.setdefault(population, []).append(signal)
    _, seen = simulate(net, start, n * net.dt * ms, inputs=inputs, record=record)
    values = tuple(jnp.asarray(seen[path].values) for path in paths)
    return values[0] if isinstance(wanted, str) else values


def reads(net: BuiltNetwork, loss: Any) -> str | tuple[str, ...]:
    """The paths of the signals of a loss: what it says, else y of the only leaky readout."""
    if hasattr(loss, "reads"):
        return loss.reads
    readouts = [name for name, node in net.nodes.items() if isinstance(node, LeakyReadout)]
    if len(readouts) != 1:
        raise ConfigError(
            f"the loss does not say which signal it reads, and there are {len(readouts)} "
            'populations of LeakyReadout; write for example cross_entropy("out").'
        )
    return f"{readouts[0]}.y"


def _judged(loss: Any, y: Any, target: Any) -> tuple[Any, Any]:
    """What the metrics get: of a sum, signal and target of the first part that takes a target."""
    if not isinstance(loss, Total) or not loss.takes_target:
        return y, target
    parts = [part for part in loss.parts if part.takes_target]
    first = parts[0].reads
    place = loss.reads.index(first if isinstance(first, str) else first[0])
    return y[place], target if len(parts) == 1 else target[0]


def _steps(net: BuiltNetwork, batch: Batch, loss: Any) -> int:
    n = steps_of(net, batch.inputs)
    if n is not None:
        return n
    if getattr(loss, "whole_run", False):
        raise ConfigError("no input has a row for each step: the length of a run is not known.")
    return int(np.shape(jax.tree.leaves(batch.targets)[0])[1])


def as_metrics(metrics: Mapping[str, Metric] | None) -> Metrics:
    """Metrics as something that a compiled program can be kept by."""
    return tuple((metrics or {}).items())


def names(metrics: Metrics, validation: bool) -> Iterator[str]:
    """The columns of a history."""
    yield "loss"
    if validation:
        yield "validation loss"
        yield from (name for name, _ in metrics)
