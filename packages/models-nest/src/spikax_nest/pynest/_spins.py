"""States of binary neurons, as their spikes tell: two in one step a transition to 1, one back to 0.

`spin_detector` keeps the transitions; `correlospinmatrix_detector` correlates the states. NEST's
lose some: of single spikes that follow each other within a slice the detector takes every second
one, and of a neuron that goes off and on again with nothing in between the correlation has one
interval less. Here all count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Values = Mapping[str, Any]


def transitions(events: Values, by: str) -> dict[str, np.ndarray]:
    """One event for those that one sender, or receptor, has next to each other in one step."""
    key = np.stack([events["steps"], events[by]])
    first = np.flatnonzero(np.any(np.diff(key, prepend=-1) != 0, axis=0))
    count = np.diff(np.append(first, key.shape[1]))
    kept = {name: column[first] for name, column in events.items()}
    return kept | {"state": (count > 1).astype(np.int64)}


def covariance(events: Values, width: int, bins: int, n: int) -> np.ndarray:
    """[i, j, bins + k]: in how many steps i was active when j was k bins earlier.

    The state of channel i counts from its first transition to 1 to its last one to 0; a last event
    of all that may be the first of two in its step is left out.
    """
    changes = transitions(events, "receptors")
    if not len(changes["steps"]):
        return np.zeros((n, n, 2 * bins + 1))
    active = _active(changes, n)
    found = np.empty((n, n, 2 * bins + 1))
    for k in range(bins + 1):
        lag = min(k * width, active.shape[1])
        later, earlier = active[:, lag:], active[:, : active.shape[1] - lag]
        both = later @ earlier.T
        found[:, :, bins + k], found[:, :, bins - k] = both, both.T
    return found


def _active(changes: Values, n: int) -> np.ndarray:
    """(channels, steps): 1 where a channel is active."""
    steps = changes["steps"] - changes["steps"].min()
    active = np.zeros((n, steps.max() + 1))
    sure = changes["state"].astype(bool)
    sure[:-1] = True
    for channel in range(n):
        mine = np.flatnonzero(changes["receptors"] == channel)
        on, since = False, 0
        for step, state, counts in zip(
            steps[mine], changes["state"][mine], sure[mine], strict=True
        ):
            if counts and on and not state:
                active[channel, since:step] = 1.0
            if state and not on:
                since = step
            on = bool(state)
    return active
