"""What is recorded: requests, and the series and spikes that come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, cast

import jax
import numpy as np

from spikax._system import System
from spikax.errors import ConfigError, ShapeError, unknown
from spikax.units import Hz, Quantity, Unit, ms, quantity, to_coherent


@dataclass(frozen=True)
class Every:
    """A request to record some signals at an interval, of some neurons."""

    signals: tuple[str, ...]
    interval: float | None = None
    where: tuple[int, ...] | None = None


def every(interval: Any = None, *signals: str, where: Sequence[int] | None = None) -> Every:
    """Record signals at an interval and of a subset: `every(1*ms, "V_m", where=[0, 1])`.

    Args:
        interval: Time between samples, a multiple of dt; None for every step.
        signals: Names of signals of the population.
        where: Indices of neurons, or a mask; None for all.
    """
    if not signals:
        raise ConfigError('every() names no signal; write every(1*ms, "V_m").')
    chosen = None if where is None else _indices(where)
    step = None if interval is None else float(to_coherent(interval, ms, "every: interval"))
    return Every(signals, step, chosen)


def _indices(where: Sequence[int]) -> tuple[int, ...]:
    given = np.ravel(np.asarray(where))
    chosen = tuple(int(i) for i in (np.flatnonzero(given) if given.dtype == bool else given))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError(f"every: where={chosen}; name at least one neuron, and each once.")
    return chosen


Request: TypeAlias = "str | Every | Sequence[str | Every]"


@dataclass(frozen=True)
class Probe:
    """One signal to record, resolved against a built network."""

    path: str
    unit: Unit
    interval: int
    where: tuple[int, ...] | None
    size: int

    @property
    def is_spikes(self) -> bool:
        """Whether the values are spike counts."""
        return self.path.endswith(".spike")

    def read(self, net: System, state: Any) -> jax.Array:
        """The values in a state, of the chosen neurons."""
        values = net.read(state, self.path)
        return values if self.where is None else values[np.asarray(self.where)]

    @property
    def width(self) -> int:
        """Number of neurons recorded."""
        return self.size if self.where is None else len(self.where)


def probes(net: Any, record: Mapping[str, Request] | None) -> tuple[Probe, ...]:
    """Resolve what was asked for; unknown names and impossible intervals raise."""
    if record is not None and not isinstance(cast(Any, record), Mapping):
        raise ConfigError(f'record is {record!r}; name the population: record={{"E": "spike"}}.')
    sizes, found = dict(net.sizes), list[Probe]()
    for node, requests in (record or {}).items():
        if node not in sizes:
            raise unknown("population to record", node, sizes)
        for request in [requests] if isinstance(requests, (str, Every)) else requests:
            wanted = Every((request,)) if isinstance(request, str) else request
            found.extend(
                _probe(net, node, sizes[node], signal, wanted) for signal in wanted.signals
            )
    paths = [p.path for p in found]
    if len(set(paths)) < len(paths):
        raise ConfigError(f"a signal is recorded twice among {paths}; ask for each once.")
    return tuple(found)


def _probe(net: Any, node: str, size: int, signal: str, wanted: Every) -> Probe:
    signals = net.nodes[node].signals
    if signal not in signals:
        raise unknown(f"signal of population {node!r} to record", signal, signals)
    if wanted.where is not None and not all(0 <= i < size for i in wanted.where):
        raise ShapeError(
            f"{node}.{signal} is recorded where={wanted.where}; "
            f"the population has neurons 0 to {size - 1}."
        )
    interval = 1 if wanted.interval is None else steps(wanted.interval, net.dt, "every: interval")
    probe = Probe(f"{node}.{signal}", signals[signal], interval, wanted.where, size)
    if probe.is_spikes and interval > 1:
        raise ConfigError(
            f"{probe.path} is recorded every {wanted.interval:g} ms, which leaves out the spikes "
            'between; write "spike" or every(None, "spike", where=...).'
        )
    return probe


def steps(time: float, dt: float, what: str) -> int:
    """A time (ms) in whole steps, at least one."""
    count = round(time / dt) if np.isfinite(time) else 0
    if count < 1 or abs(time / dt - count) > 1e-6 * count:
        raise ConfigError(
            f"{what} is {time:g} ms; it must be a multiple of dt = {dt:g} ms, at least one."
        )
    return count


@jax.tree_util.register_dataclass
@dataclass(frozen=True, repr=False)
class Series:
    """A recorded signal: one row per sample, one column per neuron.

    A sample is taken at the end of its step, so the first one is at `start` + 1 steps at the
    earliest; with an interval, samples stand at its whole multiples.

    Attributes:
        values: (samples, neurons), coherent units; `vmap` puts its axis in front.
        start: Step before the first sample.
        unit: Declared unit.
        dt: Time step, ms.
        interval: Steps from sample to sample.
        where: Indices of the neurons; None for all.
    """

    values: Any
    start: Any
    unit: Unit = field(metadata={"static": True})
    dt: float = field(metadata={"static": True})
    interval: int = field(default=1, metadata={"static": True})
    where: tuple[int, ...] | None = field(default=None, metadata={"static": True})

    @property
    def data(self) -> Quantity:
        """The values as a quantity, in the declared unit."""
        return quantity(self.values, self.unit)

    @property
    def times(self) -> Quantity:
        """The times of the samples."""
        # A batch begins at one step.
        first = int(np.ravel(self.start)[0]) // self.interval + 1
        return quantity((first + np.arange(self.values.shape[-2])) * (self.interval * self.dt), ms)

    def __repr__(self) -> str:
        unit = "" if str(self.unit) == "1" else f" {self.unit}"
        shape = "x".join(map(str, np.shape(self.values)))
        return f"Series(<{shape}>{unit}, every {self.interval * self.dt:g} ms)"


@dataclass(frozen=True, repr=False)
class Spikes:
    """Recorded spikes as events.

    Attributes:
        steps: The step whose end is the time of the spike, ascending: time = steps * dt.
        ids: Index of each spike's neuron in its population.
        size: Number of neurons recorded.
        dt: Time step, ms.
        start, stop: The recorded steps are start + 1 to stop.
        where: Indices of the neurons recorded; None for all.
    """

    steps: np.ndarray
    ids: np.ndarray
    size: int
    dt: float
    start: int
    stop: int
    where: tuple[int, ...] | None = None

    @property
    def columns(self) -> np.ndarray:
        """The place of each spike's neuron among those recorded."""
        if self.where is None:
            return self.ids
        order = np.argsort(self.where)
        return order[np.searchsorted(self.where, self.ids, sorter=order)]

    @property
    def times(self) -> Quantity:
        """Time of each spike."""
        return quantity(self.steps * self.dt, ms)

    def after(self, time: Any) -> Spikes:
        """The spikes later than a time."""
        first = round(float(to_coherent(time, ms, "after")) / self.dt)
        late = self.steps > first
        return replace(
            self, steps=self.steps[late], ids=self.ids[late], start=max(first, self.start)
        )

    def spike_trains(self) -> list[Quantity]:
        """The spike times of each neuron, in the order of the columns."""
        by_neuron = np.argsort(self.columns, kind="stable")
        cuts = np.cumsum(np.bincount(self.columns, minlength=self.size))[:-1]
        return [quantity(s * self.dt, ms) for s in np.split(self.steps[by_neuron], cuts)]

    def rates(self) -> Quantity:
        """Firing rate of each neuron, (size,)."""
        window = max(self.stop - self.start, 1) * self.dt
        return quantity(np.bincount(self.columns, minlength=self.size) / window, Hz)

    def rate(self) -> Quantity:
        """Mean firing rate over neurons and time."""
        return quantity(len(self.ids) / self.size / (max(self.stop - self.start, 1) * self.dt), Hz)

    def isi_cv(self, min_spikes: int = 3) -> np.ndarray:
        """Coefficient of variation of the intervals of each neuron with `min_spikes` spikes.

        Neurons that fired less are left out: the array may be shorter than the population.
        """
        trains = (np.asarray(t.mantissa) for t in self.spike_trains())
        gaps = [np.diff(t) for t in trains if len(t) >= min_spikes]
        return np.array([g.std() / g.mean() for g in gaps if g.mean() > 0])

    def __repr__(self) -> str:
        window = f"{self.start * self.dt:g} to {self.stop * self.dt:g} ms"
        return f"Spikes(<{len(self.ids)} of {self.size} neurons>, {window})"


@jax.tree_util.register_dataclass
@dataclass(frozen=True, repr=False)
class Recording(Mapping[str, Any]):
    """Everything recorded in a run, by path: `recording["E.V_m"]`, or `recording["E"]["V_m"]`.

    Spikes come as `Spikes`, under a JAX transform as a `Series` of counts; any other signal comes
    as a `Series`.
    """

    series: dict[str, Any]

    def __getitem__(self, path: str) -> Any:
        if path in self.series:
            return self.series[path]
        inside = {
            p.partition(".")[2]: s for p, s in self.series.items() if p.partition(".")[0] == path
        }
        if not inside:
            raise unknown("recorded signal", path, self.series)
        return Recording(inside)

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    def __repr__(self) -> str:
        return f"Recording({', '.join(f'{p}: {s!r}' for p, s in self.series.items())})"

    def plot_raster(self, *populations: str, ax: Any = None, max_neurons: int = 200) -> Any:
        """Draw the spikes of some populations (all that recorded them), time against neuron.

        Returns:
            The matplotlib axes, new ones unless `ax` is given: `.figure.savefig("raster.png")`.

        Raises:
            ConfigError: No spikes were recorded there, or matplotlib is missing.
        """
        from spikax._plot import plot_raster

        return plot_raster(self, populations, ax, max_neurons)

    def plot(self, *paths: str, ax: Any = None) -> Any:
        """Draw recorded signals (all if none is named) against time, one line per neuron.

        Returns:
            The matplotlib axes, new ones unless `ax` is given.

        Raises:
            ConfigError: No such signal was recorded, or matplotlib is missing.
        """
        from spikax._plot import plot_series

        return plot_series(self, paths, ax)


def spikes_of(counts: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Events (steps, columns) of a table of counts whose first row belongs to step `first`."""
    rows, ids = np.nonzero(counts)
    times = counts[rows, ids].astype(np.int64)
    return np.repeat(rows + first, times).astype(np.int64), np.repeat(ids, times).astype(np.int32)
