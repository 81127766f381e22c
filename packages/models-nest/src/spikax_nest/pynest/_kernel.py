"""The one kernel of the interface: everything that ResetKernel() resets."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax_nest.pynest._catalogue import Catalogue
from spikax_nest.pynest._clock import Clock
from spikax_nest.pynest._coupling import couples, slice_steps
from spikax_nest.pynest._engine import Engine
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._nodes import Nodes
from spikax_nest.pynest._recordings import Recordings
from spikax_nest.pynest._settings import DEFAULTS
from spikax_nest.pynest._synapse_models import SynapseCatalogue
from spikax_nest.pynest._synapse_table import Synapses
from spikax_nest.pynest._timers import Timers
from spikax_nest.pynest._wiring import METERS


class Kernel:
    """Nodes, synapses, models, settings, and what runs.

    Attributes:
        prepared: Whether it is between Prepare and Cleanup.
        has_run: Whether time has passed.
        extrema: Shortest and longest delay in steps, where the user fixed them.
        frozen_extrema: Those that there were when time first passed.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.catalogue, self.synapse_catalogue = Catalogue(), SynapseCatalogue()
        self.nodes, self.synapses = Nodes(self.catalogue), Synapses()
        self.settings: dict[str, Any] = dict(DEFAULTS)
        self.recordings, self.engine = Recordings(self), Engine(self)
        self.timers = Timers()
        self.prepared, self.has_run = False, False
        self.draws = 0
        self.extrema: tuple[int, int] | None = None
        self.frozen_extrema: tuple[int, int] | None = None
        self.generator_models: dict[int, str] = {}
        self.written: dict[int, int] = {}
        self.opened: set[int] = set()

    @property
    def threads(self) -> int:
        """Virtual processes; they change nothing but numbers that NEST shows."""
        return int(self.settings["local_num_threads"])

    @property
    def seed_words(self) -> int:
        """The seed of everything that is drawn in a run."""
        return int(self.settings["rng_seed"])

    def host_rng(self) -> np.random.Generator:
        """A generator for one act of set-up; acts in the same order draw the same."""
        self.draws += 1
        return np.random.Generator(np.random.Philox([self.seed_words, self.draws]))

    def draw(self, parameter: Any, nodes: Any) -> np.ndarray:
        """Values of a Parameter for some nodes."""
        from spikax_nest.pynest._parameter import Context

        layer = nodes.layer
        positions = None if layer is None else nodes.positions
        context = Context(
            rng=self.host_rng(), n=len(nodes), source_positions=positions, layer=layer
        )
        return np.asarray(parameter.values(context))

    def delay_extrema(self) -> tuple[int, int]:
        """min_delay and max_delay in steps."""
        if self.extrema is not None:
            return self.extrema
        found = self.synapses.delays
        if couples(self):
            steps = slice_steps(self)
            low, high = found or (steps, steps)
            found = min(low, steps), max(high, steps)
        return found or (1, 1)

    def check_delays(self, steps: Any) -> None:
        """Raise if delays are outside of what was fixed."""
        fixed = self.extrema
        if fixed is None and self.has_run and len(self.synapses):
            fixed = self.frozen_extrema
        if fixed is not None and (np.min(steps) < fixed[0] or np.max(steps) > fixed[1]):
            low, high = (self.clock.ms(s) for s in fixed)
            raise NESTErrors.BadDelay(
                f"Delay value {float(self.clock.ms(np.min(steps))):g} is invalid: the delays of "
                f"this network are from {low:g} to {high:g} ms, fixed by nest.set(min_delay=..., "
                "max_delay=...) or by its first Simulate()."
            )

    def connected_sources(self) -> set[int]:
        """Meters that have been connected."""
        found: set[int] = set()
        meters = [t.gids for t in self.nodes.tables.values() if t.base in METERS]
        if not meters:
            return found
        for table in self.synapses.tables.values():
            for _, block in table.blocks():
                sources = block["source"]
                found |= set(sources[np.isin(sources, np.concatenate(meters))].tolist())
        return found

    def create(self, name: str, n: int) -> np.ndarray:
        """New nodes; their ids."""
        model = self.catalogue[name]
        with self.timers.during("construction_create"):
            self.engine.rewired()
            for table in self.nodes.tables.values():
                self.engine.fetch(table)
            return self.nodes.create(model, n)

    def prepare(self) -> None:
        """Make ready to run."""
        from spikax_nest.pynest import _backends

        if self.prepared:
            raise NESTErrors.KernelException(
                "the kernel is prepared already: call Cleanup() before Prepare() or Simulate()."
            )
        self.prepared = True
        _backends.open_files(self, self.nodes.tables)
        with self.timers.during("construction_connect"):
            self.engine.prepare()
        self.recordings.spikes = 0

    def run(self, ms: float) -> None:
        """Move on in time."""
        if not self.prepared:
            raise NESTErrors.KernelException("call Prepare() before Run(), or use Simulate().")
        if ms < 0:
            raise NESTErrors.BadParameter(
                f"The simulation time cannot be negative; it is {ms:g} ms."
            )
        steps = self.clock.whole_steps(ms, "simulation time")
        if steps == 0:
            return
        self.engine.prepare()
        if not self.has_run:
            self.frozen_extrema = self.delay_extrema()
            self.has_run = True
        with self.timers.during("simulate"):
            self.engine.advance(steps)
            self.recordings.flush()

    def cleanup(self) -> None:
        """End a run."""
        if not self.prepared:
            raise NESTErrors.KernelException("call Prepare() before Cleanup().")
        self.prepared = False


_current: Kernel | None = None


def kernel() -> Kernel:
    """The kernel that is now."""
    global _current
    if _current is None:
        _current = Kernel()
    return _current


def reset() -> None:
    """Begin anew."""
    global _current
    _current = None
