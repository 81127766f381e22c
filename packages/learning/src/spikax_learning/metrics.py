"""Metrics: what a trained network does, in numbers.

Arrays may have axes of examples in front: y is (..., steps, neurons).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import BuiltNetwork, Recording, Spikes, leaves
from spikax.errors import ConfigError, ShapeError, unknown
from spikax.ops import transpose
from spikax.units import Hz, Quantity, ms, quantity, to_coherent


def accuracy(y: Array, labels: Array) -> Array:
    """Share of the examples whose label is the neuron with the largest sum over the steps.

    Of spikes that is the largest count. Ties go to the first.

    Args:
        y: Output or spikes, (..., steps, neurons).
        labels: Integers, (...) or the same in every step, (..., steps); with (labels, weights) the
            sum is weighted by step, (..., steps).
    """
    if isinstance(labels, tuple):
        y = y * jnp.asarray(labels[1], y.dtype)[..., None]
    return (y.sum(-2).argmax(-1) == _of_example(y, labels)).mean()


def latency_accuracy(spikes: Array, labels: Array) -> Array:
    """Share of the examples whose label is the neuron that fires first; silence is no answer.

    Args:
        spikes: (..., steps, neurons).
        labels: Integers, (...) or the same in every step, (..., steps).
    """
    fired = (spikes > 0).any(-2)
    first = jnp.where(fired, (spikes > 0).argmax(-2), spikes.shape[-2])
    right = first.argmin(-1) == _of_example(spikes, labels)
    return (fired.any(-1) & right).mean()


def rate(spikes: Array, dt: Any) -> Quantity:
    """Firing rate of each neuron, (..., neurons): mean_t z(t) / dt; of events, see `Spikes.rates`.

    Args:
        spikes: (..., steps, neurons).
        dt: Time step.
    """
    return quantity(spikes.mean(-2) / to_coherent(dt, ms, "rate: dt"), Hz)


def sparsity(spikes: Array) -> Array:
    """Share of neurons and steps without a spike."""
    return (spikes == 0).mean()


def isi_cv(spikes: Array, min_spikes: int = 3) -> np.ndarray:
    """Coefficient of variation of the intervals between a neuron's spikes; see `Spikes.isi_cv`.

    Args:
        spikes: (steps, neurons), of one run.
        min_spikes: Neurons that fired less are left out.
    """
    steps, ids = np.nonzero(np.asarray(spikes))
    n, size = np.shape(spikes)
    return Spikes(steps + 1, ids, size, 1.0, 0, n).isi_cv(min_spikes)


def synaptic_operations(net: BuiltNetwork, recording: Recording) -> Array:
    """Additions that the spikes cause: over all projections, spikes times synapses of the sender.

    What is usually counted as the work of an inference on neuromorphic hardware (Davies et al.
    2018). A projection into several receptors counts once.

    Args:
        net: A built network.
        recording: With the spikes of every population that projects, as from `simulate`; a batch
            of runs gives a number for each.

    Raises:
        UnknownNameError: The spikes of a population that projects were not recorded.
    """
    total = jnp.zeros(())
    for name in net.edge_order:
        edge = net.edges[name]
        synapses = transpose(edge.format, jnp.ones(()), jnp.ones(dict(net.sizes)[edge.post]))
        total = total + _counts(recording, edge.pre, len(synapses)) @ synapses
    return total


def gradient_cosine(a: Any, b: Any) -> dict[str, float]:
    """Cosine of the angle between two gradients, for each parameter by path.

    Args:
        a: Gradients, as from a rule.
        b: Others of the same structure, for example by backpropagation.

    NaN where one of them is zero.
    """
    if jax.tree.structure(a) != jax.tree.structure(b):
        raise ConfigError("gradient_cosine: the two gradients are not of the same parameters.")
    pairs = zip(leaves(a), leaves(b), strict=True)
    return {x.path: _cosine(np.asarray(x.value), np.asarray(y.value)) for x, y in pairs}


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.vdot(a, b) / norm) if norm > 0 else float("nan")


def _of_example(y: Array, labels: Any) -> Array:
    """One label for each example; `(labels, weights)` are labels."""
    labels = jnp.asarray(labels[0] if isinstance(labels, tuple) else labels)
    if labels.shape == y.shape[:-1]:
        labels = labels[..., -1]
    if labels.shape != y.shape[:-2]:
        raise ShapeError(
            f"labels have shape {labels.shape}; expected one for each example, {y.shape[:-2]}, or "
            f"for each step, {y.shape[:-1]}."
        )
    return labels


def _counts(recording: Recording, population: str, size: int) -> Array:
    path = f"{population}.spike"
    if path not in recording:
        raise unknown("recorded signal", path, recording)
    spikes = recording[path]
    if isinstance(spikes, Spikes):
        return jnp.asarray(np.bincount(spikes.ids, minlength=size), dtype=float)
    return spikes.values.sum(-2)
