"""The five packages are one release: their metadata agree. Leans on the files themselves."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = "0.1.0"
PACK_RANGE = ">=0.1,<0.2"
IMPORTS = {
    "core": "spikax",
    "models-nest": "spikax_nest",
    "learning": "spikax_learning",
    "cuda-ops": "spikax_cuda",
    "cpu-ops": "spikax_cpu",
}
PACKS = {"nest": "models-nest", "learning": "learning", "cuda": "cuda-ops", "cpu": "cpu-ops"}


def project(folder):
    return tomllib.loads((ROOT / "packages" / folder / "pyproject.toml").read_text())["project"]


def test_every_package_is_covered():
    assert {path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")} == set(IMPORTS)


@pytest.mark.parametrize("folder", IMPORTS)
def test_package_is_of_this_release(folder):
    metadata = project(folder)
    assert metadata["version"] == VERSION
    assert metadata["requires-python"] == ">=3.11"
    assert "dynamic" not in metadata


@pytest.mark.parametrize("folder", IMPORTS)
def test_package_is_typed_and_licensed(folder):
    assert (ROOT / "packages" / folder / "src" / IMPORTS[folder] / "py.typed").is_file()
    assert (ROOT / "packages" / folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize(("extra", "folder"), PACKS.items())
def test_extra_and_pack_pin_each_other(extra, folder):
    name = project(folder)["name"]
    assert project("core")["optional-dependencies"][extra] == [f"{name}{PACK_RANGE}"]
    assert f"spikax{PACK_RANGE}" in project(folder)["dependencies"]


@pytest.mark.parametrize(("extra", "folder"), PACKS.items())
def test_pack_registers_itself_under_the_name_of_its_extra(extra, folder):
    assert project(folder)["entry-points"]["spikax"] == {extra: IMPORTS[folder]}


def test_no_pack_needs_another_pack():
    names = {project(folder)["name"] for folder in PACKS.values()}
    for folder in PACKS.values():
        needed = {re.match(r"[\w.-]+", line).group() for line in project(folder)["dependencies"]}
        assert not needed & names


def test_range_of_packs_is_this_minor_release():
    major, minor, _ = map(int, VERSION.split("."))
    assert f">={major}.{minor},<{major}.{minor + 1}" == PACK_RANGE


def test_extra_all_is_every_other_extra_without_gigabytes():
    extras = project("core")["optional-dependencies"]
    (line,) = extras["all"]
    named = set(re.search(r"\[(.*)\]", line).group(1).split(","))
    assert named == set(extras) - {"all", "cuda13"}


def test_extra_with_cuda_is_that_of_the_pack():
    assert "cuda13" in project("cuda-ops")["optional-dependencies"]
    extras = project("core")["optional-dependencies"]
    assert extras["cuda13"] == [f"spikax-cuda-ops[cuda13]{PACK_RANGE}"]


def test_citation_is_of_this_release():
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text()


def test_changelog_starts_with_this_release():
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M).group(1) == VERSION
