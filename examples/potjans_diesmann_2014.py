"""The cortical microcircuit: four layers below 1 mm^2 of early sensory cortex, neuron by neuron.

Potjans & Diesmann (2014, Cereb. Cortex 24:785): 77,169 leaky integrate-and-fire neurons in eight
populations and 299 million synapses, between all neurons in numbers that anatomy and physiology
gave; every neuron has as many Poisson sources of 8 Hz as it has synapses from elsewhere. What
differs between the populations is wiring alone, and so do their rates, as in a cortex at rest.

A network of a smaller `scale` has that share of the neurons and of the synapses onto each. Weights
grow by 1 / sqrt(scale), which keeps the variance of what arrives, and a constant current stands for
the mean that is lost (van Albada et al. 2015, PLoS Comput. Biol. 11:e1004490): rates stay.

python -m pip install matplotlib; python examples/potjans_diesmann_2014.py [--quick] [--scale 1]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from brette_2007 import correlation
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import Hz, ms, mV, pA, pF

SEED, STEP = 55, 0.1 * ms
SETTLED = 100 * ms

# Table 5 of the paper: neurons, and synapses onto a neuron from elsewhere.
SIZES = {
    "L23E": 20683,
    "L23I": 5834,
    "L4E": 21915,
    "L4I": 5479,
    "L5E": 4850,
    "L5I": 1065,
    "L6E": 14395,
    "L6I": 2948,
}
OUTSIDE = dict(zip(SIZES, (1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100), strict=True))

# The same: the probability that two neurons are connected at all; a row for each target.
PROBABILITY = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)

# Spikes per second of each population, as NEST simulates the network at full scale.
PUBLISHED = dict(zip(SIZES, (0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523), strict=True))

# Mean and standard deviation (mV) of the first potentials, near those of the state that is reached.
FIRST = dict(
    zip(
        SIZES,
        zip(
            (-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43),
            (5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48),
            strict=True,
        ),
        strict=True,
    )
)
RATE, TAU_SYN = 8.0, 0.5  # Hz of a source outside, ms
J, G, SPREAD = 87.8, -4.0, 0.1  # pA; inhibition relative to it; standard deviation, relative
DELAY = {"E": (1.5, 0.75), "I": (0.75, 0.375)}  # ms, mean and standard deviation


def synapses() -> np.ndarray:
    """Their number from each population (column) to each (row), from the probabilities.

    Of n synapses between N pairs each pair has one with probability 1 - (1 - 1/N)^n.
    """
    pairs = np.outer(list(SIZES.values()), list(SIZES.values()))
    return np.round(np.log(1 - PROBABILITY) / np.log(1 - 1 / pairs)).astype(int)


def mean_weights() -> np.ndarray:
    """Mean weight (pA) of each kind of synapse; those from layer 4 to layer 2/3 are doubled."""
    weights = np.tile([J, G * J], (len(SIZES), len(SIZES) // 2))
    weights[0, 2] *= 2
    return weights


def compensation(scale: float) -> dict[str, Any]:
    """Constant currents that stand for the mean input of the synapses that a scaled network lacks.

    A source of rate r and weight w brings w r tau_syn on average; of K such there are scale K left,
    with weights w / sqrt(scale), so a share of 1 - sqrt(scale) is missing.
    """
    onto_each = synapses() / np.array(list(SIZES.values()))[:, None]
    rates = np.array(list(PUBLISHED.values()))
    inside = (onto_each * mean_weights()) @ rates
    outside = J * RATE * np.array(list(OUTSIDE.values()))
    current = (1 - scale**0.5) * (inside + outside) * TAU_SYN / 1000
    return {name: value * pA for name, value in zip(SIZES, current, strict=True)}


def neuron(name: str, I_e: Any) -> sx.Cell:
    """All neurons are alike but for where they start, and for the compensating current."""
    mean, deviation = FIRST[name]
    membrane = sx.LIF(
        C_m=250 * pF,
        tau_m=10 * ms,
        E_L=-65 * mV,
        V_th=-50 * mV,
        V_reset=-65 * mV,
        t_ref=2 * ms,
        I_e=I_e,
        V_init=sx.Normal(mean * mV, deviation * mV),
    )
    # Both kinds of synapses decay alike, so one receptor takes them all.
    return sx.Cell(membrane, syn=sx.Receptor(sx.Expon(TAU_SYN * ms), sx.CUBA()))


def network(scale: float = 1.0) -> sx.Network:
    """The microcircuit, with that share of its neurons and of the synapses onto each."""
    sizes = {name: round(scale * n) for name, n in SIZES.items()}
    currents, counts = compensation(scale), np.round(synapses() * scale**2).astype(int)
    weights = mean_weights() / scale**0.5
    cells = {n: sx.Population(neuron(n, currents[n]), size) for n, size in sizes.items()}
    sources = {
        f"X{name}": sx.Population(sx.Poisson(RATE * Hz, sources=scale * OUTSIDE[name]), size)
        for name, size in sizes.items()
    }
    recurrent = [
        projection(pre, post, int(counts[i, j]), float(weights[i, j]))
        for i, post in enumerate(SIZES)
        for j, pre in enumerate(SIZES)
        if counts[i, j]
    ]
    external = [
        sx.Projection(f"X{name}", name, "syn", sx.one_to_one(), J / scale**0.5 * pA)
        for name in SIZES
    ]
    return sx.Network(cells | sources, [*recurrent, *external])


def projection(pre: str, post: str, count: int, weight: float) -> sx.Projection:
    """So many synapses; weights keep their sign, delays are at least one step."""
    mean, deviation = DELAY[pre[-1]]
    sign = {"low": 0 * pA} if weight > 0 else {"high": 0 * pA}
    return sx.Projection(
        pre,
        post,
        "syn",
        sx.fixed_total_number(count),
        weight=sx.Normal(weight * pA, SPREAD * abs(weight) * pA, **sign),
        delay=sx.Normal(mean * ms, deviation * ms, low=STEP / 2),
    )


def run(
    scale: float, duration: Any, seed: int = SEED, progress: bool | None = None
) -> tuple[dict[str, dict[str, float]], sx.Recording]:
    """Simulate the network.

    Returns:
        What is measured of each population, from 100 ms on, and the recording.
    """
    simulation = sx.Simulation(network(scale), dt=STEP, seed=seed)
    record = dict.fromkeys(SIZES, "spike")
    recording = simulation.run(duration, record=record, progress=progress)
    return measure(recording), recording


def measure(recording: sx.Recording) -> dict[str, dict[str, float]]:
    """Rate (Hz), CV of intervals, and correlation of pairs in bins of 2 ms, for each population."""
    spikes = {name: recording[f"{name}.spike"].after(SETTLED) for name in SIZES}
    return {
        name: {
            "rate": float(s.rate() / Hz),
            "cv": float(np.mean(cv)) if len(cv := s.isi_cv()) else float("nan"),
            "correlation": correlation(s, bin_ms=2.0, neurons=200),
        }
        for name, s in spikes.items()
    }


def picture(
    found: Mapping[str, dict[str, float]], recording: sx.Recording, path: Path, share: float = 0.03
) -> None:
    """Some spikes of the last 200 ms, layer 2/3 above; the rates beside the published ones."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 1), sharey=False)
    spikes = {name: recording[f"{name}.spike"] for name in SIZES}
    end, top = next(iter(spikes.values())).stop * float(STEP / ms), 0
    total = sum(s.size for s in spikes.values())
    keep = min(1.0, share * 77169 / total)
    middles = []
    for name, s in spikes.items():
        late = s.after((end - 200) * ms)
        few = late.ids < keep * s.size
        colour = "C0" if name.endswith("E") else "C3"
        times = late.steps[few] * float(STEP / ms)
        left.plot(times, top - late.ids[few], ".", markersize=1.5, color=colour)
        middles.append(top - keep * s.size / 2)
        top -= keep * s.size
    left.set(xlabel="time (ms)", xlim=(end - 200, end), ylim=(top, 0))
    left.set_yticks(middles, list(SIZES))
    places = np.arange(len(SIZES))
    colours = ["C0", "C3"] * (len(SIZES) // 2)
    right.barh(places, [found[name]["rate"] for name in SIZES], color=colours)
    right.plot(list(PUBLISHED.values()), places, "k|", markersize=14, label="published")
    right.set_yticks(places, list(SIZES))
    right.invert_yaxis()
    right.set(xlabel="rate (Hz)")
    right.legend(fontsize=8)
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Run, print and draw; the figures of each population."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", type=float, default=0.2, help="1 for the network of the paper")
    parser.add_argument("--duration", type=float, default=1000, help="ms")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the network, 400 ms")
    parser.add_argument("--picture", type=Path, default=Path("potjans_diesmann_2014.png"))
    given = parser.parse_args(arguments)
    scale, duration = (0.05, 400) if given.quick else (given.scale, given.duration)
    began = time.perf_counter()
    found, recording = run(scale, duration * ms)
    print(f"scale {scale:g}, {duration:g} ms after {time.perf_counter() - began:.0f} s")
    print(f"{'':6}{'rate':>7}{'published':>11}{'CV':>7}{'correlation':>13}")
    for name, f in found.items():
        print(
            f"{name:6}{f['rate']:7.2f}{PUBLISHED[name]:11.2f}{f['cv']:7.2f}{f['correlation']:13.4f}"
        )
    picture(found, recording, given.picture)
    return found


if __name__ == "__main__":
    main()
