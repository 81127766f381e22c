"""What draws."""

from __future__ import annotations

from typing import Any


def pyplot() -> Any:
    """Matplotlib's pyplot.

    Raises:
        ImportError: matplotlib is not installed; with the line that installs it.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("drawing needs matplotlib: pip install 'spikax[plot]'") from None
    return plt
