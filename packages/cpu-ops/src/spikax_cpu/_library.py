"""The compiled library: found beside this package, loaded, and made known to XLA."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

import jax

NAMES = ("libspikax_cpu.so", "libspikax_cpu.dylib", "spikax_cpu.dll")
CALLS = ("forward", "transpose", "weight_gradient", "scatter")


def target(call: str) -> str:
    """The name under which XLA knows a call, which is also that of the symbol."""
    return f"spikax_cpu_{call}"


def register(folders: Iterable[str | os.PathLike[str]]) -> None:
    """Load the library from the first folder that holds it, and register its calls.

    Raises:
        ImportError: No folder holds it: it was not compiled.
        OSError: It is not for this system.
    """
    library = ctypes.CDLL(str(_find(folders)))
    for call in CALLS:
        capsule = jax.ffi.pycapsule(getattr(library, target(call)))
        jax.ffi.register_ffi_target(target(call), capsule, platform="cpu")


def _find(folders: Iterable[str | os.PathLike[str]]) -> Path:
    # An editable installation has two: that of the sources and that of what was compiled.
    searched = [Path(folder) for folder in folders]
    for folder in searched:
        for name in NAMES:
            if (folder / name).is_file():
                return folder / name
    raise ImportError(
        f"its compiled library is not in {', '.join(map(str, searched))}. It was installed where "
        "no C++ compiler was found; with one on PATH, "
        "`pip install --force-reinstall --no-deps --no-cache-dir spikax-cpu-ops` compiles it"
    )
