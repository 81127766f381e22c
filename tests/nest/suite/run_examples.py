"""Run NEST's example scripts with spikax in NEST's place: reports/nest-examples.json.

python tests/nest/suite/run_examples.py EXAMPLES [NAME ...], in an environment without
nest-simulator; EXAMPLES is the folder doc/examples/pynest of the installed wheel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

LISTED = (harness.HERE / "examples.txt").read_text().split()
REPORT = harness.HERE.parents[2] / "reports/nest-examples.json"
LIMIT_S = 300


def run(script: Path, folder: str) -> dict:
    """How a script ends: within the limit, and without an error."""
    path = os.pathsep.join((str(harness.HERE / "shim"), str(script.parent)))
    environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg", "NPROC": "1"}
    begin = time.perf_counter()
    try:
        done = subprocess.run(
            [sys.executable, str(script)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        why = "" if done.returncode == 0 else done.stderr.strip().rpartition("\n")[2][:300]
    except subprocess.TimeoutExpired:
        why = f"longer than {LIMIT_S} s"
    return {"passed": not why, "why": why, "seconds": round(time.perf_counter() - begin, 1)}


def main() -> None:
    """Run, print the counts, write the report."""
    examples, names = Path(sys.argv[1]), sys.argv[2:] or LISTED
    found = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = run(examples / name, folder)
        sys.stdout.write(f"{name}: {found[name]}\n")
        sys.stdout.flush()
    passed = sum(entry["passed"] for entry in found.values())
    sys.stdout.write(f"{passed} of {len(found)} example scripts run\n")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"passed": passed, "scripts": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
