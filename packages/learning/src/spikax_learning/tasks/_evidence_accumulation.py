"""Evidence accumulation: which side showed more cues?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikax.errors import ShapeError
from spikax_learning.tasks._examples import Examples


class CueTiming(NamedTuple):
    """Steps of a trial: before each cue a pause, after the last one a delay, then the recall."""

    cues: int = 7
    cue: int = 100
    spacing: int = 50
    delay: int = 1050
    recall: int = 150

    @property
    def steps(self) -> int:
        """Length of a trial."""
        return self.cues * (self.cue + self.spacing) + self.delay + self.recall


def evidence_accumulation(
    trials: int,
    seed: int,
    *,
    timing: CueTiming | None = None,
    channels: int = 40,
    majority: float = 0.7,
    p_spike: float = 0.04,
) -> Examples:
    """Cues on the left and on the right, a delay, then the question: which side had more?

    Four groups of input channels: cues on the left, on the right, the recall, and noise. A group
    sends a spike in a step with probability `p_spike` while it is shown, noise at a quarter of it
    all the time. Of each trial one side, drawn at random, has each of its cues with probability
    `majority`. Bellec et al. 2020, Nat. Commun. 11:3625, Fig. 3, after Morcos & Harvey 2016; with
    steps of 1 ms the default is 40 Hz, seven cues of 100 ms, and 150 ms to answer.

    Args:
        trials: Number of examples.
        seed: Of the random numbers.
        timing: Lengths in steps.
        channels: Input channels, a quarter of them in each group.
        majority: Probability that a cue is on the favoured side.
        p_spike: Probability of a spike in a step.

    Returns:
        Spikes (trials, steps, channels) and the side, 0 or 1; the recall is scored.

    Raises:
        ShapeError: The channels make no four groups of one size.
    """
    if channels % 4:
        raise ShapeError(f"channels={channels}; expected a multiple of 4, for groups of one size")
    return drawn_trials(
        np.random.default_rng(seed),
        trials,
        timing=timing or CueTiming(),
        channels=channels,
        majority=majority,
        p_spike=p_spike,
    )


def drawn_trials(
    rng: np.random.Generator | np.random.RandomState,
    trials: int,
    *,
    timing: CueTiming,
    channels: int = 40,
    majority: float = 0.7,
    p_spike: float = 0.04,
) -> Examples:
    """Trials from a source of random numbers; their order is that of the reference of NEST."""
    favours_left = rng.choice([0, 1], trials)
    to_left = np.where(favours_left, majority, 1 - majority)
    sides = np.stack([rng.choice([0, 1], timing.cues, p=[p, 1 - p]) for p in to_left])
    shown = _shown(sides, timing)
    p = p_spike * np.repeat(shown, channels // 4, axis=-1)
    spikes = p > rng.random(p.shape)
    scored = np.broadcast_to(shown[..., 2] > 0, shown.shape[:2])
    return Examples(
        spikes.astype(np.float32),
        (sides.sum(axis=1) > timing.cues // 2).astype(np.int32),
        ("trial", "step", "channel"),
        ("trial",),
        scored,
    )


def _shown(sides: np.ndarray, timing: CueTiming) -> np.ndarray:
    """How strong each of the four groups is in each step: (trials, steps, 4)."""
    shown = np.zeros((len(sides), timing.steps, 4))
    for trial, cues in enumerate(sides):
        for number, side in enumerate(cues):
            start = number * (timing.cue + timing.spacing) + timing.spacing
            shown[trial, start : start + timing.cue, side] = 1
    shown[:, timing.steps - timing.recall :, 2] = 1
    shown[..., 3] = 1 / 4
    return shown
