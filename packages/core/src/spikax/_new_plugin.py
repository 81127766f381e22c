"""A plugin to begin with: the template, written out under the name of a lab."""

from __future__ import annotations

import re
from pathlib import Path

from spikax.errors import ConfigError

TEMPLATE = Path(__file__).with_name("_template")
_NAME = "mylab"  # as it stands in the template


def write_plugin(name: str, folder: Path) -> None:
    """Write the package `spikax_NAME` into a new folder.

    Raises:
        ConfigError: The name cannot be that of a package, or the folder is there already.
    """
    if not re.fullmatch("[A-Za-z]([A-Za-z0-9_]*[A-Za-z0-9])?", name):
        raise ConfigError(
            f"{name!r} cannot name a plugin; write letters, digits and _ as in {_NAME!r}: the "
            "package is called spikax_NAME."
        )
    if folder.exists():
        raise ConfigError(f"{folder} is there already; name a new folder: --path DIR.")
    for source in TEMPLATE.rglob("*.txt"):
        path = str(source.relative_to(TEMPLATE)).removesuffix(".txt")
        target = folder / path.replace(_NAME, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text("utf-8").replace(_NAME, name), "utf-8", newline="\n")
