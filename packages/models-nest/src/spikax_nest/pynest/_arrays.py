"""Long arrays of small numbers, looked at without sorting or copying them."""

from __future__ import annotations

from typing import Any

import numpy as np


def distinct(values: np.ndarray) -> np.ndarray:
    """The numbers in an array of small integers, in ascending order."""
    if values.size and not any(values.strides):  # one number for all
        return values.ravel()[:1]
    if not values.size or values.min() < 0:
        return np.unique(values)
    return np.flatnonzero(np.bincount(values.ravel()))


def as_slice(which: np.ndarray) -> Any:
    """Ascending indices as a slice where they are a whole range: what it picks is no copy."""
    if len(which) and which[-1] - which[0] + 1 == len(which):
        return slice(int(which[0]), int(which[-1]) + 1)
    return which
