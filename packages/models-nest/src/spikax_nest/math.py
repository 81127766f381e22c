"""Functions of Parameters."""

from __future__ import annotations

import numpy as np

from spikax_nest.pynest._parameter import Parameter, mapped, needed, redraw

__all__ = ["cos", "exp", "max", "min", "redraw", "sin"]


def exp(parameter: Parameter) -> Parameter:
    """The exponential of a parameter."""
    return mapped(np.exp, needed(parameter))


def sin(parameter: Parameter) -> Parameter:
    """The sine of a parameter."""
    return mapped(np.sin, needed(parameter))


def cos(parameter: Parameter) -> Parameter:
    """The cosine of a parameter."""
    return mapped(np.cos, needed(parameter))


def min(parameter: Parameter, value: float) -> Parameter:
    """The smaller one of a parameter and a number."""
    bound = float(value)
    return mapped(lambda values: np.minimum(values, bound), needed(parameter))


def max(parameter: Parameter, value: float) -> Parameter:
    """The larger one of a parameter and a number."""
    bound = float(value)
    return mapped(lambda values: np.maximum(values, bound), needed(parameter))
