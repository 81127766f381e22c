"""Why JAX runs on no GPU here: what this machine shows of one, and what to do."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import importlib_metadata
import jax

_DRIVER = Path("/proc/driver/nvidia/version")
_PLUGIN = re.compile(r"jax-cuda\d+-(plugin|pjrt)")


def driver() -> str:
    """The NVIDIA driver that is visible: its version, or where its tool is; empty if none is."""
    if _DRIVER.is_file():
        return _DRIVER.read_text().partition("\n")[0]
    return shutil.which("nvidia-smi") or ""


def plugin() -> Mapping[str, str]:
    """The distributions of JAX's CUDA plugin that are installed, with their versions."""
    named = {d.metadata["Name"]: d.version for d in importlib_metadata.distributions()}
    return {n: v for n, v in sorted(named.items()) if _PLUGIN.fullmatch(n.replace("_", "-"))}


def here() -> str:
    """The platform that JAX runs on; empty where it finds none that it is told to use."""
    try:
        return jax.default_backend()
    # Without a plugin of that name at all, JAX fails an assertion.
    except (RuntimeError, AssertionError):
        return ""


def platforms() -> str:
    """The platforms that JAX is told to use; empty where it may choose."""
    return os.environ.get("JAX_PLATFORMS", "")


def seen() -> tuple[str, Mapping[str, str], str]:
    """What this machine shows: driver, plugin, platforms."""
    return driver(), plugin(), platforms()


def why_not(driver: str, plugin: Mapping[str, str], platforms: str) -> str:
    """Why JAX, which runs on no GPU, has none, and what to do about it.

    Args:
        driver: As of `driver`.
        plugin: As of `plugin`.
        platforms: As of `platforms`.
    """
    if not plugin:
        if {"cuda", "gpu"} & set(platforms.split(",")):
            return (
                f"JAX_PLATFORMS={platforms} asks for a GPU, but JAX's CUDA plugin is not here: "
                'pip install "spikax[cuda13]", or unset JAX_PLATFORMS'
            )
        if not driver:
            return "JAX has no GPU, and no NVIDIA driver is seen on this machine."
        return (
            f"An NVIDIA driver is here ({driver}), but not JAX's CUDA plugin: "
            'pip install "spikax[cuda13]"'
        )
    installed = f"JAX's CUDA plugin is installed ({', '.join(plugin)})"
    if platforms and not {"cuda", "gpu"} & set(platforms.split(",")):
        return f"{installed}, but JAX_PLATFORMS={platforms} leaves it out: unset JAX_PLATFORMS."
    if not driver:
        return f"{installed}, but no NVIDIA driver is seen on this machine."
    return (
        f"{installed} and a driver is here ({driver}), but JAX sees no GPU. What nvidia-smi and "
        '`python -c "import jax; jax.devices()"` print says more.'
    )
