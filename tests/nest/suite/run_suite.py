"""Run the listed files of NEST's own test suite against spikax: reports/nest-suite.json.

python tests/nest/suite/run_suite.py PYTESTS [FOLDER ...], in an environment without nest-simulator;
PYTESTS is the folder share/nest/testsuite/pytests of the installed wheel.

A test counts for the goal if no model that it names is missing (needs.json, from a live NEST in
which it passes). Times are those of one pass, with what earlier runs compiled on disk.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import harness

REPORT = harness.HERE.parents[2] / "reports/nest-suite.json"
SMALL = 10  # nodes


def results(pytests: Path, folders: list[str]) -> dict[str, dict]:
    """How every test ended, by its id."""
    found: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        suite = harness.copied(pytests, Path(folder) / "suite")
        for name, files in harness.by_folder(harness.FILES).items():
            if folders and name not in folders:
                continue
            report = Path(folder) / f"{name}.json"
            settings = {"SPIKAX_RESULTS": str(report), "NPROC": "1"}
            harness.run(suite, files, "results_plugin", (harness.HERE / "shim",), settings)
            found |= harness.read(report)
    return {test: entry for test, entry in found.items() if test != "finished"}


def summary(found: dict[str, dict], needs: dict[str, dict], there: set[str]) -> dict:
    """The counts, and every failure with its reason."""
    counted = {
        test: need
        for test, need in needs.items()
        if need["outcome"] == "passed" and set(need["models"]) <= there
    }
    listed = [t for t in found if t in counted]
    passed = [t for t in listed if found[t]["outcome"] == "passed"]
    by_folder = Counter(t.partition("/")[0] for t in passed)
    of_folder = Counter(t.partition("/")[0] for t in listed)
    small = [found[t]["seconds"] for t in passed if 0 < counted[t]["nodes"] <= SMALL]
    return {
        "listed": len(needs),
        "needing_no_missing_model": len(counted),
        "run": len(listed),
        "passed": len(passed),
        "passed_of_all": sum(e["outcome"] == "passed" for e in found.values()),
        "folders": {f: f"{by_folder[f]} of {n}" for f, n in sorted(of_folder.items())},
        "median_ms_of_small": round(1e3 * statistics.median(small), 1) if small else None,
        "failures": {t: found[t]["why"] for t in sorted(listed) if t not in passed},
        "seconds": {t: round(found[t]["seconds"], 3) for t in sorted(listed)},
    }


def main() -> None:
    """Run, print the counts, write the report."""
    import spikax_nest

    begin = time.perf_counter()
    needs = json.loads((harness.HERE / "needs.json").read_text())
    there = {*spikax_nest.node_models, *spikax_nest.synapse_models}
    found = results(Path(sys.argv[1]), sys.argv[2:])
    report = summary(found, needs, there)
    report["minutes"] = round((time.perf_counter() - begin) / 60, 1)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n")
    shown = {k: v for k, v in report.items() if k not in ("failures", "seconds")}
    sys.stdout.write(json.dumps(shown, indent=1) + "\n")


if __name__ == "__main__":
    main()
