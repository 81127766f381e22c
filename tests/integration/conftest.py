"""A plugin on the path without an installer: with the metadata that one would write."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import spikax


class Plugin:
    """A folder with a plugin, and the environment of a process that finds it and no other."""

    def __init__(self, folder, site):
        self.folder = folder
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        (entry,) = project["entry-points"]["spikax"].items()
        info.joinpath("entry_points.txt").write_text(f"[spikax]\n{' = '.join(entry)}\n")
        path = (site, folder / "src", Path(spikax.__file__).parents[1])
        settings = {"PYTHONPATH": os.pathsep.join(map(str, path)), "SPIKAX_PLUGINS": entry[0]}
        self.environment = os.environ | settings

    def run(self, *arguments):
        """What a Python process in the folder prints; it must succeed."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def spikax(self, *arguments):
        """What the command `spikax` prints."""
        script = "import sys; from spikax._cli import main; sys.exit(main())"
        return self.run("-c", script, *arguments)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """Make a Plugin of a folder."""
    return lambda folder: Plugin(folder, tmp_path_factory.mktemp("site"))
