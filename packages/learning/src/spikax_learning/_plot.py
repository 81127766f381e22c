"""Pictures of training; matplotlib comes with core's extra `plot`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikax.errors import ConfigError, unknown


def plot_history(history: Mapping[str, np.ndarray], columns: Sequence[str], ax: Any) -> Any:
    """One line per column."""
    chosen = columns or [name for name in history if name.endswith("loss")]
    for name in chosen:
        if name not in history:
            raise unknown("column of the history", name, history)
    axes = _axes() if ax is None else ax
    for name in chosen:
        axes.plot(np.arange(1, len(history[name]) + 1), history[name], ".-", label=name)
    axes.set(xlabel="epoch", ylabel=chosen[0] if len(chosen) == 1 else "")
    axes.legend()
    return axes


def _axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ConfigError(
            'matplotlib is not installed; it comes with: pip install "spikax[plot]"'
        ) from None
    return plt.subplots(layout="constrained")[1]
