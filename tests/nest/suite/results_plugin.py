"""A pytest plugin: how each test of NEST's suite ends with spikax, how long it takes, and why not.

Loaded by `run_suite.py`; writes the JSON file that SPIKAX_RESULTS names.
"""

import json
import os
import time
from pathlib import Path

found: dict[str, dict] = {}


def pytest_collectreport(report):
    if report.outcome == "failed":
        found[report.nodeid] = {"outcome": "uncollected", "seconds": 0.0, "why": _why(report)}


def pytest_runtest_logreport(report):
    entry = found.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0, "why": ""})
    entry["seconds"] += report.duration
    if report.outcome != "passed":
        entry |= {"outcome": report.outcome, "why": _why(report)}
    Path(os.environ["SPIKAX_RESULTS"]).write_text(json.dumps(found))


def _why(report):
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    return " ".join(text.split())[:300]


def pytest_sessionfinish():
    found["finished"] = {"outcome": "finished", "seconds": time.perf_counter(), "why": ""}
    Path(os.environ["SPIKAX_RESULTS"]).write_text(json.dumps(found))
    found.clear()
