"""Draw membrane potentials: `nest.voltage_trace.from_device(voltmeter)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax_nest.pynest._drawing import pyplot
from spikax_nest.pynest._errors import NESTErrors

__all__ = ["from_device", "from_file"]


def from_file(fname: Any, title: str | None = None, grayscale: bool = False) -> list[Any]:
    """Draw rows (sender, time, V_m) of a file, or of several."""
    names = [fname] if isinstance(fname, str) else fname
    rows = np.concatenate([np.atleast_2d(np.loadtxt(name)) for name in names])
    by_sender = {s: rows[rows[:, 0] == s][:, 1:].T for s in np.unique(rows[:, 0]).astype(int)}
    return _draw(by_sender, title or "Membrane potential", "Time (ms)", grayscale)


def from_device(
    detec: Any,
    neurons: Any = None,
    title: str | None = None,
    grayscale: bool = False,
    timeunit: str = "ms",
) -> list[Any]:
    """Draw what a voltmeter has in memory, a line for each neuron.

    Args:
        detec: The voltmeter, or a multimeter that records V_m.
        neurons: Ids of those to draw; None for all.
        title: Of the plot.
        grayscale: Whether to do without colour.
        timeunit: "ms" or "s".

    Raises:
        NESTErrors.KernelException: It recorded no V_m, or not into memory.
    """
    factors = {"ms": 1.0, "s": 1e-3}
    if timeunit not in factors:
        raise ValueError(f"timeunit is {timeunit!r}; choose 'ms' or 's'")
    status = detec.get()
    events = status.get("events", {})
    if status["record_to"] != "memory" or "V_m" not in events:
        raise NESTErrors.KernelException("Please provide data: a voltmeter that records to memory.")
    if not len(events["times"]):
        raise NESTErrors.KernelException("No events recorded!")
    ids = np.unique(events["senders"]) if neurons is None else np.asarray(neurons)
    by_sender = {}
    for gid in ids.tolist():
        mine = events["senders"] == gid
        by_sender[gid] = factors[timeunit] * events["times"][mine], events["V_m"][mine]
    return _draw(by_sender, title or "Membrane potential", f"Time ({timeunit})", grayscale)


def _draw(by_sender: Any, title: str, xlabel: str, grayscale: bool) -> list[Any]:
    plt = pyplot()
    style = {"color": "k"} if grayscale else {}
    lines = [
        plt.plot(times, V, label=f"Neuron {gid}", **style) for gid, (times, V) in by_sender.items()
    ]
    plt.title(title)
    plt.xlabel(xlabel)
    plt.ylabel("Membrane potential (mV)")
    plt.legend(loc="best")
    return lines
