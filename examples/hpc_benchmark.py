"""A random network whose excitatory synapses learn: 9 million synapses with STDP.

After the network of Morrison, Aertsen & Diesmann (2007, Neural Comput. 19:1437) that measures NEST
on supercomputers (its hpc_benchmark): 9000 excitatory and 2250 inhibitory integrate-and-fire
neurons with alpha currents, each driven by Poisson spikes from outside; all synapses from an
excitatory to an excitatory neuron are plastic. There a neuron has 11,250 synapses at any size, 126
million at this one; here a neuron has a ninth of them, 1000 and 250, each three times as strong,
and inhibition and drive are such that neurons fire irregularly at some ten spikes a second.

With `--scale` neurons are fewer and their synapses as many, as in the original: at a tenth each
hears every other, they fluctuate together, from 8 to 20 spikes a second within 100 ms, and weights
grow. Rates of so few are to be compared over several seeds.

The original potentiates by a power of the weight without bound. The rule here is that of Guetig et
al. (2003) with w_max twice the first weight, whose changes at that weight are the original's:
potentiation by a pair 1 %, depression 0.5 % over twice the time.

python -m pip install matplotlib; python examples/hpc_benchmark.py [--quick] [--scale 0.1]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from brette_2007 import correlation
from brunel_2000 import psp_peak
from matplotlib.figure import Figure

import spikax as sx
from spikax.units import Hz, ms, mV, pA, pF

SEED, STEP, DELAY = 1, 0.1 * ms, 1.5 * ms
SETTLED = 100 * ms
EXC, INH = 9000, 2250  # neurons at scale 1
INDEGREE = {"E": 1000, "I": 250}
C_M, TAU_M, TAU_SYN, V_TH = 250.0, 10.0, 0.32582722403722841, 20.0  # pF, ms, mV above rest
ETA, G = 1.3, -6.0
J = 3 * 0.14  # mV, the peak of the response to a spike, for so many synapses
POTENTIATED, DEPRESSED, MU = 0.01, 0.005, 0.4  # by a pair at the first weight, relative to it


def peak_current(density: float = 1.0) -> float:
    """The weight (pA) of an excitatory synapse, where a neuron has that share of the synapses."""
    return J / density**0.5 / psp_peak(TAU_M, TAU_SYN, C_M)


def neuron() -> sx.Cell:
    membrane = sx.LIF(
        C_m=C_M * pF,
        tau_m=TAU_M * ms,
        E_L=0 * mV,
        V_th=V_TH * mV,
        V_reset=0 * mV,
        t_ref=0.5 * ms,
        V_init=sx.Normal(5.7 * mV, 7.2 * mV),
    )
    return sx.Cell(membrane, syn=sx.Receptor(sx.Alpha(TAU_SYN * ms), sx.CUBA()))


def learning(weight: float) -> sx.Plasticity:
    """Changes are shares of w_max, which is 2 w; at w they are multiplied by (1/2)^mu."""
    share = 0.5 / 0.5**MU
    return sx.WeightDependentSTDP(
        w_max=2 * weight * pA,
        A_plus=POTENTIATED * share,
        A_minus=DEPRESSED * share,
        mu=MU,
        tau_plus=15 * ms,
        tau_minus=30 * ms,
    )


def network(scale: float = 1.0, density: float = 1.0, plastic: bool = True) -> sx.Network:
    """The network with shares of its neurons and of the synapses onto each."""
    weight = peak_current(density)
    indegree = {name: round(density * k) for name, k in INDEGREE.items()}
    sizes = {"E": round(scale * EXC), "I": round(scale * INH)}
    # An alpha current of peak w carries w e tau_syn; this rate of it brings eta V_th on average.
    rate = ETA * V_TH * C_M / (weight * np.e * TAU_SYN * TAU_M) * 1000 * Hz
    outside = sx.Poisson(rate / indegree["E"], sources=indegree["E"])

    def projection(pre: str, post: str | list[str], w: Any, **options: Any) -> sx.Projection:
        rule = sx.fixed_indegree(indegree[pre], allow_autapses=False)
        return sx.Projection(pre, post, "syn", rule, w, DELAY, **options)

    changing = {"plasticity": learning(weight)} if plastic else {}
    return sx.Network(
        {name: sx.Population(neuron(), n) for name, n in sizes.items()}
        | {f"X{name}": sx.Population(outside, n) for name, n in sizes.items()},
        [
            projection("E", "E", sx.each(weight * pA), **changing),
            projection("E", "I", weight * pA),
            projection("I", ["E", "I"], G * weight * pA),
            *(sx.Projection(f"X{n}", n, "syn", sx.one_to_one(), weight * pA) for n in sizes),
        ],
    )


def run(
    net: sx.Network, duration: Any, seed: int = SEED, progress: bool | None = None
) -> tuple[dict[str, float], sx.Recording, np.ndarray]:
    """Simulate a network.

    Returns:
        What is measured from 100 ms on, the recording, and the plastic weights at the end, relative
        to what they were at first.
    """
    simulation = sx.Simulation(net, dt=STEP, seed=seed)
    recording = simulation.run(duration, record={"E": "spike", "I": "spike"}, progress=progress)
    weights = np.asarray(simulation.state.edges["E->E"].weight)
    weights = weights / np.asarray(simulation.model.edges["E->E"].weight)
    return measure(recording, weights), recording, weights


def measure(recording: sx.Recording, weights: np.ndarray) -> dict[str, float]:
    """Rates (Hz), irregularity, correlation, and how the weights spread."""
    exc, inh = (recording[f"{name}.spike"].after(SETTLED) for name in "EI")
    return {
        "rate_E": float(exc.rate() / Hz),
        "rate_I": float(inh.rate() / Hz),
        "cv": float(np.mean(exc.isi_cv())),
        "correlation": correlation(exc),
        "mean_weight": float(weights.mean()),
        "spread": float(weights.std()),
    }


def picture(recording: sx.Recording, weights: np.ndarray, path: Path) -> None:
    """The spikes of some neurons at the end, and the distribution of the weights."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    end = recording["E.spike"].stop * float(STEP / ms)
    recording.plot_raster("E", "I", ax=left, max_neurons=100)
    left.set(xlim=(end - 150, end))
    right.hist(weights, 80, color="C0")
    right.axvline(1, color="black", linestyle="--", linewidth=1)
    right.set(xlabel="weight / first weight", ylabel="synapses", yscale="log")
    figure.savefig(path, dpi=80)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Run, print and draw; the figures of the network."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of neurons")
    parser.add_argument("--duration", type=float, default=500, help="ms")
    parser.add_argument("--quick", action="store_true", help="a fifth, 100 synapses each")
    parser.add_argument("--picture", type=Path, default=Path("hpc_benchmark.png"))
    given = parser.parse_args(arguments)
    scale, density, duration = (0.2, 0.1, 200) if given.quick else (given.scale, 1, given.duration)
    began = time.perf_counter()
    found, recording, weights = run(network(scale, density), duration * ms)
    print(
        f"{duration:g} ms, {len(weights):,} plastic synapses: {time.perf_counter() - began:.0f} s"
    )
    for name, value in found.items():
        print(f"{name:12}{value:9.4f}")
    picture(recording, weights, given.picture)
    return found


if __name__ == "__main__":
    main()
