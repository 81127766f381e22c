"""Parameters of where nodes are: `nest.spatial.distance`, `nest.spatial.pos.x`."""

from __future__ import annotations

import numpy as np

from spikax_nest.pynest._parameter import Context, Parameter, position

AXES = ("x", "y", "z")


class _Place:
    """The coordinates of one end."""

    def __init__(self, end: str) -> None:
        self.x, self.y, self.z = (position(axis, end) for axis in range(len(AXES)))
        self._end = end

    def n(self, dimension: int) -> Parameter:
        """The coordinate along an axis, from 0 on."""
        return position(int(dimension), self._end)


class _Distance(Parameter):
    """The distance from source to target; its components by axis."""

    def __init__(self) -> None:
        super().__init__(lambda c: np.linalg.norm(c.displacements(), axis=1), spatial=True)
        self.x, self.y, self.z = (_component(axis) for axis in range(len(AXES)))

    def n(self, dimension: int) -> Parameter:
        """The component along an axis, from 0 on."""
        return _component(int(dimension))


def _component(axis: int) -> Parameter:
    def function(context: Context) -> np.ndarray:
        return np.abs(context.displacements()[:, axis])

    return Parameter(function, spatial=True)


distance = _Distance()
pos, source_pos, target_pos = _Place("own"), _Place("source"), _Place("target")
