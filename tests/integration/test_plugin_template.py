"""examples/plugin-template: found by its metadata alone, and its own tests pass."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import spikax

TEMPLATE = Path(__file__).parents[2] / "examples/plugin-template"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Core and the template on the path, with the metadata that an installer would write."""
    site = tmp_path_factory.mktemp("site")
    project = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["project"]
    info = site / f"spikax_mylab-{project['version']}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    entries = "\n".join(f"{k} = {v}" for k, v in project["entry-points"]["spikax"].items())
    info.joinpath("entry_points.txt").write_text(f"[spikax]\n{entries}\n")
    path = (site, TEMPLATE / "src", Path(spikax.__file__).parents[1])
    settings = {"PYTHONPATH": os.pathsep.join(map(str, path)), "SPIKAX_PLUGINS": "mylab"}
    return os.environ | settings


def run(environment, *arguments, folder=TEMPLATE):
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def spikax_command(environment, *arguments):
    script = "import sys; from spikax._cli import main; sys.exit(main())"
    return run(environment, "-c", script, *arguments)


def test_it_is_listed(environment):
    rows = json.loads(spikax_command(environment, "plugins", "--json"))
    (lab,) = (row for row in rows if row["name"] == "mylab")
    assert lab["distribution"] == "spikax-mylab"
    assert lab["status"] == "ok"
    assert lab["records"] == {"models": 1}


def test_its_model_has_a_page(environment):
    page = json.loads(spikax_command(environment, "models", "resonator", "--json"))
    assert page["family"] == "neuron"
    assert page["reference"] == "Izhikevich 2001"
    assert {row["name"] for row in page["parameters"]} >= {"b", "omega", "V_th"}
    assert [row["unit"] for row in page["ports"]] == ["mV"]


def test_its_own_tests_pass(environment):
    out = run(environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert " passed" in out


def test_the_plugin_is_ten_lines():
    source = (TEMPLATE / "src/spikax_mylab/__init__.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
