"""Positions of nodes, and Parameters of positions and distances."""

from __future__ import annotations

from typing import Any

from spikax_nest.pynest import _parameter
from spikax_nest.pynest._layers import free, grid

__all__ = ["distance", "free", "grid", "pos", "source_pos", "target_pos"]


def _coordinates(endpoint: int, about: str) -> Any:
    axes = {axis: _parameter.position(dimension, endpoint) for dimension, axis in enumerate("xyz")}
    n = staticmethod(lambda dimension: _parameter.position(dimension, endpoint))
    return type(about, (), {"__doc__": f"Parameters of a coordinate: {about}.", "n": n, **axes})


class _Distance(_parameter.Parameter):
    """Distance of source and target; `x`, `y`, `z` along one dimension."""

    def __init__(self) -> None:
        super().__init__(_parameter.distance()._evaluate, spatial=True)
        self.x, self.y, self.z = (_parameter.distance(k) for k in (1, 2, 3))

    @staticmethod
    def n(dimension: int) -> _parameter.Parameter:
        """Distance along a dimension, from 1 on; 0 is the whole distance."""
        return _parameter.distance(dimension)


distance = _Distance()
pos = _coordinates(0, "pos")
source_pos = _coordinates(1, "source_pos")
target_pos = _coordinates(2, "target_pos")
