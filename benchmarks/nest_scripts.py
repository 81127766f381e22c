"""Example scripts of NEST's wheel, run with NEST on two threads and with spikax in its place.

python benchmarks/nest_scripts.py [SCRIPT ...] writes reports/bench-nest_scripts.json. A script is
run as it is, in a process of its own, the two in turn; spikax takes it with the name `nest`
standing for `spikax_nest`, NEST with its number of threads set to 2. Times are those of the whole
process and of the calls of Simulate, memory is the peak of the process.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "reports" / "bench-nest_scripts.json"
SHIM = ROOT / "tests/nest/suite/shim"
SCRIPTS = ("brunel_alpha_nest.py", "hpc_benchmark.py")
RUN = """\
import json, resource, sys, time
begin = time.perf_counter()
import nest
seconds = []

def simulate(duration):
    start = time.perf_counter()
    nest.Simulate(duration)
    seconds.append(time.perf_counter() - start)

text = open(sys.argv[1]).read().replace("nest.Simulate(", "simulate(")
exec(compile(text, sys.argv[1], "exec"), {"__name__": "__main__", "simulate": simulate})
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
figures = {"whole (s)": time.perf_counter() - begin, "simulating (s)": sum(seconds)}
print("FIGURES", json.dumps(figures | {"peak (GB)": peak, "spikes": nest.local_spike_counter}))
"""


def examples() -> Path:
    """The folder of the scripts in the installed wheel."""
    found = importlib.util.find_spec("nest")
    if found is None or found.origin is None:
        sys.exit("NEST is not installed: pip install nest-simulator==3.10.0")
    return Path(found.origin).parent / "doc/examples/pynest"


def with_two_threads(script: str) -> str:
    """What NEST runs."""
    script = script.replace('"num_threads": 4', '"num_threads": 2')
    threads = "nest.ResetKernel()\nnest.local_num_threads = 2\n"
    return script.replace("\nnest.ResetKernel()\n", f"\n{threads}")


def run(name: str, ours: bool, scale: float) -> dict[str, float]:
    """The figures of one run."""
    text = (examples() / name).read_text().replace('"scale": 1.0', f'"scale": {scale}')
    path = os.pathsep.join(filter(None, (str(SHIM) * ours, os.environ.get("PYTHONPATH", ""))))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / name
        script.write_text(text if ours else with_two_threads(text))
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(script)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{name}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.rpartition("FIGURES")[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="*", default=SCRIPTS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of hpc_benchmark.py")
    options = parser.parse_args()
    rows = {}
    for name in options.scripts:
        runs: dict[str, list[dict[str, float]]] = {"spikax": [], "NEST": []}
        for _ in range(options.repeats):
            for who, figures in runs.items():
                figures.append(run(name, who == "spikax", options.scale))
                print(name, who, figures[-1], flush=True)
        rows[name] = {
            who: {key: statistics.median(r[key] for r in figures) for key in figures[0]}
            for who, figures in runs.items()
        }
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
