"""Seconds, synapses per second and peak memory of building the cortical microcircuit.

python benchmarks/build.py [--scale 1.0] [--double] writes reports/bench-build.json. The network is
that of Potjans & Diesmann 2014 (Cereb. Cortex 24:785): 77,169 neurons in 8 populations and, at
scale 1, 299 million synapses with a weight and a delay of their own. The peak is that of the whole
process, Python and JAX included.
"""

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import jax
import numpy as np

import spikax as sx
from spikax.units import ms, mV, pA, pF

REPORT = Path(__file__).parents[1] / "reports" / "bench-build.json"

# Tables 1 and 5 of the paper: neurons, and the probability that two of them (rows are targets) are
# connected at least once.
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
CONNECTED = np.array(
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


def network(scale: float) -> sx.Network:
    """The populations and their 64 projections, `scale` times as many neurons and inputs of each.

    No drive: this network is built, not run.
    """
    neuron = sx.LIF(
        C_m=250 * pF, tau_m=10 * ms, E_L=-65 * mV, V_th=-50 * mV, V_reset=-65 * mV, t_ref=2 * ms
    )
    cell = sx.Cell(neuron, syn=sx.Receptor(sx.Expon(0.5 * ms), sx.CUBA()))
    populations = {name: sx.Population(cell, round(n * scale)) for name, n in SIZES.items()}
    projections = [projection(pre, post, scale) for pre in SIZES for post in SIZES]
    return sx.Network(populations, projections)


def projection(pre: str, post: str, scale: float) -> sx.Projection:
    """The paper's number of synapses, their weights and delays normal."""
    names = list(SIZES)
    cells, p = SIZES[pre] * SIZES[post], CONNECTED[names.index(post), names.index(pre)]
    total = np.log(1 - p) / np.log(1 - 1 / cells)
    excites = pre.endswith("E")
    weight = (87.8 if excites else -4 * 87.8) * (2 if (pre, post) == ("L4E", "L23E") else 1)
    delay = 1.5 if excites else 0.75
    return sx.Projection(
        pre,
        post,
        "syn",
        sx.fixed_total_number(round(total * scale**2)),
        weight=sx.Normal(weight * pA, 0.1 * abs(weight) * pA),
        delay=sx.Normal(delay * ms, delay / 2 * ms, low=0.1 * ms),
    )


def peak_megabytes() -> float:
    """The most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def measure(scale: float) -> dict[str, float]:
    net = network(scale)
    before = peak_megabytes()
    start = time.perf_counter()
    model = jax.block_until_ready(net.build(dt=0.1 * ms, seed=1))
    seconds = time.perf_counter() - start
    synapses = sum(edge.format.n_synapses for edge in model.edges.values())
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(model.edges))
    return {
        "scale": scale,
        "synapses": synapses,
        "seconds": seconds,
        "synapses per second": synapses / seconds,
        "bytes per synapse": held / synapses,
        "MB before": before,
        "MB at the peak": peak_megabytes(),
        "MB at the peak, as estimated": net.memory(dt=0.1 * ms).building / 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--double", action="store_true", help="weights in float64")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    with jax.enable_x64(options.double):
        results = measure(options.scale)
    for name, value in results.items():
        sys.stdout.write(f"{name:30} {value:12.6g}\n")
    report = {"cores": os.cpu_count(), "numpy": np.__version__, "results": results}
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
