"""Long arrays of small numbers, looked at without sorting or copying them.

One number for all of a long array is an array, too: `repeated` makes it of a single entry.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def repeated(value: Any, n: int, dtype: Any = None) -> np.ndarray:
    """An array of n equal entries, of which one is kept; it cannot be written to."""
    return np.broadcast_to(np.asarray(value, dtype), n)


def is_repeated(values: np.ndarray) -> bool:
    """Whether an array was made as one number for all."""
    return values.ndim == 1 and values.size > 0 and not any(values.strides)


def distinct(values: np.ndarray) -> np.ndarray:
    """The numbers in an array of small integers, in ascending order."""
    if values.size and not any(values.strides):
        return values.ravel()[:1]
    if not values.size or values.min() < 0:
        return np.unique(values)
    return np.flatnonzero(np.bincount(values.ravel()))


def picked(values: np.ndarray, which: slice | np.ndarray) -> np.ndarray:
    """Some entries, by a slice, indices or a mask; one number for all stays so."""
    if isinstance(which, slice) or not is_repeated(values):
        return values[which]
    n = int(np.count_nonzero(which)) if which.dtype == bool else len(which)
    return repeated(values[0], n)


def looked_up(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The value at each index; one index for all gives one value for all."""
    return repeated(values[index[0]], len(index)) if is_repeated(index) else values[index]


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Arrays one after the other; one number for all of them stays so."""
    if len(parts) == 1:
        return parts[0]
    if all(map(is_repeated, parts)) and len({p[0].item() for p in parts}) == 1:
        return repeated(parts[0][0], sum(map(len, parts)))
    return np.concatenate(parts)


def where(mask: np.ndarray) -> Any:
    """The indices of what is True, as a slice where they are a whole range."""
    return slice(0, len(mask)) if mask.all() else as_slice(np.flatnonzero(mask))


def as_slice(which: np.ndarray) -> Any:
    """Ascending indices as a slice where they are a whole range: what it picks is no copy."""
    if len(which) and which[-1] - which[0] + 1 == len(which):
        return slice(int(which[0]), int(which[-1]) + 1)
    return which
