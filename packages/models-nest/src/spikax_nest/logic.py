"""Choices between Parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax_nest.pynest._parameter import Parameter, combined

__all__ = ["conditional"]


def conditional(condition: Parameter, param_if_true: Any, param_if_false: Any) -> Parameter:
    """One Parameter where a comparison holds, another where it does not."""
    return combined(
        lambda c, a, b: np.where(c != 0, a, b), condition, param_if_true, param_if_false
    )
