"""`spikax new-plugin`: what it writes works as it is; examples/plugin-template shows it."""

import json
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from spikax import _cli

EXAMPLE = Path(__file__).parents[2] / "examples/plugin-template"
CORE = Path(__file__).parents[2] / "packages/core/pyproject.toml"


def files(folder):
    """The text of each file, by its path; what Python leaves behind is no file of the plugin."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache"} & set(path.parts)
    }


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab") / "spikax-brains"
    assert _cli.main(["new-plugin", "brains", "--path", str(folder)]) == 0
    return folder


def test_the_example_is_what_it_writes(tmp_path):
    """If not: rm -r examples/plugin-template, then new-plugin mylab --path that folder."""
    _cli.main(["new-plugin", "mylab", "--path", str(tmp_path / "lab")])
    assert files(tmp_path / "lab") == files(EXAMPLE)


def test_nothing_of_the_template_keeps_its_name(brains):
    written = files(brains)
    assert "src/spikax_brains/__init__.py" in written
    assert not [path for path, text in written.items() if "mylab" in path + text]


def test_it_needs_the_core_of_this_release(brains):
    core = tomllib.loads(CORE.read_text())["project"]
    (needed,) = tomllib.loads((brains / "pyproject.toml").read_text())["project"]["dependencies"]
    assert Requirement(needed).name == core["name"]
    assert core["version"] in Requirement(needed).specifier


def test_its_model_is_found_and_its_tests_pass(brains, plugin):
    lab = plugin(brains)
    page = json.loads(lab.spikax("models", "resonator", "--json"))
    assert page["origin"] == "plugin 'brains' (spikax-brains 0.1.0)"
    assert " passed" in lab.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


def test_it_says_what_to_paste(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert _cli.main(["new-plugin", "my_2nd"]) == 0
    folder, *commands = (line for line in capsys.readouterr().out.splitlines() if line)
    assert folder.startswith("spikax-my_2nd is a plugin")
    assert [command.strip() for command in commands] == [
        "cd spikax-my_2nd",
        "pip install -e . pytest",
        "spikax models resonator",
        "pytest",
    ]
    assert (tmp_path / "spikax-my_2nd/src/spikax_my_2nd/resonator.py").is_file()


@pytest.mark.parametrize("name", ["my lab", "2lab", "", "../lab", "labör", "lab_", "my-lab"])
def test_name_that_no_package_can_have_is_refused(name, tmp_path, capsys):
    folder = tmp_path / "lab"
    assert _cli.main(["new-plugin", name, "--path", str(folder)]) == 2
    assert f"{name!r} cannot name a plugin" in capsys.readouterr().err
    assert not folder.exists()


def test_nothing_is_written_over(tmp_path, capsys):
    tmp_path.joinpath("mine.py").write_text("mine")
    assert _cli.main(["new-plugin", "lab", "--path", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
