"""Run files of NEST's own test suite, from the installed wheel, and collect what came of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
FILES = (HERE / "files.txt").read_text().split()
OPTIONS = (
    "-c",
    "/dev/null",
    "-p",
    "no:cacheprovider",
    "-q",
    "--no-header",
    "--tb=line",
    "--timeout=120",
)
OPTIONS += ("--continue-on-collection-errors",)


def copied(pytests: Path, to: Path) -> Path:
    """A scratch copy of the suite, made anew: its tests write beside themselves."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(pytests, to)
    return to


def run(
    suite: Path, files: Iterable[str], plugin: str, path: Iterable[Path], more: Mapping[str, str]
) -> int:
    """Run some files in a process of their own, with a plugin, and these folders before others."""
    given = [os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    places = os.pathsep.join(str(p) for p in (*path, HERE, *given))
    environment = os.environ | {"PYTHONPATH": places, "MPLBACKEND": "Agg"} | dict(more)
    command = [sys.executable, "-m", "pytest", *OPTIONS, f"--rootdir={suite}", "-p", plugin]
    return subprocess.run([*command, *files], cwd=suite, env=environment, check=False).returncode


def by_folder(files: Iterable[str]) -> dict[str, list[str]]:
    """The files by the folder that they are in."""
    folders: dict[str, list[str]] = {}
    for file in files:
        folders.setdefault(file.partition("/")[0], []).append(file)
    return folders


def read(path: Path) -> dict[str, dict]:
    """What a plugin wrote; nothing where the process died."""
    return json.loads(path.read_text()) if path.exists() else {}
