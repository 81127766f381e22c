"""Run the listed files of NEST's own test suite against spikax: reports/nest-suite.json.

python tests/nest/suite/run_suite.py PYTESTS [FOLDER | FILE ...], in an environment without
nest-simulator; PYTESTS is the folder share/nest/testsuite/pytests of the installed wheel. With FILE
what the last report says of the others is kept.

The goal counts the tests that pass in a live NEST (needs.json). Two processes share the files.
Times are those of one pass, with what earlier runs compiled on disk.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from collections import ChainMap, Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import harness

REPORT = harness.HERE.parents[2] / "reports/nest-suite.json"
SMALL = 10  # nodes
WORKERS, PIECE = 2, 8  # files that a process runs before the next one starts


def results(pytests: Path, chosen: list[str]) -> dict[str, dict]:
    """How every test ended, by its id."""
    some = [f for f in harness.FILES if not chosen or {f, f.partition("/")[0]} & set(chosen)]
    pieces = [
        files[k : k + PIECE]
        for files in harness.by_folder(some).values()
        for k in range(0, len(files), PIECE)
    ]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        suite = harness.copied(pytests, Path(folder) / "suite")

        def run(number: int) -> dict[str, dict]:
            report = Path(folder) / f"{number}.json"
            settings = {"SPIKAX_RESULTS": str(report), "NPROC": "1"}
            harness.run(suite, pieces[number], "results_plugin", (harness.HERE / "shim",), settings)
            return harness.read(report)

        found = dict(ChainMap(*pool.map(run, range(len(pieces)))))
    return {test: entry for test, entry in found.items() if test != "finished"}


def counted_as(test: str) -> str:
    """The id of a test without the numbers that pytest gives to what it has no name for.

    They depend on how many models come before, and so on how many there are.
    """
    return re.sub(r"(?<=[\[-])([a-z]+)\d+(?=[\]-])", r"\1", test)


def renamed(found: dict[str, dict], needs: dict[str, dict]) -> dict[str, dict]:
    """What was found, by the ids that a live NEST gives."""
    plain = Counter(map(counted_as, needs))
    known = {counted_as(test): test for test in needs if plain[counted_as(test)] == 1}
    return {t if t in needs else known.get(counted_as(t), t): e for t, e in found.items()}


def earlier(report: dict, files: set[str]) -> dict[str, dict]:
    """How the tests of other files ended in a report."""
    kept = (t for t in report["seconds"] if t.partition("::")[0] not in files)
    return {
        t: {
            "outcome": "failed" if t in report["failures"] else "passed",
            "seconds": report["seconds"][t],
            "why": report["failures"].get(t, {}).get("why", ""),
        }
        for t in kept
    }


def summary(found: dict[str, dict], needs: dict[str, dict], there: set[str]) -> dict:
    """The counts, and every failure with its reason."""
    counted = {test: need for test, need in needs.items() if need["outcome"] == "passed"}
    listed = [t for t in counted if t in found]
    passed = {t for t in listed if found[t]["outcome"] == "passed"}
    missing = {t: sorted(set(need["models"]) - there) for t, need in counted.items()}
    small = [found[t]["seconds"] for t in passed if 0 < counted[t]["nodes"] <= SMALL]
    return {
        "listed": len(counted),
        "run": len(listed),
        "passed": len(passed),
        "needing_no_missing_model": sum(not models for models in missing.values()),
        "folders": folder_counts(counted, passed),
        "median_ms_of_small": round(1e3 * statistics.median(small), 1) if small else None,
        "failures": {
            t: {"missing": missing[t], "why": found.get(t, {"why": "not run"})["why"]}
            for t in sorted(counted)
            if t not in passed
        },
        "seconds": {t: round(found[t]["seconds"], 3) for t in sorted(listed)},
    }


def folder_counts(counted: Iterable[str], passed: set[str]) -> dict[str, list[int]]:
    """How many of the tests of each folder pass, and how many there are."""
    all_of = Counter(t.partition("/")[0] for t in counted)
    ours = Counter(t.partition("/")[0] for t in passed)
    return {folder: [ours[folder], n] for folder, n in sorted(all_of.items())}


def main() -> None:
    """Run, print the counts, write the report."""
    import spikax_nest

    begin = time.perf_counter()
    needs = json.loads((harness.HERE / "needs.json").read_text())
    there = {*spikax_nest.node_models, *spikax_nest.synapse_models}
    chosen = sys.argv[2:]
    found = renamed(results(Path(sys.argv[1]), chosen), needs)
    again = {name for name in chosen if name in harness.FILES}
    before = json.loads(REPORT.read_text()) if again else {"minutes": 0.0}
    report = summary((earlier(before, again) if again else {}) | found, needs, there)
    report["minutes"] = round(before["minutes"] + (time.perf_counter() - begin) / 60, 1)
    report["again"] = len(again)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n")
    shown = {k: v for k, v in report.items() if k not in ("failures", "seconds")}
    sys.stdout.write(json.dumps(shown, indent=1) + "\n")


if __name__ == "__main__":
    main()
