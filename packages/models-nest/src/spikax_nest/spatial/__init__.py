"""Positions of nodes: where they are created, and Parameters of distance and place."""

from spikax_nest.pynest._layers import free, grid
from spikax_nest.pynest._places import distance, pos, source_pos, target_pos

__all__ = ["distance", "free", "grid", "pos", "source_pos", "target_pos"]
