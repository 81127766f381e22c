"""Optional libraries: found, or a message that says what to install."""

from __future__ import annotations

import importlib
from typing import Any

from spikax.errors import ConfigError


def require(module: str, extra: str) -> Any:
    """Import an optional module; if it is missing, say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ConfigError(
            f"{module.partition('.')[0]} is not installed; it comes with: "
            f'pip install "spikax[{extra}]"'
        ) from None
