"""Pictures of recordings; matplotlib comes with the extra `plot`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from spikax._extras import require
from spikax._recording import Recording, Series, Spikes
from spikax.errors import ConfigError
from spikax.units import in_unit

# Okabe and Ito's palette: told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def axes(ax: Any) -> Any:
    return (
        require("matplotlib.pyplot", "plot").subplots(layout="constrained")[1] if ax is None else ax
    )


def plot_raster(recording: Recording, populations: Sequence[str], ax: Any, max_neurons: int) -> Any:
    """One dot per spike; at most `max_neurons` of each population, evenly chosen."""
    recorded = {p.removesuffix(".spike"): s for p, s in recording.items() if isinstance(s, Spikes)}
    chosen = list(populations or recorded)
    if not chosen or any(name not in recorded for name in chosen):
        raise ConfigError(
            f"no spikes of {chosen or 'any population'} were recorded; "
            'record={"E": "spike"} does it.'
        )
    ax, base = axes(ax), 0
    dots = 1.5 if sum(recorded[name].size for name in chosen) > 100 else 4
    for name, colour in zip(chosen, COLOURS * len(chosen), strict=False):
        spikes = recorded[name]
        shown = np.unique(
            np.linspace(0, spikes.size - 1, min(max_neurons, spikes.size)).astype(int)
        )
        row = np.full(spikes.size, -1)
        row[shown] = base + np.arange(shown.size)
        rows = row[spikes.columns]
        ax.plot(
            (spikes.steps * spikes.dt)[rows >= 0],
            rows[rows >= 0],
            ".",
            markersize=dots,
            color=colour,
            label=name,
        )
        base += shown.size
    ax.set(xlabel="time (ms)", ylabel="neuron", ylim=(-1, base))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(chosen), markerscale=3)
    return ax


def plot_series(recording: Recording, paths: Sequence[str], ax: Any) -> Any:
    """One line per neuron and signal."""
    series = {
        p: recording[p] for p in paths or [p for p, s in recording.items() if isinstance(s, Series)]
    }
    events = [path for path, s in series.items() if not isinstance(s, Series)]
    if events:
        raise ConfigError(f"{events[0]} is not a series of values; write recording.plot_raster().")
    if not series:
        raise ConfigError(
            'no signal was recorded; record={"E": every(1*ms, "V_m", where=[0])} does it.'
        )
    ax, colours = axes(ax), itertools.cycle(COLOURS)
    for path, s in series.items():
        values = in_unit(np.asarray(s.values), s.unit)
        for column in range(values.shape[1]):
            neuron = column if s.where is None else s.where[column]
            ax.plot(
                np.asarray(s.times.mantissa),
                values[:, column],
                lw=0.8,
                color=next(colours),
                label=f"{path} {neuron}",
            )
    ax.set(xlabel="time (ms)", ylabel=", ".join(f"{p} ({s.unit})" for p, s in series.items()))
    if len(ax.get_lines()) <= 3 * len(COLOURS):  # more names would take the place of the lines
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
    return ax
