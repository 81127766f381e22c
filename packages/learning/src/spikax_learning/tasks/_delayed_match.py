"""Delayed match to sample: was it the same?"""

from __future__ import annotations

import numpy as np

from spikax.errors import ConfigError
from spikax_learning.tasks._examples import Examples


def delayed_match_to_sample(
    trials: int,
    seed: int,
    *,
    stimuli: int = 2,
    channels: int = 10,
    before: int = 100,
    sample: int = 200,
    delay: int = 1000,
    test: int = 200,
    p_spike: float = 0.04,
    p_noise: float = 0.001,
) -> Examples:
    """A sample, a delay, a test: is the test the sample again?

    Each stimulus has its own group of input channels, which send a spike in a step with
    probability `p_spike` while it is shown, and with `p_noise` otherwise. In half of the trials
    the test is the sample, else one of the others. After Miller, Erickson & Desimone 1996,
    J. Neurosci. 16:5154.

    Args:
        trials: Number of examples.
        seed: Of the random numbers.
        stimuli: Number of stimuli.
        channels: Input channels of each stimulus.
        before: Steps before the sample.
        sample: Steps of the sample.
        delay: Steps between sample and test.
        test: Steps of the test.
        p_spike: Probability of a spike in a step from what is shown.
        p_noise: Probability of a spike in a step from anything else.

    Returns:
        Spikes (trials, steps, channels), and 1 for a match, 0 for none; the test is scored.

    Raises:
        ConfigError: There are less than two stimuli.
    """
    if stimuli < 2:
        raise ConfigError(f"stimuli={stimuli}; expected 2 or more, for a test that differs")
    rng = np.random.default_rng(seed)
    first = rng.integers(stimuli, size=trials)
    matches = rng.permutation(trials) % 2
    second = np.where(matches, first, (first + rng.integers(1, stimuli, trials)) % stimuli)
    onset, again = before, before + sample + delay
    p = np.full((trials, again + test, stimuli), p_noise)
    for trial in range(trials):
        p[trial, onset : onset + sample, first[trial]] = p_spike
        p[trial, again:, second[trial]] = p_spike
    p = np.repeat(p, channels, axis=-1)
    scored = np.broadcast_to(np.arange(again + test) >= again, p.shape[:2])
    return Examples(
        (rng.random(p.shape) < p).astype(np.float32),
        matches.astype(np.int32),
        ("trial", "step", "channel"),
        ("trial",),
        scored,
    )
