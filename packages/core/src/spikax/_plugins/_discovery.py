"""Find the plugins: the installed entry points, less those the environment filters out."""

from __future__ import annotations

import importlib
import os
from typing import Any, Protocol, cast

import importlib_metadata

from spikax._plugins._records import Origin

GROUP = "spikax"


class EntryPoint(Protocol):
    """The part of an `importlib.metadata.EntryPoint` that the registry uses."""

    @property
    def name(self) -> str:
        """The name of the plugin."""
        ...

    @property
    def dist(self) -> Any:
        """The distribution, with a name and a version."""
        ...

    def load(self) -> Any:
        """Import the plugin."""
        ...


class Core:
    """Core's own records, offered as any plugin offers its own."""

    name = "spikax"

    @property
    def dist(self) -> Any:
        """Core's own distribution."""
        return importlib_metadata.distribution("spikax")

    def load(self) -> Any:
        """Import the module with core's hooks."""
        return importlib.import_module("spikax._builtin")


def installed() -> list[EntryPoint]:
    """The installed plugins, in an order that does not depend on the file system."""
    return cast("list[EntryPoint]", sorted(importlib_metadata.entry_points(group=GROUP)))


def origin(entry: EntryPoint) -> Origin:
    """Where a plugin comes from."""
    try:
        return Origin(entry.name, entry.dist.name, entry.dist.version)
    # An installation that was interrupted leaves an entry point without metadata.
    except Exception:
        return Origin(entry.name, "unknown distribution", "")


def allowed() -> list[str] | None:
    """The names in SPIKAX_PLUGINS; None where it is not set."""
    return _names(os.environ.get("SPIKAX_PLUGINS"))


def enabled(entry: EntryPoint) -> bool:
    """Whether the environment lets this plugin load; core needs no permission."""
    allow, block = allowed(), _names(os.environ.get("SPIKAX_DISABLE_PLUGINS")) or []
    permitted = allow is None or entry.name in allow or isinstance(entry, Core)
    return permitted and entry.name not in block


def strict() -> bool:
    """Whether the environment makes a failing plugin an error."""
    return os.environ.get("SPIKAX_STRICT_PLUGINS", "0") not in ("", "0")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
