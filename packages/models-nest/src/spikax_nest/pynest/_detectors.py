"""Detectors: how often spikes of two trains, or states of two neurons, are a lag apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._spins import covariance as spin_covariance

FOREVER = 1.7976931348623157e308
LAGS: Mapping[str, Any] = {
    **{"origin": 0.0, "start": 0.0, "stop": FOREVER},
    **{"Tstart": 0.0, "Tstop": FOREVER, "delta_tau": 0.5, "tau_max": 5.0},
}
DETECTORS: Mapping[str, Mapping[str, Any]] = {
    "correlation_detector": LAGS,
    "correlomatrix_detector": {**LAGS, "N_channels": 1},
    "correlospinmatrix_detector": {**LAGS, "N_channels": 1, "delta_tau": 0.1, "tau_max": 1.0},
}
DEFAULT_STEPS = 5  # of delta_tau, where the default is no whole number of them
SPINS = "correlospinmatrix_detector"
SPIN_BINS = 10  # of tau_max

Values = Mapping[str, Any]


def channels(base: str, values: Values) -> int:
    """How many trains a detector takes, by receptor type from 0 on."""
    return 2 if base == "correlation_detector" else int(values["N_channels"])


def check(base: str, values: Values, clock: Any) -> None:
    """Raise for bins that are no whole steps, or do not fill the range of lags."""
    width, reach = (float(clock.tics(values[name])) for name in ("delta_tau", "tau_max"))
    if channels(base, values) < 1:
        raise NESTErrors.BadProperty("N_channels can only be larger than zero.")
    if width <= 0 or width % clock.tics_per_step:
        raise NESTErrors.StepMultipleRequired(
            f"delta_tau of a {base} is {values['delta_tau']:g} ms; it must be a positive multiple "
            f"of the resolution, {clock.resolution:g} ms."
        )
    if reach < 0 or reach % width:
        raise NESTErrors.StepMultipleRequired(
            f"tau_max of a {base} is {values['tau_max']:g} ms; it must be a multiple of delta_tau, "
            f"{values['delta_tau']:g} ms."
        )
    if base == "correlomatrix_detector" and not width // clock.tics_per_step % 2:
        raise NESTErrors.BadProperty(
            f"delta_tau of a {base} is {values['delta_tau']:g} ms; it must be an odd multiple of "
            f"the resolution, {clock.resolution:g} ms: bins are centred on their lags."
        )


def follow_resolution(base: str, defaults: dict[str, Any], clock: Any) -> None:
    """Make the default width of the bins one of whole steps; one that was set must be so."""
    if base == SPINS:
        defaults |= {"delta_tau": clock.resolution, "tau_max": SPIN_BINS * clock.resolution}
    elif defaults["delta_tau"] != LAGS["delta_tau"]:
        check(base, defaults, clock)
    elif clock.tics(defaults["delta_tau"]) % clock.tics_per_step:
        defaults["delta_tau"] = float(DEFAULT_STEPS * clock.resolution)


def status(base: str, values: Values, events: Mapping[str, np.ndarray], clock: Any) -> Values:
    """What NEST shows of a detector.

    Args:
        base: Which.
        values: Its parameters.
        events: The spikes that reached it, in the order in which NEST hands them over.
        clock: The kernel's.
    """
    whole = {name: events[name].astype(np.int64) for name in ("steps", "receptors")}
    events = {**events, **whole}
    width = round(values["delta_tau"] / clock.resolution)
    bins = round(values["tau_max"] / values["delta_tau"])
    if base == SPINS:
        return {"count_covariance": spin_covariance(events, width, bins, channels(base, values))}
    times, n = clock.ms(events["steps"]), channels(base, values)
    counted = (times >= values["Tstart"]) & (times <= values["Tstop"])
    n_events = np.bincount(events["receptors"][counted], minlength=n)
    first, second = _near(events["steps"], width * (bins + 1))
    # Of two spikes that meet it is the one handed over last whose time must be counted.
    kept = counted[np.maximum(first, second)]
    found = _histogram if base == "correlation_detector" else _covariance
    some = found(events, first[kept], second[kept], width, bins, n, counted)
    return {"n_events": n_events, **some}


def _near(steps: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different events no further apart than `reach`: that which is not later first."""
    order = np.argsort(steps, kind="stable")
    ordered = steps[order]
    count = np.searchsorted(ordered, ordered + reach, side="right") - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), count)
    ahead = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
    return order[first], order[first + 1 + ahead]


def _bin(lag: np.ndarray, width: int) -> np.ndarray:
    """The bin of each lag, in steps: number k is centred on k times its width."""
    return (2 * lag + width) // (2 * width)


def _histogram(
    events: Any, first: Any, second: Any, width: int, bins: int, n: int, counted: Any
) -> Values:
    """By the lag of a spike at receptor 1 behind one at receptor 0.

    NEST keeps the rounding errors of its running sums beside them; a sum over all pairs at once
    has none to keep.
    """
    del n, counted
    steps, channel, weights = (events[name] for name in ("steps", "receptors", "weights"))
    across = channel[first] != channel[second]
    first, second = first[across], second[across]
    lag = (steps[second] - steps[first]) * np.where(channel[second] == 1, 1, -1)
    place = _bin(lag, width) + bins
    inside = (place >= 0) & (place <= 2 * bins)
    product = (weights[first] * weights[second])[inside]
    size = 2 * bins + 1
    return {
        "count_histogram": np.bincount(place[inside], minlength=size),
        "histogram": np.bincount(place[inside], product, minlength=size),
        "histogram_correction": np.zeros(size),
    }


def _covariance(
    events: Any, first: Any, second: Any, width: int, bins: int, n: int, counted: Any
) -> Values:
    """[i, j, k]: a spike at receptor i, k bins behind one at j; in bin 0 whichever came first."""
    steps, channel, weights = (events[name] for name in ("steps", "receptors", "weights"))
    place = _bin(steps[second] - steps[first], width)
    near, alone = place == 0, np.flatnonzero(counted)
    later = np.concatenate([second, first[near], alone])
    earlier = np.concatenate([first, second[near], alone])
    place = np.concatenate([place, np.zeros(near.sum() + len(alone), place.dtype)])
    inside = place <= bins
    cell = (channel[later] * n + channel[earlier]) * (bins + 1) + place
    product, size = (weights[later] * weights[earlier])[inside], n * n * (bins + 1)
    shape = (n, n, bins + 1)
    return {
        "count_covariance": np.bincount(cell[inside], minlength=size).reshape(shape),
        "covariance": np.bincount(cell[inside], product, minlength=size).reshape(shape),
    }


def empty(base: str, values: Values) -> Values:
    """What NEST shows before the first run."""
    n = channels(base, values)
    matrix = np.zeros((n, n, 0))
    if base == SPINS:
        return {"count_covariance": matrix}
    found: dict[str, Any]
    if base == "correlomatrix_detector":
        found = dict.fromkeys(("count_covariance", "covariance"), matrix)
    else:
        names = ("count_histogram", "histogram", "histogram_correction")
        found = dict.fromkeys(names, np.zeros(0))
    return {"n_events": np.zeros(n, np.int64), **found}
