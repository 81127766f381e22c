"""Seconds, synapses per second and peak memory of building the cortical microcircuit.

python benchmarks/build.py [--scale 1.0] [--double] writes reports/bench-build.json. The network is
that of examples/potjans_diesmann_2014.py: at scale 1, 77,169 neurons and 299 million synapses with
a weight and a delay of their own. The peak is that of the whole process, Python and JAX included.
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

from spikax.units import ms

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "reports/bench-build.json"
sys.path.insert(0, str(ROOT / "examples"))


def peak_megabytes() -> float:
    """The most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def measure(scale: float) -> dict[str, float]:
    import potjans_diesmann_2014

    net = potjans_diesmann_2014.network(scale)
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
