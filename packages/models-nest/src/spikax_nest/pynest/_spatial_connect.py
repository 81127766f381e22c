"""Connections that depend on where nodes are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._parameter import Parameter


def is_spatial(spec: Mapping[str, Any], pre: Any, post: Any) -> bool:
    """Whether a rule needs positions."""
    del pre, post
    return "mask" in spec or "use_on_source" in spec or isinstance(spec.get("p"), Parameter)


def spatial_pairs(
    pre: Any, post: Any, rng: np.random.Generator, spec: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of sources and targets."""
    raise NotImplementedError
