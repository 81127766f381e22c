"""Tables of values against time."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax.errors import ConfigError, ShapeError


def check_table(times: Any, values: Any, owner: str, name: str) -> None:
    """Raise unless `times` is a sorted list with one entry (a row, a number) of `values` for each.

    Args:
        times: (K,), a tracer or None as it comes.
        values: (K,) or (K, N).
        owner: The class of the model.
        name: What it calls the values.
    """
    if np.shape(times) != np.shape(values)[:1]:
        raise ShapeError(
            f"{owner} has times of shape {np.shape(times)} and {name} of shape "
            f"{np.shape(values)}; give one for each time."
        )
    if np.ndim(times) != 1:
        raise ShapeError(f"{owner}.times has shape {np.shape(times)}; give a list of times.")
    if isinstance(times, np.ndarray) and np.any(np.diff(times) < 0):
        raise ConfigError(f"{owner}.times must be sorted, with the {name} in their order.")
