"""Choice between Parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax_nest.pynest._parameter import Parameter, constant, mapped, needed

__all__ = ["conditional"]


def conditional(condition: Parameter, param_if_true: Any, param_if_false: Any) -> Parameter:
    """One value where a condition is not 0, the other elsewhere.

    Args:
        condition: A comparison of Parameters.
        param_if_true: Parameter or number.
        param_if_false: Parameter or number.
    """
    choices = [
        constant(value) if isinstance(value, (int, float)) else needed(value)
        for value in (param_if_true, param_if_false)
    ]
    return mapped(lambda c, yes, no: np.where(c != 0, yes, no), needed(condition), *choices)
