"""Synapses per second of each connection rule, at about ten million synapses.

python benchmarks/connectivity.py writes reports/bench-connectivity.json. Median of five draws.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np

import spikax as sx
from spikax._connectivity import Rule

REPORT = Path(__file__).parents[1] / "reports" / "bench-connectivity.json"


def cases(synapses: int):
    """Rules with the number of neurons on either side that make about `synapses` synapses."""
    # A tenth of all pairs is connected, or what the rule gives by itself.
    n = round((10 * synapses) ** 0.5)
    k = n // 10
    yield sx.one_to_one(), synapses
    yield sx.all_to_all(), round(synapses**0.5)
    for options in ({}, {"allow_autapses": False, "allow_multapses": False}):
        yield sx.fixed_indegree(k, **options), n
        yield sx.fixed_outdegree(k, **options), n
        yield sx.fixed_total_number(n * k, **options), n
    # Half of all pairs: the most redrawing there can be.
    half = round((2 * synapses) ** 0.5)
    yield sx.fixed_indegree(half // 2, allow_multapses=False), half
    yield sx.pairwise_bernoulli(0.1), n
    yield sx.pairwise_poisson(0.1), n
    yield sx.symmetric_pairwise_bernoulli(0.1), n


def measure(rule: Rule, n: int, repeats: int) -> dict[str, object]:
    seconds = []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        start = time.perf_counter()
        pairs = rule.sample(n, n, rng, same=True)
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds)
    return {
        "rule": repr(rule),
        "neurons": n,
        "synapses": len(pairs),
        "seconds": median,
        "synapses_per_second": len(pairs) / median,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synapses", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    results = []
    for rule, n in cases(options.synapses):
        results.append(measure(rule, n, options.repeats))
        print("{rule:78} {synapses_per_second:12.3g} synapses/s".format(**results[-1]), flush=True)
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    report = {"machine": machine, "numpy": np.__version__, "results": results}
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
