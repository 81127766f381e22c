"""Store and recall: a bit among others, kept until it is asked for."""

from __future__ import annotations

import numpy as np

from spikax.errors import ConfigError
from spikax_learning.tasks._examples import Examples


def store_recall(
    trials: int,
    seed: int,
    *,
    items: int = 12,
    item: int = 200,
    recalls: int = 2,
    channels: int = 10,
    p_spike: float = 0.05,
) -> Examples:
    """A row of random bits, one marked to be stored, others in between, then a call for it.

    Four groups of input channels, which send a spike in a step with probability `p_spike` while
    they are on: bit 0, bit 1, store, recall. The bit is off while it is recalled. After Bellec et
    al. 2018, NeurIPS 31, with steps of 1 ms: items of 200 ms, 50 Hz.

    Args:
        trials: Number of examples.
        seed: Of the random numbers.
        items: Items of a trial.
        item: Steps of an item.
        recalls: Bits that are stored, and recalled before the next one is.
        channels: Input channels of each group.
        p_spike: Probability of a spike in a step.

    Returns:
        Spikes (trials, steps, channels), and in each step (trials, steps) the bit that was stored
        last, 0 before there is one; the recalls are scored.

    Raises:
        ConfigError: The items are too few for the recalls.
    """
    if items < 2 * recalls:
        raise ConfigError(f"{items} items for {recalls} recalls; expected {2 * recalls} or more")
    rng = np.random.default_rng(seed)
    bits = rng.integers(2, size=(trials, items))
    # In each trial: positions of store, recall, store, recall ...
    marked = np.sort(rng.permuted(np.tile(np.arange(items), (trials, 1)), axis=1)[:, : 2 * recalls])
    row = np.arange(trials)[:, None]
    on = np.zeros((trials, items, 4))
    on[row, marked[:, ::2], 2] = on[row, marked[:, 1::2], 3] = 1
    on[row, np.arange(items), bits] = 1 - on[..., 3]
    p = p_spike * np.repeat(np.repeat(on, item, axis=1), channels, axis=-1)
    return Examples(
        (rng.random(p.shape) < p).astype(np.float32),
        np.repeat(_stored(bits, on[..., 2] > 0), item, axis=1),
        ("trial", "step", "channel"),
        ("trial", "step"),
        np.repeat(on[..., 3] > 0, item, axis=1),
    )


def _stored(bits: np.ndarray, store: np.ndarray) -> np.ndarray:
    """The bit of the last store up to each item."""
    items = np.arange(bits.shape[1])
    last = np.maximum.accumulate(np.where(store, items, -1), axis=1)
    bit = np.take_along_axis(bits, np.maximum(last, 0), axis=1)
    return np.where(last < 0, 0, bit).astype(np.int32)
