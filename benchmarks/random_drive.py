"""Nanoseconds per neuron and step of what draws random numbers while a network runs.

python benchmarks/random_drive.py writes reports/bench-random_drive.json. Each row is the median of
five runs of one compiled loop over steps, in float32 on one core, less the same loop without a
draw; the means change from step to step, as a rate may, so nothing of a draw can be taken out of
the loop.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

os.environ["NPROC"] = "1"  # before JAX starts its threads

import jax
import jax.numpy as jnp
import numpy as np

from spikax._counts import poisson
from spikax._random import bits, normal, streams, uniform

REPORT = Path(__file__).parents[1] / "reports" / "bench-random_drive.json"
MEANS = (0.01, 1.28, 2.32, 10.0, 50.0)


def cases(n: int):
    """A name and a function of (stream, step)."""
    yield "bits", lambda stream, t: bits(stream, t).astype(jnp.float32)
    yield "uniform", uniform
    yield "normal", normal
    for mean in MEANS:
        yield f"poisson, one mean {mean}", lambda stream, t, m=mean: poisson(stream, t, _at(t, m))
        each = jnp.asarray(np.random.default_rng(0).uniform(0.9 * mean, mean, n), jnp.float32)
        yield f"poisson, means to {mean}", lambda stream, t, m=each: poisson(stream, t, _at(t, m))
    key = jax.random.key(0)
    for mean in MEANS:
        yield (
            f"jax.random.poisson, one mean {mean}",
            lambda _, t, m=mean: _reference(key, t, _at(t, m), n),
        )


def _at(t, mean):
    return jnp.asarray(mean, jnp.float32) * (1.0 - 1e-7 * t.astype(jnp.float32))


def _reference(key, t, mean, n):
    return jax.random.poisson(jax.random.fold_in(key, t), mean, (n,)).astype(jnp.float32)


def seconds(draw, n: int, steps: int, repeats: int) -> float:
    """Of one step: the median."""
    stream = streams(3, n)

    @jax.jit
    def run(stream):
        return jax.lax.fori_loop(0, steps, lambda t, s: s + draw(stream, t), jnp.zeros(n))

    run(stream).block_until_ready()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run(stream).block_until_ready()
        taken.append((time.perf_counter() - start) / steps)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=77_169, help="neurons, as in the microcircuit")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    size = options.n, options.steps, options.repeats
    loop = seconds(lambda stream, t: t.astype(jnp.float32), *size)
    results = []
    for name, draw in cases(options.n):
        ns = (seconds(draw, *size) - loop) / options.n * 1e9
        results.append({"draw": name, "nanoseconds": ns})
        print(f"{name:40} {ns:8.2f} ns per neuron and step", flush=True)
    machine = {"cpu": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    report = {"machine": machine, "jax": jax.__version__, "neurons": options.n, "results": results}
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
