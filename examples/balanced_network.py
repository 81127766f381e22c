"""A second in the life of a balanced network with conductance-based synapses.

The network of Vogels & Abbott (2005, J. Neurosci. 25:10786), every neuron driven by a constant
current: excitation and inhibition cancel on average, so spikes are due to fluctuations and come
irregularly.

python -m pip install matplotlib; python examples/balanced_network.py
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

import spikax as sx
from spikax.testing import count_compilations
from spikax.units import Hz, ms, mV, nS, pA, pF, second

ACTIVE = (1.0, 60.0)  # spikes/s between which a population neither is silent nor has run away
RECORD = {"E": ["spike", sx.every(0.5 * ms, "V_m", where=[0, 1])], "I": "spike"}


def network(neurons: int = 4000) -> sx.Network:
    """Four fifths excitatory; each neuron hears 80 others on average, 2 % of 4000."""
    cell = sx.Cell(
        sx.LIF(
            C_m=200 * pF,
            tau_m=20 * ms,
            E_L=-60 * mV,
            V_th=-50 * mV,
            V_reset=-60 * mV,
            t_ref=5 * ms,
            I_e=200 * pA,
            V_init=sx.Normal(-55 * mV, 2 * mV),
        ),
        exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
        inh=sx.Receptor(sx.Expon(10 * ms), sx.COBA(-80 * mV)),
    )
    inhibitory, random = neurons // 5, sx.pairwise_bernoulli(80 / neurons)
    scattered = sx.Uniform(0.5 * ms, 1.5 * ms)
    return sx.Network(
        {"E": sx.Population(cell, neurons - inhibitory), "I": sx.Population(cell, inhibitory)},
        [
            sx.Projection("E", ["E", "I"], "exc", random, weight=6 * nS, delay=1 * ms),
            sx.Projection("I", ["E", "I"], "inh", random, weight=67 * nS, delay=scattered),
        ],
    )


def run(neurons: int = 4000, duration: Any = 1 * second) -> tuple[dict[str, Any], sx.Recording]:
    """Build, simulate, and go on for another duration, which must compile nothing.

    Returns:
        The figures for the report, and the recording of the first run.
    """
    began = time.perf_counter()
    with count_compilations() as build:
        simulation = sx.Simulation(network(neurons), dt=0.1 * ms, seed=1)
    built = time.perf_counter()
    print(simulation.model.summary(), flush=True)
    with count_compilations() as first:
        recording = simulation.run(duration, record=RECORD)
    ran = time.perf_counter()
    with count_compilations() as again:
        simulation.run(0.15 * duration, record=RECORD)
    seconds = {"build": built - began, "run": ran - built, "compiling_in_run": first.seconds}
    figures = {
        "neurons": neurons,
        "simulated_ms": float(duration / ms),
        **activity(recording, duration / 2),
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "compilations": {
            "build": build.count,
            "first_run": first.count,
            "second_run_of_another_duration": again.count,
        },
    }
    return figures, recording


def activity(recording: sx.Recording, start: Any) -> dict[str, Any]:
    """Mean rate of each population after `start`, and how irregular its spikes are."""
    late = {name: recording[f"{name}.spike"].after(start) for name in ("E", "I")}
    return {
        "rate_Hz": {name: round(float(s.rate() / Hz), 2) for name, s in late.items()},
        "cv_of_intervals": {name: irregularity(s) for name, s in late.items()},
    }


def irregularity(spikes: sx.Spikes) -> float | None:
    """Mean CV of the intervals of the neurons with five spikes or more; None if there are none."""
    variation = spikes.isi_cv(min_spikes=5)
    return round(float(variation.mean()), 3) if variation.size else None


def check(figures: dict[str, Any]) -> None:
    """Stop with a message if a population is silent or has run away."""
    low, high = ACTIVE
    for name, rate in figures["rate_Hz"].items():
        if not low <= rate <= high:
            raise SystemExit(
                f"balanced network: population {name} fires {rate:g} spikes/s in the second half "
                f"of the run; expected {low:g} to {high:g}."
            )


def picture(recording: sx.Recording, path: Path) -> None:
    """The spikes of some neurons, and the voltages of two."""
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    recording.plot_raster("E", "I", ax=above, max_neurons=100)
    recording.plot("E.V_m", ax=below)
    above.set(title="Balanced network: spikes of some neurons, excitatory (E) and inhibitory (I)")
    above.set(xlabel="", ylim=(-1, 240))
    above.legend(loc="upper right", ncols=2, markerscale=6)
    below.legend(loc="lower right", ncols=2)
    below.set_ylim(bottom=-84)
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    found, spikes = run()
    print(found)
    picture(spikes, Path("balanced_network.png"))
    check(found)
