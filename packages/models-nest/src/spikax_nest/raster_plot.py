"""Draw spikes: `nest.raster_plot.from_device(recorder)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikax_nest.pynest._drawing import pyplot
from spikax_nest.pynest._errors import NESTErrors

__all__ = [
    "extract_events",
    "from_data",
    "from_device",
    "from_file",
    "from_file_numpy",
    "from_file_pandas",
]


def extract_events(data: Any, time: Any = None, sel: Any = None) -> np.ndarray:
    """The rows (sender, time) within a time, and of chosen senders.

    Args:
        data: (events, 2).
        time: An end, or (begin, end) in ms; the end does not belong to it.
        sel: Ids of senders.
    """
    rows = np.asarray(data)
    kept = np.ones(len(rows), bool)
    if time is not None:
        begin, end = (0.0, time) if np.ndim(time) == 0 else time
        if begin >= end:
            raise ValueError(f"time is {time}; it begins before it ends")
        kept &= (rows[:, 1] >= begin) & (rows[:, 1] < end)
    if sel is not None:
        kept &= np.isin(rows[:, 0], sel)
    return rows[kept]


def from_data(data: Any, sel: Any = None, **kwargs: Any) -> Any:
    """Draw rows (sender, time); keywords as of `from_device`."""
    rows = extract_events(data, sel=sel)
    return _draw(rows[:, 1], rows[:, 0], **kwargs)


def from_file(fname: Any, **kwargs: Any) -> Any:
    """Draw what a recorder wrote to a file, or to several."""
    return from_file_numpy([fname] if isinstance(fname, str) else fname, **kwargs)


def from_file_numpy(fname: Sequence[Any], **kwargs: Any) -> Any:
    """The same, read by NumPy."""
    return from_data(np.concatenate([_read(name) for name in fname]), **kwargs)


def from_file_pandas(fname: Sequence[Any], **kwargs: Any) -> Any:
    """The same: nothing is gained by reading it with pandas."""
    return from_file_numpy(fname, **kwargs)


def _read(name: Any) -> np.ndarray:
    with open(name) as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return np.array([row[:2] for row in lines if row[0] != "sender"], np.float64).reshape(-1, 2)


def from_device(detec: Any, **kwargs: Any) -> Any:
    """Draw what a spike recorder has in memory.

    Args:
        detec: The recorder.
        kwargs: `title`, `xlabel`, `ylabel`, `hist` (a histogram below, by default),
            `hist_binwidth` in ms, `grayscale`.

    Returns:
        The matplotlib plot of the events.

    Raises:
        NESTErrors.KernelException: There are no events, or they are not in memory.
    """
    status = detec.get()
    if status["record_to"] != "memory":
        raise NESTErrors.KernelException(
            f"this recorder writes to {status['record_to']}; from_file() draws a file."
        )
    events = status["events"]
    if not len(events["times"]):
        raise NESTErrors.KernelException("No events recorded!")
    kwargs.setdefault("title", f"Raster plot from device '{detec.global_id}'")
    kwargs.setdefault("xlabel", "Steps" if status["time_in_steps"] else "Time (ms)")
    return _draw(events["times"], events["senders"], **kwargs)


def _draw(
    times: np.ndarray,
    senders: np.ndarray,
    title: str = "Raster plot",
    xlabel: str = "Time (ms)",
    ylabel: str = "Neuron ID",
    hist: bool = True,
    hist_binwidth: float = 5.0,
    grayscale: bool = False,
) -> Any:
    plt = pyplot()
    color = "k" if grayscale else "b"
    if not hist:
        plot = plt.plot(times, senders, f".{color}")
        plt.xlabel(xlabel)
    else:
        figure, (upper, lower) = plt.subplots(
            2, 1, sharex=True, height_ratios=(5, 2), layout="constrained"
        )
        plot = upper.plot(times, senders, f".{color}")
        _histogram(lower, times, len(np.unique(senders)), hist_binwidth, color)
        lower.set_xlabel(xlabel)
        figure.sca(upper)
    plt.title(title)
    plt.ylabel(ylabel)
    return plot


def _histogram(axes: Any, times: np.ndarray, n: int, width: float, color: str) -> None:
    edges = np.arange(np.min(times), np.max(times) + 2 * width, width)
    counts, _ = np.histogram(times, edges)
    rate = 1e3 * counts / (width * max(n, 1))
    axes.bar(edges[:-1], rate, width=width, align="edge", color=color, edgecolor="k", linewidth=0.3)
    axes.set_ylabel("Rate (Hz)")
