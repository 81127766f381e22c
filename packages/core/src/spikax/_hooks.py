"""What happens on the way of a run: at given times, at an interval, until a condition holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from spikax._probes import steps
from spikax.errors import ConfigError
from spikax.units import ms, to_coherent


@dataclass(frozen=True)
class Hook:
    """A function and the times at which it is called, before the step that begins then.

    A run from a to b calls what is due from a on and before b, so that a run cut in two calls the
    same.
    """

    call: Callable[..., Any]
    times: tuple[float, ...] = ()
    interval: float | None = None
    stops: bool = False

    @property
    def name(self) -> str:
        """How errors call it."""
        return getattr(self.call, "__qualname__", repr(self.call))

    def due(self, t: int, dt: float) -> int | None:
        """The next step, `t` or later, at which it is called."""
        if self.interval is not None:
            every = steps(self.interval, dt, f"interval of hook {self.name}")
            return -(-t // every) * every
        later = [step for time in self.times if (step := _step(time, dt, self.name)) >= t]
        return min(later, default=None)


def run_at(call: Callable[..., Any], *times: Any) -> Hook:
    """Call a function at given times of the run: `run_at(f, 100*ms, 250*ms)`.

    `Simulation.run` calls `f(simulation)`, which may set `simulation.model` and
    `simulation.state`; `simulate` calls `f(net, state)` and goes on with what it returns.
    """
    if not times:
        raise ConfigError("run_at names no time; write run_at(f, 100*ms).")
    return Hook(call, tuple(float(to_coherent(time, ms, "run_at: time")) for time in times))


def run_every(interval: Any, call: Callable[..., Any]) -> Hook:
    """Call a function at every whole multiple of an interval: `run_every(10*ms, f)`.

    Arguments of the function as for `run_at`.
    """
    return Hook(call, interval=float(to_coherent(interval, ms, "run_every: interval")))


def stop_when(condition: Callable[..., Any], *, every: Any) -> Hook:
    """Stop the run, results kept, when a condition holds; it is looked at at an interval.

    `stop_when(lambda sim: sim.state.nodes["E"].neuron.V_m.max() > -40, every=1*ms)`; arguments as
    for `run_at`.
    """
    return Hook(condition, interval=float(to_coherent(every, ms, "stop_when: every")), stops=True)


def _step(time: float, dt: float, name: str) -> int:
    return steps(time, dt, f"time of hook {name}") if time else 0
