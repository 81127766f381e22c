"""One network in spikax and in its peers: the same description, run in turn, as a table.

nox -s bench -- NAME [--n 40000] [--scale 0.3] [--peers nest brian2] [--json]

Every side is a process of its own, each peer in an environment of its own, made in .cache/peers at
the first use. All of them are built first and then run in turn. The table replaces the section of
that network in benchmarks/RESULTS.md.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import catalogue
import describe

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "benchmarks/RESULTS.md"
ENVIRONMENTS = ROOT / ".cache/peers"
REQUIRED = {
    "nest": ["nest-simulator==3.10.0"],
    "brian2": ["brian2==2.9.0", "numpy<2.3", "setuptools"],
    "brainpy": ["brainpy==2.8.2", "brainpy-state==0.1.0", "numba"],
    "braintrace": [
        "braintrace==0.2.6",
        "brainpy==2.8.2",
        "brainpy-state==0.1.0",
    ],  # for benchmarks/learning.py
}
LABELS = {"nest": "NEST", "brian2": "Brian2", "brainpy": "brainpy.state"}
THREADS = {"nest": (2,), "brian2": (1, 2), "brainpy": (None,)}
PACK = "spikax-cpu-ops" if importlib.util.find_spec("spikax_cpu") else None
XLA = {"SPIKAX_DISABLE_PLUGINS": "cpu"}  # core's own operators, without the pack
ONE = {"NPROC": "1"}  # as many threads as XLA makes
AGREE = 0.05  # of the rates, relative

HEAD = """\
| | build s | compile s | s per model s | range | times ours | peak MB | ns per event | rate Hz |
|---|---|---|---|---|---|---|---|---|
"""


@dataclass
class Side:
    """One simulator as it is run: the process, what its build took, and its runs."""

    label: str
    python: Path
    module: str
    task: dict[str, Any]
    settings: dict[str, str] = field(default_factory=dict)
    built: dict[str, Any] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    process: Any = None

    def start(self, folder: Path) -> None:
        """Build the network, and wait until it is built."""
        path = folder / f"{self.label}.json"
        path.write_text(json.dumps(self.task))
        self.process = subprocess.Popen(
            [self.python, "-m", f"peers.{self.module}", path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / f"{self.label}.log").open("w"),
            text=True,
            cwd=HERE,
            env=_environment(self.module) | self.settings,
        )
        self.built = self._answer(folder)

    def run(self, folder: Path) -> None:
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.runs.append(self._answer(folder))

    def stop(self) -> None:
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()

    def _answer(self, folder: Path) -> dict[str, Any]:
        for line in self.process.stdout:
            if line.startswith("{"):  # a banner is no answer
                return json.loads(line)
        log = (folder / f"{self.label}.log").read_text()
        sys.exit(f"{self.label} ended:\n{log[-3000:]}")


def _environment(module: str) -> dict[str, str]:
    """A peer sees none of our packages; we compile anew, so that the time of it is true."""
    kept = {
        name: v
        for name, v in os.environ.items()
        if module.startswith("ours") or name != "PYTHONPATH"
    }
    return kept | {"JAX_ENABLE_COMPILATION_CACHE": "false", "PYNEST_QUIET": "1"}


def sides(given: argparse.Namespace, options: dict[str, Any], folder: Path) -> Iterator[Side]:
    """Ours in the precisions asked for, with the pack, with a peer's integrator; the peers."""
    chosen = catalogue.NETWORKS[given.name]
    common = {"seed": given.seed, "settle": given.settle, "duration": given.duration}
    ours, here = common | {"name": given.name, "options": options}, Path(sys.executable)
    for precision in given.precision:
        yield Side(f"spikax, {precision}", here, "ours", ours | {"precision": precision}, XLA)
    first = ours | {"precision": given.precision[0]}
    yield Side(f"spikax, {first['precision']}, 1 thread", here, "ours", first, XLA | ONE)
    if PACK:
        label = f"spikax with {PACK}, {first['precision']}"
        yield Side(label, here, "ours", first)
        yield Side(f"{label}, 1 thread", here, "ours", first, ONE)
    if chosen.solver:
        solved = first | {"options": options | {"solver": chosen.solver}}
        yield Side(f"spikax, {first['precision']}, {chosen.solver}", here, "ours", solved, XLA)
    if not given.peers:
        return
    listed = given.seed if chosen.listed else None
    net = describe.describe(catalogue.network(given.name, options), catalogue.STEP, folder, listed)
    if "nest" in given.peers:
        yield from _through_pynest(common | {"network": net, "threads": 1}, here)
    for peer in given.peers:
        for threads in THREADS[peer]:
            label = LABELS[peer] + (f", {threads} thread{'s'[: threads > 1]}" if threads else "")
            task = common | {"network": net, "threads": threads}
            yield Side(label, interpreter(peer), peer, task)


def _through_pynest(task: dict[str, Any], here: Path) -> Iterator[Side]:
    """The script of NEST's side with the import changed, in the precision of NEST and the other."""
    for precision in ("float64", "float32"):
        given = task | {"precision": precision}
        label = f"spikax through PyNEST, {precision}, 1 thread"
        yield Side(label, here, "ours_pynest", given, XLA | ONE)
        if PACK:
            yield Side(f"{label}, with {PACK}", here, "ours_pynest", given, ONE)


def interpreter(peer: str) -> Path:
    """The Python of a peer's environment, which is made if need be."""
    folder = ENVIRONMENTS / peer
    python, stamp = folder / "bin/python", folder / "installed.txt"
    wanted = "\n".join(REQUIRED[peer])
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIRED[peer]], check=True)
        stamp.write_text(wanted)
    return python


def figures(side: Side, sizes: dict[str, int], duration: float, events: float) -> dict[str, Any]:
    """What the table shows of one side; `events` are those per spike, from our own runs."""
    walls = [run["wall"] for run in side.runs]
    spikes = {name: statistics.fmean(r["spikes"][name] for r in side.runs) for name in sizes}
    total, seconds = sum(spikes.values()), duration / 1000
    wall = statistics.median(walls)
    return {
        "build": side.built["build"],
        "compile": side.built.get("compile"),
        "wall": wall / seconds,
        "fastest": min(walls) / seconds,
        "slowest": max(walls) / seconds,
        "peak": max(answer["peak"] for answer in (side.built, *side.runs)),
        "ns": wall / max(events * total, 1) * 1e9,
        "rate": total / sum(sizes.values()) / seconds,
        "rates": {name: n / sizes[name] / seconds for name, n in spikes.items()},
        "version": side.built["version"],
    }


def measure(given: argparse.Namespace, options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The figures of each side, run in turn; the first side is ours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "arrays").mkdir()
        found = list(sides(given, options, folder / "arrays"))
        try:
            for side in found:
                print(f"building {side.label}", file=sys.stderr, flush=True)
                side.start(folder)
            for _ in range(given.runs):
                for side in found:
                    side.run(folder)
        finally:
            for side in found:
                side.stop()
    spikes = sum(sum(run["spikes"].values()) for run in found[0].runs)
    events = sum(run["events"] for run in found[0].runs) / max(spikes, 1)
    net = catalogue.network(given.name, options)
    sizes = {name: net.populations[name].size for name in found[0].runs[0]["spikes"]}
    return {side.label: figures(side, sizes, given.duration, events) for side in found}


def table(results: dict[str, dict[str, Any]]) -> str:
    """One row for each side; times ours is over the first."""
    ours = next(iter(results.values()))["wall"]
    compiled = {
        n: "-" if r["compile"] is None else f"{r['compile']:.1f}" for n, r in results.items()
    }
    rows = [
        f"| {label} | {r['build']:.1f} | {compiled[label]}"
        f" | {r['wall']:.3g} | {r['fastest']:.3g} to {r['slowest']:.3g} | {r['wall'] / ours:.2f}"
        f" | {r['peak'] / 1e6:.0f} | {r['ns']:.2f} | {r['rate']:.2f} |"
        for label, r in results.items()
    ]
    return HEAD + "\n".join(rows) + "\n"


def disagreement(results: dict[str, dict[str, Any]]) -> float:
    """The largest relative difference of a side's rate from ours."""
    ours = next(iter(results.values()))["rate"]
    return max(abs(r["rate"] / ours - 1) for r in results.values())


def section(given: argparse.Namespace, results: dict[str, Any], title: str, notes: str) -> str:
    """The text that goes into RESULTS.md."""
    versions = ", ".join(dict.fromkeys(r["version"] for r in results.values()))
    command = "nox -s bench -- " + " ".join(sys.argv[1:])
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    text = (
        f"`{command}`, {datetime.date.today()}, {machine}, Python {platform.python_version()}, "
        f"{versions}. Median of {given.runs} runs of {given.duration:g} ms in turn, after "
        f"{given.settle:g} ms; all spikes recorded; rates agree within "
        f"{disagreement(results):.1%}. {notes}"
    )
    return f"## {title}\n\n{_filled(text)}\n\n{table(results)}"


def _filled(text: str, width: int = 110) -> str:
    import textwrap

    return textwrap.fill(text.strip(), width, break_long_words=False, break_on_hyphens=False)


def replace_section(text: str, new: str) -> str:
    """The document with the section of that heading replaced, or added at its end."""
    heading = re.escape(new.partition("\n")[0])
    found = re.search(rf"^{heading}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        return f"{text.rstrip()}\n\n{new}"
    after = text[found.end() :]
    return text[: found.start()] + new + ("\n" if after else "") + after


def notes_on(given: argparse.Namespace, options: dict[str, Any], ours: dict[str, Any]) -> str:
    """What the network's own note says, and how far we are from the limit of the machine."""
    chosen = catalogue.NETWORKS[given.name]
    if chosen.limit is None or chosen.limit[0] != options.get("n"):
        return chosen.note
    step = ours["wall"] * 1e-4  # 0.1 ms
    return (
        f"{chosen.note} A step takes {step * 1e6:.1f} us, {step / chosen.limit[1]:.1f} times the "
        f"{chosen.limit[1] * 1e6:g} us that its memory traffic needs."
    )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="nox -s bench --")
    parser.add_argument("name", choices=catalogue.NETWORKS)
    parser.add_argument("--n", type=int, help="number of neurons")
    parser.add_argument("--scale", type=float, help="of the full network")
    parser.add_argument("--peers", nargs="*", choices=LABELS, help="all that can, by default")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--duration", type=float, help="model time of a run, ms")
    parser.add_argument("--settle", type=float, help="model time before the first run, ms")
    precisions = ["float32", "float64"]
    parser.add_argument("--precision", nargs="+", choices=precisions, default=precisions)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--dry", action="store_true", help="leave RESULTS.md as it is")
    given = parser.parse_args(arguments)
    chosen = catalogue.NETWORKS[given.name]
    given.peers = chosen.peers if given.peers is None else given.peers
    given.duration = given.duration or chosen.duration
    given.settle = chosen.settle if given.settle is None else given.settle
    return given


def main() -> None:
    """Measure, print, write reports/bench-NAME.json and the section of RESULTS.md."""
    given = parse()
    chosen = catalogue.NETWORKS[given.name]
    asked = {"n": given.n, "scale": given.scale}
    options = {name: asked[name] or value for name, value in chosen.options.items()}
    results = measure(given, options)
    report = json.dumps({"name": given.name, "options": options, "sides": results}, indent=2)
    (ROOT / "reports").mkdir(exist_ok=True)
    (ROOT / f"reports/bench-{given.name}.json").write_text(report + "\n")
    ours = next(iter(results.values()))
    text = section(given, results, chosen.title.format(**options), notes_on(given, options, ours))
    print(report if given.json else text)
    if disagreement(results) > AGREE:
        sys.exit(f"the rates differ by {disagreement(results):.1%}, more than {AGREE:.0%}")
    if not given.dry:
        RESULTS.write_text(replace_section(RESULTS.read_text(), text))


if __name__ == "__main__":
    main()
