"""A pytest plugin: which models each test of NEST's suite names, how many nodes it creates, and how
it ends with a live NEST.

Loaded by `record_needs.py`; writes the JSON file that SPIKAX_NEEDS names.
"""

import functools
import json
import os
import types
from pathlib import Path

import nest

NAMED = {"Create": 0, "CopyModel": 0, "SetDefaults": 0}
seen: set[str] = set()
sizes: list[int] = [0]
found: dict[str, dict] = {}


def _names_of(synapse):
    if synapse is None:
        yield "static_synapse"
    elif isinstance(synapse, str):
        yield synapse
    elif isinstance(synapse, dict):
        yield synapse.get("synapse_model", "static_synapse")
    elif hasattr(synapse, "syn_specs"):
        for one in synapse.syn_specs:
            yield from _names_of(one)


def _noting(name, function):
    @functools.wraps(function)
    def noted(*args, **kwargs):
        if name in NAMED and args and isinstance(args[0], str):
            seen.add(args[0])
        if name == "Connect":
            seen.update(_names_of(kwargs.get("syn_spec", args[3] if len(args) > 3 else None)))
        answer = function(*args, **kwargs)
        if name == "Create":
            sizes.append(nest.network_size)
        return answer

    return noted


def pytest_configure():
    for name in (*NAMED, "Connect"):
        types.ModuleType.__setattr__(nest, name, _noting(name, getattr(nest, name)))


def pytest_runtest_setup(item):
    del item
    seen.clear()
    sizes[:] = [0]


def pytest_runtest_logreport(report):
    entry = found.setdefault(report.nodeid, {"outcome": "passed", "models": [], "nodes": 0})
    entry["models"] = sorted({*entry["models"], *seen})
    entry["nodes"] = max(entry["nodes"], *sizes)
    if report.outcome != "passed":
        entry["outcome"] = report.outcome


def pytest_sessionfinish():
    known = {*nest.node_models, *nest.synapse_models}
    for entry in found.values():  # names that a test gave to copies are not models that it needs
        entry["models"] = [m for m in entry["models"] if m in known]
    Path(os.environ["SPIKAX_NEEDS"]).write_text(json.dumps(found))
