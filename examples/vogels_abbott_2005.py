"""A network that keeps itself active, irregularly and asynchronously, with no input at all.

Vogels & Abbott (2005, J. Neurosci. 25:10786) showed that sparse networks of leaky
integrate-and-fire neurons with conductance-based synapses do this (their model "COBA"). Its
parameters are those of benchmark 1 of Brette et al. (2007, J. Comput. Neurosci. 23:349,
Appendix 2; brette_2007.py): 3200 excitatory and 800 inhibitory neurons connected with a
probability of 2 %. Random spikes stimulate some neurons in the first 50 ms; what follows is the
network's own.

python -m pip install matplotlib; python examples/vogels_abbott_2005.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import brette_2007
import numpy as np
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import ms, nS, pA

SEEDS = range(1, 10)  # of the connections, the first potentials and the stimulus
KICK, SETTLED = 50 * ms, 200 * ms
EXC = 6.0  # nS

# Lowest, mean and highest of fourteen networks in NEST 3.10 (iaf_cond_exp, the same stimulus), 200
# ms to 2000 ms: no rate and no CV that is published for this network could be looked up.
NEST = {"rate_E": (15.3, 18.8, 21.0), "rate_I": (17.7, 18.8, 19.6), "cv": (1.63, 1.69, 1.75)}


def stimulus(neurons: int, seed: int) -> Any:
    """Poisson spikes at 300 Hz onto 50 of the excitatory neurons, one row per step of 0.1 ms."""
    arrivals = np.zeros((int(KICK / (0.1 * ms)), neurons))
    arrivals[:, :50] = np.random.default_rng(seed).poisson(0.03, (len(arrivals), 50))
    return EXC * arrivals * nS


def run(
    seed: int, duration: Any = 2000 * ms, progress: bool | None = None
) -> tuple[dict[str, float], sx.Recording]:
    """One network, stimulated and then left alone.

    Returns:
        What is compared, measured from 200 ms on, and everything recorded after the stimulus.
    """
    net = brette_2007.network("COBA", I_e=0 * pA)
    simulation = sx.Simulation(net, dt=0.1 * ms, seed=seed)
    neurons = dict(simulation.model.sizes)["E"]
    simulation.run(KICK, inputs={"E.exc": stimulus(neurons, seed)})
    record = {"E": ["spike", sx.every(0.5 * ms, "V_m", where=[0, 1])], "I": "spike"}
    recording = simulation.run(duration - KICK, record=record, progress=progress)
    return measure(recording), recording


def measure(recording: sx.Recording) -> dict[str, float]:
    """Rates, irregularity of the neurons, synchrony of the population, and how long it lasted."""
    times = recording["E.spike"].times
    last = float(times[-1] / ms) if len(times) else 0.0
    return {**brette_2007.measure(recording, SETTLED), "last_spike_ms": last}


def picture(recording: sx.Recording, path: Path) -> None:
    """The spikes of some neurons, the voltages of two, and the irregularity of all."""
    figure = Figure(figsize=(8, 5.4), layout="constrained")
    parts = figure.subplot_mosaic([["spikes", "cv"], ["V", "cv"]], width_ratios=(3, 1))
    shown = (700, 1200)
    recording.plot_raster("E", "I", ax=parts["spikes"], max_neurons=100)
    recording.plot("E.V_m", ax=parts["V"])
    parts["spikes"].set(title="No input after 50 ms: irregular, asynchronous", xlabel="")
    parts["spikes"].set(xlim=shown, ylim=(-1, 240))
    parts["spikes"].legend(loc="upper right", ncols=2, markerscale=6)
    parts["V"].set(xlim=shown, ylim=(-84, -48))
    parts["V"].legend(loc="lower right", ncols=2)
    parts["cv"].hist(recording["E.spike"].after(SETTLED).isi_cv(min_spikes=5), 30, color="C0")
    parts["cv"].axvline(1, color="black", linestyle="--", linewidth=1)
    parts["cv"].set(title="CV of intervals", xlabel="CV (Poisson: 1)", ylabel="neurons")
    figure.savefig(path, dpi=90)


def compare(found: Sequence[dict[str, float]]) -> None:
    """Print the figures beside those of NEST."""
    print(f"{'':10}{'spikax: range':>16}{'mean':>8}    {'NEST: range':>14}{'mean':>8}")
    for name, (low, mean, high) in NEST.items():
        ours = [figures[name] for figures in found]
        span = f"{min(ours):.2f} to {max(ours):.2f}"
        print(f"{name:10}{span:>16}{np.mean(ours):8.2f}    {f'{low:g} to {high:g}':>14}{mean:8.2f}")
    print(f"correlation of pairs: {np.mean([f['correlation'] for f in found]):.4f}")
    print(f"still active at {min(f['last_spike_ms'] for f in found):g} ms, without any input")


def main(arguments: Sequence[str] | None = None) -> list[dict[str, float]]:
    """Run, print and draw; the figures of each network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one network, 500 ms")
    parser.add_argument("--picture", type=Path, default=Path("vogels_abbott_2005.png"))
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    seeds, duration = (SEEDS[:1], 500 * ms) if given.quick else (SEEDS, 2000 * ms)
    results = []
    for seed in seeds:
        results.append(run(seed, duration))
        print(f"seed {seed} done after {time.perf_counter() - began:.0f} s", flush=True)
    found = [figures for figures, _ in results]
    compare(found)
    picture(results[0][1], given.picture)
    return found


if __name__ == "__main__":
    main()
