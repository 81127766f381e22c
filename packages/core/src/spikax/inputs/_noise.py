"""Systems that draw random numbers."""

from __future__ import annotations

from typing import Any

from spikax._fields import cell
from spikax._random import streams
from spikax._state import State
from spikax._system import Array, Dynamics


class NoisyState(State):
    """The stream of random numbers of each neuron."""

    stream: Array = cell(kind="seed", doc="noise stream, two words per neuron")


class Noisy(Dynamics):
    """A system with noise of its own, drawn from the counter hash of (seed, name, neuron, step).

    It does not depend on chunks, batches or devices.
    """

    def init_state(self, size: int, *, key: Any, dt: float) -> Any:
        del dt
        cells = {n: c for n, c in self.State.cells.items() if c.kind != "seed"}
        values = {n: self.initial(c, size, n) for n, c in cells.items()}
        return self.State(stream=streams(key, size), **values)
