"""Functions of Parameters: `nest.math.exp(-nest.spatial.distance)`."""

from __future__ import annotations

import numpy as np

from spikax_nest.pynest._parameter import Parameter, combined, redrawn

__all__ = ["cos", "exp", "max", "min", "redraw", "sin"]


def exp(parameter: Parameter) -> Parameter:
    """Exponential of a Parameter."""
    return combined(np.exp, parameter)


def sin(parameter: Parameter) -> Parameter:
    """The sine of a Parameter, in radians."""
    return combined(np.sin, parameter)


def cos(parameter: Parameter) -> Parameter:
    """The cosine of a Parameter, in radians."""
    return combined(np.cos, parameter)


def min(parameter: Parameter, value: float) -> Parameter:
    """The lesser of a Parameter and a number."""
    return combined(np.minimum, parameter, value)


def max(parameter: Parameter, value: float) -> Parameter:
    """The greater of a Parameter and a number."""
    return combined(np.maximum, parameter, value)


def redraw(parameter: Parameter, min: float, max: float) -> Parameter:
    """A Parameter whose values are drawn again until they lie from `min` to `max`."""
    return redrawn(parameter, float(min), float(max))
