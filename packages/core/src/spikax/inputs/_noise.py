"""What systems that draw random numbers share."""

from __future__ import annotations

from spikax._fields import cell
from spikax._state import State
from spikax._system import Array


class NoisyState(State):
    """The stream of random numbers of each neuron, whatever the chunks, the batch, the devices."""

    stream: Array = cell(kind="seed", doc="noise stream, two words per neuron")
