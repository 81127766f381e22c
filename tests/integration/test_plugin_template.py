"""examples/plugin-template: found by its metadata alone, and its own tests pass."""

import json
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "examples/plugin-template"


@pytest.fixture(scope="module")
def template(plugin):
    return plugin(TEMPLATE)


def test_it_is_listed(template):
    rows = json.loads(template.spikax("plugins", "--json"))
    (lab,) = (row for row in rows if row["name"] == "mylab")
    assert lab["distribution"] == "spikax-mylab"
    assert lab["status"] == "ok"
    assert lab["records"] == {"models": 1}


def test_its_model_has_a_page(template):
    page = json.loads(template.spikax("models", "resonator", "--json"))
    assert page["family"] == "neuron"
    assert page["reference"] == "Izhikevich 2001"
    assert {row["name"] for row in page["parameters"]} >= {"b", "omega", "V_th"}
    assert [row["unit"] for row in page["ports"]] == ["mV"]


def test_its_own_tests_pass(template):
    out = template.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert " passed" in out


def test_the_plugin_is_ten_lines():
    source = (TEMPLATE / "src/spikax_mylab/__init__.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 10
