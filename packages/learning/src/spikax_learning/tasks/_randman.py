"""Randman: smooth random manifolds of spike times."""

from __future__ import annotations

import numpy as np

from spikax.errors import ConfigError
from spikax_learning.tasks._examples import Examples


def randman(
    examples: int,
    seed: int,
    *,
    classes: int = 10,
    units: int = 100,
    steps: int = 100,
    dim: int = 2,
    alpha: float = 2.0,
) -> Examples:
    """Spike times on a smooth random manifold of each class, one spike from each unit.

    A point x of the manifold, uniform in [0, 1]^dim, gives unit i the spike time

        T_i(x) ~ prod_d sum_k A_idk / (k + 1)^alpha sin(2 pi (k x_d B_idk + C_idk))

    with A, B and C uniform in [0, 1], scaled so that the times of each unit, over the examples of
    a class, fill all steps; k runs up to where 1 / k^alpha is 1/1000. Zenke & Vogels 2021, Neural
    Comput. 33:899.

    Args:
        examples: Number of examples, the same of each class but for a remainder.
        seed: Of the manifolds and of the points on them.
        classes: Number of manifolds.
        units: Number of units, the dimension that the manifolds are embedded in.
        steps: Length of an example.
        dim: Dimension of the manifolds.
        alpha: Their smoothness: the larger, the smoother.

    Returns:
        Spikes (examples, steps, units) in random order, and classes.

    Raises:
        ConfigError: There are less than two examples of a class, which leave nothing to scale.
    """
    if examples < 2 * classes:
        raise ConfigError(
            f"{examples} examples of {classes} classes; expected {2 * classes} or more"
        )
    rng = np.random.default_rng(seed)
    labels = np.arange(examples, dtype=np.int32) % classes
    times = np.empty((examples, units))
    for label in range(classes):
        mine = labels == label
        times[mine] = _scaled(_on_manifold(rng, mine.sum(), units, dim, alpha))
    spikes = np.zeros((examples, steps, units), np.float32)
    when = np.minimum((times * steps).astype(int), steps - 1)
    np.put_along_axis(spikes, when[:, None], 1, axis=1)
    shuffled = Examples(spikes, labels, ("example", "step", "unit"))
    return shuffled[rng.permutation(examples)]


def _on_manifold(
    rng: np.random.Generator, points: int, units: int, dim: int, alpha: float
) -> np.ndarray:
    """Coordinates of random points on a new manifold: (points, units)."""
    k = np.arange(min(np.ceil(1000 ** (1 / alpha)), 1000))
    amplitude, stretch, phase = rng.random((3, dim, units, len(k)))
    amplitude[..., 0] = 0  # the constant would only shift it
    coordinates = np.ones((points, units))
    for d, x in enumerate(rng.random((dim, points, 1, 1))):
        waves = np.sin(2 * np.pi * (k * x * stretch[d] + phase[d]))
        coordinates *= (amplitude[d] / (k + 1) ** alpha * waves).sum(axis=-1)
    return coordinates


def _scaled(coordinates: np.ndarray) -> np.ndarray:
    """Each column from 0 to 1."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    return (coordinates - low) / np.maximum(high - low, 1e-7)
