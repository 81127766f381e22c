"""What was recorded: series of values, and spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from spikax._summary import html, recording_page, result_page
from spikax.errors import ShapeError, unknown
from spikax.units import UNITLESS, Hz, Quantity, Unit, ms, quantity, to_coherent


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
        return self.edges[1:]

    @property
    def edges(self) -> Quantity:
        """Where the interval of each sample begins and ends, one more than there are samples."""
        first = int(np.ravel(self.start)[0]) // self.interval  # a batch begins at one step
        borders = first + np.arange(self.values.shape[-2] + 1)
        return quantity(borders * (self.interval * self.dt), ms)

    def to_pandas(self) -> Any:
        """A DataFrame (extra `pandas`): index `time_ms`, a column per neuron, `attrs["unit"]`."""
        from spikax._convert import series_frame

        return series_frame(self)

    def to_xarray(self) -> Any:
        """A DataArray (extra `xarray`) with units, over time and neuron, batch axes in front."""
        from spikax._convert import series_array

        return series_array(self)

    def to_neo(self) -> Any:
        """A neo.AnalogSignal (extra `neo`), a channel per neuron."""
        from spikax._convert import analog_signal

        return analog_signal(self)

    def __repr__(self) -> str:
        unit = "" if str(self.unit) == "1" else f" {self.unit}"
        shape = "x".join(map(str, np.shape(self.values)))
        return f"Series(<{shape}>{unit}, every {self.interval * self.dt:g} ms)"

    def _repr_html_(self) -> str:
        return html(result_page(self))


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
        values: Of a signal recorded by `at_spikes`, one per spike, coherent; else None.
        unit: Their unit.
    """

    steps: np.ndarray
    ids: np.ndarray
    size: int
    dt: float
    start: int
    stop: int
    where: tuple[int, ...] | None = None
    values: np.ndarray | None = None
    unit: Unit = UNITLESS

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

    @property
    def data(self) -> Quantity | None:
        """The values at the spikes as a quantity, where `at_spikes` recorded them."""
        return None if self.values is None else quantity(self.values, self.unit)

    def after(self, time: Any) -> Spikes:
        """The spikes later than a time."""
        first = round(float(to_coherent(time, ms, "after")) / self.dt)
        late = self.steps > first
        return self._kept(late, start=max(first, self.start))

    def of(self, neurons: Any) -> Spikes:
        """The spikes of some recorded neurons: their indices, or a mask of the population."""
        given = np.asarray(neurons)
        chosen = np.unique(np.flatnonzero(given) if given.dtype == bool else given)
        recorded = np.arange(self.size) if self.where is None else np.asarray(self.where)
        if not chosen.size or not np.isin(chosen, recorded).all():
            raise ShapeError(f"of({neurons!r}): name some of the neurons recorded, {recorded}.")
        where = tuple(map(int, chosen))
        return self._kept(np.isin(self.ids, chosen), size=len(where), where=where)

    def _kept(self, mask: np.ndarray, **changes: Any) -> Spikes:
        values = None if self.values is None else self.values[mask]
        return replace(self, steps=self.steps[mask], ids=self.ids[mask], values=values, **changes)

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

    def psth(self, bin: Any, *, onsets: Any = None, window: Any = None) -> Series:
        """Peri-stimulus time histogram: the firing rate per neuron (Hz) in bins of time.

            rate = spikes in the bin / (neurons * onsets * width of the bin)

        A bin holds the spikes after its beginning up to its end, both whole multiples of its width;
        of the window, only whole bins are taken. `times` are the ends of the bins, `edges` all of
        their borders.

        Args:
            bin: Width of a bin, a multiple of dt.
            onsets: Times of the stimuli, to which the bins are relative; None for one at t = 0.
            window: From and to, relative to an onset, as in `[-50, 200] * ms`; None for the longest
                that was recorded around every onset.

        Raises:
            ConfigError: The width is no multiple of dt, or the window was not recorded.
        """
        from spikax._analysis import psth

        return psth(self, bin, onsets, window)

    def to_pandas(self) -> Any:
        """A DataFrame (extra `pandas`), a row per spike: `time_ms`, `neuron`, any `value`."""
        from spikax._convert import spikes_frame

        return spikes_frame(self)

    def to_xarray(self) -> Any:
        """A DataArray (extra `xarray`) over events: their times, or the values at the spikes."""
        from spikax._convert import spikes_array

        return spikes_array(self)

    def to_neo(self) -> list[Any]:
        """A neo.SpikeTrain (extra `neo`) for each neuron."""
        from spikax._convert import spike_trains

        return spike_trains(self)

    def __repr__(self) -> str:
        window = f"{self.start * self.dt:g} to {self.stop * self.dt:g} ms"
        return f"Spikes(<{len(self.ids)} of {self.size} neurons>, {window})"

    def _repr_html_(self) -> str:
        return html(result_page(self))


@jax.tree_util.register_dataclass
@dataclass(frozen=True, repr=False)
class Recording(Mapping[str, Any]):
    """Everything recorded in a run, by path: `recording["E.V_m"]`, or `recording["E"]["V_m"]`.

    Spikes come as `Spikes`, under a JAX transform as a `Series` of counts; any other signal comes
    as a `Series`.
    """

    series: Mapping[str, Any]

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

    def _repr_html_(self) -> str:
        return html(recording_page(self.series))

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

    def to_pandas(self) -> dict[str, Any]:
        """A DataFrame (extra `pandas`) for each path."""
        return {path: result.to_pandas() for path, result in self.items()}

    def to_xarray(self) -> Any:
        """A Dataset (extra `xarray`), a variable per path.

        Signals share the axis `time`, and `E_neuron` those of population E, where their samples
        and neurons are the same; else the axis is called by the path: `E.V_m_time`. Spikes have
        an axis of events each, `E.spike_event`.
        """
        from spikax._convert import recording_dataset

        return recording_dataset(self)

    def to_neo(self) -> Any:
        """A neo.Block (extra `neo`) of one segment, with spike trains and analog signals."""
        from spikax._convert import recording_block

        return recording_block(self)
