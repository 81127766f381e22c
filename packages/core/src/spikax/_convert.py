"""Results as objects of other libraries; each comes with the extra of its name."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax._extras import require
from spikax._recording import Recording, Series, Spikes
from spikax.errors import ShapeError
from spikax.units import in_unit, ms

# What `quantities` calls otherwise than brainunit, or not at all.
_NEO_UNITS = {"1": "dimensionless", "Gohm": "1/nS"}


def series_frame(series: Series) -> Any:
    """A DataFrame: a row per sample, a column per neuron."""
    pandas = require("pandas", "pandas")
    index = pandas.Index(_times(series), name="time_ms")
    columns = pandas.Index(_neurons(series), name="neuron")
    frame = pandas.DataFrame(_single(series), index=index, columns=columns)
    frame.attrs["unit"] = str(series.unit)
    return frame


def spikes_frame(spikes: Spikes) -> Any:
    """A DataFrame: a row per spike."""
    columns = {"time_ms": _times(spikes), "neuron": spikes.ids}
    if spikes.values is not None:
        columns["value"] = _values(spikes)
    frame = require("pandas", "pandas").DataFrame(columns)
    frame.attrs["unit"] = str(spikes.unit)
    return frame


def series_array(series: Series) -> Any:
    """A DataArray; axes that `vmap` put in front are `batch_0`, `batch_1`."""
    values = _values(series)
    coordinates = {"time": ("time", _times(series), {"units": "ms"}), "neuron": _neurons(series)}
    dims = [*(f"batch_{i}" for i in range(values.ndim - 2)), "time", "neuron"]
    attributes = {"units": str(series.unit)}
    return require("xarray", "xarray").DataArray(values, coordinates, dims, attrs=attributes)


def spikes_array(spikes: Spikes) -> Any:
    """A DataArray of the times, or of the values, with the neurons as a coordinate."""
    coordinates: dict[str, Any] = {"neuron": ("event", spikes.ids)}
    values, unit = _times(spikes), ms
    if spikes.values is not None:
        coordinates["time"] = ("event", values, {"units": "ms"})
        values, unit = _values(spikes), spikes.unit
    attributes = {"units": str(unit)}
    array = require("xarray", "xarray").DataArray
    return array(values, coordinates, ("event",), attrs=attributes)


def recording_dataset(recording: Recording) -> Any:
    """A Dataset in which axes with the same coordinates are one."""
    found = require("xarray", "xarray").Dataset()
    for path, result in recording.items():
        array = result.to_xarray()
        axes = [axis for axis in (*array.coords, "event") if axis in (*array.coords, *array.dims)]
        found[path] = array.rename({axis: _axis(found, path, array, axis) for axis in axes})
    return found


def _axis(found: Any, path: str, array: Any, axis: str) -> str:
    """The name of an axis: shared where the coordinates are those of another signal."""
    shared = axis if axis == "time" else f"{path.partition('.')[0]}_{axis}"
    fits = shared not in found.coords or np.array_equal(found[shared], array[axis])
    return shared if fits and "event" not in array.dims else f"{path}_{axis}"


def spike_trains(spikes: Spikes, name: str = "neuron") -> list[Any]:
    """A neo.SpikeTrain per neuron, annotated with its index."""
    train = require("neo", "neo").SpikeTrain
    span = {"units": "ms", "t_start": spikes.start * spikes.dt, "t_stop": spikes.stop * spikes.dt}
    neurons = range(spikes.size) if spikes.where is None else spikes.where
    return [
        train(np.asarray(times.mantissa), name=f"{name}[{neuron}]", neuron=neuron, **span)
        for neuron, times in zip(neurons, spikes.spike_trains(), strict=True)
    ]


def analog_signal(series: Series, name: str | None = None) -> Any:
    """A neo.AnalogSignal, a channel per neuron."""
    milliseconds = require("quantities", "neo").ms
    return require("neo", "neo").AnalogSignal(
        _single(series),
        units=_NEO_UNITS.get(str(series.unit), str(series.unit)),
        t_start=_times(series)[0] * milliseconds,
        sampling_period=series.interval * series.dt * milliseconds,
        name=name,
        array_annotations={"neuron": _neurons(series)},
    )


def recording_block(recording: Recording) -> Any:
    """A neo.Block of one segment."""
    neo = require("neo", "neo")
    block, segment = neo.Block(), neo.Segment()
    block.segments.append(segment)
    for path, result in recording.items():
        if isinstance(result, Spikes):
            segment.spiketrains.extend(spike_trains(result, path))
        else:
            segment.analogsignals.append(analog_signal(result, path))
    return block


def _times(result: Series | Spikes) -> np.ndarray:
    return np.asarray(result.times.mantissa)


def _values(result: Series | Spikes) -> np.ndarray:
    return in_unit(np.asarray(result.values), result.unit)


def _single(series: Series) -> np.ndarray:
    values = _values(series)
    if values.ndim != 2:
        raise ShapeError(
            f"a batch of series, {values.shape}, is no table; convert one of them: "
            "jax.tree.map(lambda x: x[0], series), or use to_xarray()."
        )
    return values


def _neurons(series: Series) -> np.ndarray:
    columns = np.shape(series.values)[-1]
    return np.arange(columns) if series.where is None else np.asarray(series.where)
