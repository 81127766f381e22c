"""Gradients of the rules of spikax-learning beside braintrace's: how equal, how fast.

nox -s bench -- learning

One recurrent network of LIF neurons with a leaky readout; the same weights, spikes and targets on
both sides, each a process of its own. Gradients are compared in float64, times taken in float32.

The rules differ in two ways. braintrace leaves out what a leaky readout remembers, as ours do with
filtered=False; so gradients are compared with a readout that forgets at once, too. Its pp-prop
divides f by 1 - decay^(n + 1), which the formula in its documentation does not have; so also
without that. Weights of a readout get the exact trace in ours, by pp-prop in braintrace.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parent / "networks"))
import compare

N_OUT, TAU = 10, 20.0
SMALL, LARGE = (100, 100), (512, 256)  # neurons, inputs
TIMED = (SMALL, 50), (SMALL, 200), (LARGE, 200)
COMMON = {"tau": TAU, "tau_out": TAU, "height": 0.3, "decay": math.exp(-1 / TAU)}
FORGETS = {"tau_out": 1e-3}
PEER = {
    "D-RTRL": {"rule": "D_RTRL"},
    "pp-prop": {"rule": "pp_prop"},
    "pp-prop, uncorrected": {"rule": "pp_prop", "uncorrected": True},
}
OURS = {
    "D-RTRL": {"rule": "DRTRL", "options": {}},
    "D-RTRL, no filter": {"rule": "DRTRL", "options": {"filtered": False}},
    "D-RTRL, step by step": {"rule": "DRTRL", "options": {"chunk": 1}},
    "pp-prop": {"rule": "PPProp", "options": {}},
    "pp-prop, no filter": {"rule": "PPProp", "options": {"filtered": False}},
}
RUNS, REPEATS = 5, 20
HEAD = """\
| neurons | T | | ms | range | graph s | first call s | second call s | temporary kB |
|---|---|---|---|---|---|---|---|---|
"""


def arrays(size: tuple[int, int], steps: int, dtype: str) -> dict[str, Any]:
    """Weights, pre by post, and a task; the drive of a neuron does not depend on the size."""
    rng, (n, n_in) = np.random.default_rng(1), size
    few_in, few = 100 / n_in, 100 / n
    found = {
        "in": few_in * rng.normal(0.05, 0.1, (n_in, n)),
        "E": few**0.5 * rng.normal(0.0, 0.1, (n, n)),
        "out": rng.normal(0.0, 0.3, (n, N_OUT)),
        "x": rng.random((steps, n_in)) < 0.1,
        "targets": rng.normal(0.0, 1.0, (steps, N_OUT)),
    }
    return {name: value.astype(dtype) for name, value in found.items()}


def sides(
    folder: Path, size: tuple[int, int], steps: int, x64: bool, **more: Any
) -> list[compare.Side]:
    """Both, with each rule."""
    dtype = "float64" if x64 else "float32"
    path, end = folder / f"{size[0]}-{steps}-{dtype}.npz", f"N={size[0]}, T={steps}"
    np.savez(path, **arrays(size, steps, dtype))
    settings = {"JAX_ENABLE_X64": "1"} if x64 else {}
    peer, here = compare.interpreter("braintrace"), Path(sys.executable)
    tasks = {f"braintrace, {k}": (peer, "braintrace", v) for k, v in PEER.items()}
    tasks |= {f"spikax, {k}": (here, "ours_learning", v) for k, v in OURS.items()}
    common = COMMON | {"arrays": str(path), "x64": x64, "repeats": REPEATS} | more
    return [
        compare.Side(
            f"{name}, {end}",
            python,
            module,
            common | task | {"found": str(folder / f"{name}, {end}, {dtype}.npz")},
            settings,
        )
        for name, (python, module, task) in tasks.items()
    ]


def measured(found: list[compare.Side], folder: Path, runs: int) -> None:
    """All built first, then run in turn."""
    try:
        for side in found:
            print(f"building {side.label}", file=sys.stderr, flush=True)
            side.start(folder)
        for _ in range(runs):
            for side in found:
                side.run(folder)
    finally:
        for side in found:
            side.stop()


def row(side: compare.Side) -> str:
    walls = [run["wall"] * 1e3 for run in side.runs]
    built = side.built
    kilo = "-" if built["bytes"] is None else f"{built['bytes'] / 1e3:.0f}"
    name, neurons, steps = side.label.replace(", T=", ", N=").split(", N=")
    return (
        f"| {neurons} | {steps} | {name} | {statistics.median(walls):.3g} | {min(walls):.3g} to "
        f"{max(walls):.3g} | {built['graph']:.2f} | {built['first']:.2f} | {built['second']:.2f} "
        f"| {kilo} |"
    )


def differences(found: list[compare.Side]) -> list[str]:
    """Of each of ours from each of braintrace's for the same rule, by parameter."""
    by_label = {s.label.rpartition(", N=")[0]: dict(np.load(s.task["found"])) for s in found}
    ours = {k: v for k, v in by_label.items() if k.startswith("spikax")}
    theirs = {k: v for k, v in by_label.items() if k.startswith("braintrace")}
    return [
        f"| {mine} | {peer} | "
        + " | ".join(_difference(a[n], b[n]) for n in ("in", "E", "out"))
        + " |"
        for mine, a in ours.items()
        for peer, b in theirs.items()
        if mine.split(", ")[1] == peer.split(", ")[1]
    ]


def _difference(a: Any, b: Any) -> str:
    """The cosine, and the largest difference over the largest entry."""
    cosine = np.sum(a * b) / np.linalg.norm(a) / np.linalg.norm(b)
    return f"{cosine:.6f}, {np.abs(a - b).max() / np.abs(b).max():.1e}"


def main() -> None:
    """Compare, print, write reports/bench-learning.json."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        same = list[str]()
        for memory in ({}, FORGETS):
            exact = sides(folder, SMALL, 50, x64=True, **memory)
            measured(exact, folder, 0)
            same += [f"| {'none' if memory else '20 ms'} {line}" for line in differences(exact)]
        timed = [side for size, steps in TIMED for side in sides(folder, size, steps, x64=False)]
        measured(timed, folder, RUNS)
    print("Cosine, and largest difference over largest entry, of the gradients by parameter:\n")
    print("| readout | | | in | E | out |", "|---|---|---|---|---|---|", *same, sep="\n")
    print(f"\n{HEAD}" + "\n".join(map(row, timed)))
    report = [dataclasses.asdict(dataclasses.replace(s, process=None)) for s in timed]
    folder = compare.ROOT / "reports"
    folder.mkdir(exist_ok=True)
    text = json.dumps(
        {"cpus": os.cpu_count(), "sides": report, "same": same}, indent=2, default=str
    )
    (folder / "bench-learning.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
