"""Pattern generation: a curve out of frozen noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikax_learning.tasks._examples import Examples


def pattern_generation(
    patterns: int,
    seed: int,
    *,
    steps: int = 1000,
    channels: int = 100,
    outputs: int = 1,
    cycles: Sequence[int] = (1, 2, 3, 5),
    p_spike: float = 0.05,
) -> Examples:
    """Curves, each a sum of sines, to be made from spikes that are the same at every presentation.

        y(t) ~ sum_c A_c sin(phase_c + 2 pi c t / steps),  A_c ~ U(0.5, 2),  phase_c ~ U(0, 2 pi)

    shifted to y(0) = 0 and scaled to a largest |y| of 1. Bellec et al. 2020, Nat. Commun. 11:3625,
    supplement; with steps of 1 ms the default is 1 s of sines of 1, 2, 3 and 5 Hz.

    Args:
        patterns: Number of examples, each with its own noise and curves.
        seed: Of the random numbers.
        steps: Length of a pattern.
        channels: Input channels.
        outputs: Curves in each pattern.
        cycles: Of each sine within a pattern.
        p_spike: Probability of a spike in a step.

    Returns:
        Spikes (patterns, steps, channels) and curves (patterns, steps, outputs).
    """
    rng = np.random.default_rng(seed)
    spikes = rng.random((patterns, steps, channels)) < p_spike
    curves = [[sines(rng, steps, cycles) for _ in range(outputs)] for _ in range(patterns)]
    return Examples(
        spikes.astype(np.float32),
        np.moveaxis(np.asarray(curves), 1, 2).astype(np.float32),
        ("pattern", "step", "channel"),
        ("pattern", "step", "output"),
    )


def sines(
    rng: np.random.Generator | np.random.RandomState, steps: int, cycles: Sequence[int]
) -> np.ndarray:
    """A sum of sines that begins at 0 and is at most 1; amplitudes are drawn before phases."""
    amplitude = rng.uniform(0.5, 2.0, len(cycles))
    phase = rng.uniform(0.0, 2 * np.pi, len(cycles))
    angle = np.linspace(phase, phase + 2 * np.pi * np.asarray(cycles), steps)
    curve = np.sin(angle) @ amplitude
    curve -= curve[0]
    return curve / np.abs(curve).max()
