"""Two networks of Brette et al. (2007), CUBA and COBA, in spikax and in NEST, in turn.

nox -s bench -- brette

Each side has 4000 neurons that hear 80 others on average, records all spikes, and runs a second of
model time, five times in turn on the same two cores; NEST with two threads. NEST integrates CUBA
exactly and COBA adaptively (RKF45), spikax both by exponential Euler (order 2), in float32. Both
are driven by a constant current, so that COBA needs no kick.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import nest

import spikax as sx
from spikax.units import ms, mV, nS, pA, pF, second

ROOT = Path(__file__).parents[1]
N, RUNS, DT = 4000, 5, 0.1
CUBA = {"I_e": 220.0, "exc": 16.2, "inh": -90.0}  # pA
COBA = {"I_e": 200.0, "exc": 6.0, "inh": 67.0}  # pA, nS


def spikax_network(kind: str) -> sx.Network:
    """The network, all delays one step."""
    values, unit = (CUBA, pA) if kind == "CUBA" else (COBA, nS)
    exc, inh = (sx.CUBA(), sx.CUBA()) if kind == "CUBA" else (sx.COBA(0 * mV), sx.COBA(-80 * mV))
    lif = sx.LIF(
        C_m=200 * pF,
        tau_m=20 * ms,
        E_L=-60 * mV,
        V_th=-50 * mV,
        V_reset=-60 * mV,
        t_ref=5 * ms,
        I_e=values["I_e"] * pA,
        V_init=sx.Uniform(-60 * mV, -50 * mV),
    )
    receptors = {"exc": sx.Receptor(sx.Expon(5 * ms), exc)}
    receptors["inh"] = sx.Receptor(sx.Expon(10 * ms), inh)
    cell, random = sx.Cell(lif, **receptors), sx.pairwise_bernoulli(80 / N)
    return sx.Network(
        {"E": sx.Population(cell, N * 4 // 5), "I": sx.Population(cell, N // 5)},
        [
            sx.Projection(pre, ["E", "I"], port, random, values[port] * unit, DT * ms)
            for pre, port in (("E", "exc"), ("I", "inh"))
        ],
    )


def spikax_runner(kind: str):
    """A function that runs a second; how long the first call compiled and the build took."""
    start = time.perf_counter()
    simulation = sx.Simulation(spikax_network(kind), dt=DT * ms, seed=1)
    built = time.perf_counter() - start
    record = {"E": "spike", "I": "spike"}
    start = time.perf_counter()
    simulation.run(DT * ms, record=record)
    compiled = time.perf_counter() - start

    def run() -> tuple[float, float]:
        start = time.perf_counter()
        recording = simulation.run(1 * second, record=record)
        wall = time.perf_counter() - start
        spikes = sum(len(recording[f"{name}.spike"].ids) for name in "EI")
        return wall, spikes / N

    return run, {"build s": built, "compile s": compiled}


def nest_runner(kind: str):
    """The same in NEST."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.SetKernelStatus({"resolution": DT, "local_num_threads": 2, "rng_seed": 1})
    start = time.perf_counter()
    values = CUBA if kind == "CUBA" else COBA
    common = {"C_m": 200.0, "E_L": -60.0, "V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0}
    common |= {"I_e": values["I_e"], "tau_syn_ex": 5.0, "tau_syn_in": 10.0}
    if kind == "CUBA":
        neurons = nest.Create("iaf_psc_exp", N, common | {"tau_m": 20.0})
    else:
        neurons = nest.Create("iaf_cond_exp", N, common | {"g_L": 10.0, "E_ex": 0.0, "E_in": -80.0})
    neurons.V_m = nest.random.uniform(-60.0, -50.0)
    rule = {"rule": "pairwise_bernoulli", "p": 80 / N}
    inhibition = values["inh"] if kind == "CUBA" else -values["inh"]
    for pre, weight in (
        (neurons[: N * 4 // 5], values["exc"]),
        (neurons[N * 4 // 5 :], inhibition),
    ):
        nest.Connect(pre, neurons, rule, {"weight": weight, "delay": DT})
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    built = time.perf_counter() - start
    nest.Simulate(DT)

    def run() -> tuple[float, float]:
        before, start = recorder.n_events, time.perf_counter()
        nest.Simulate(1000.0)
        return time.perf_counter() - start, (recorder.n_events - before) / N

    return run, {"build s": built}


def compare(kind: str) -> dict[str, dict[str, float]]:
    """Seconds per model second and rates, each side in turn."""
    sides = {"spikax": spikax_runner(kind), "NEST": nest_runner(kind)}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(RUNS):
        for name, (run, _) in sides.items():
            runs[name].append(run())
    report: dict[str, dict[str, float]] = {}
    for name, (_, once) in sides.items():
        walls, rates = zip(*runs[name], strict=True)
        wall, rate = statistics.median(walls), statistics.median(rates)
        per_event = wall / (rate * N * 80) * 1e9
        report[name] = once | {"s per model s": wall, "rate Hz": rate, "ns per event": per_event}
    report["ratio"] = {
        "NEST / spikax": report["NEST"]["s per model s"] / report["spikax"]["s per model s"]
    }
    return report


def main() -> None:
    """Measure, print, write reports/bench-brette.json."""
    text = json.dumps({kind: compare(kind) for kind in ("CUBA", "COBA")}, indent=2)
    sys.stdout.write(text + "\n")
    (ROOT / "reports").mkdir(exist_ok=True)
    (ROOT / "reports/bench-brette.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
