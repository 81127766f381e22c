"""CUDA C to PTX by NVRTC, which is a library: neither a GPU nor a compiler on PATH is needed."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The oldest that is meant; a driver translates it for its own GPU and for any later one.
ARCHITECTURE = "compute_80"


@functools.cache
def compile_ptx(source: str, *definitions: str) -> str:
    """The PTX of a source in CUDA C, for an A100 and whatever came after it.

    Args:
        source: The text.
        definitions: Of macros, `NAME=VALUE`.

    Raises:
        ModuleNotFoundError: NVRTC is not installed.
        ValueError: The source does not compile; the message ends with NVRTC's log.
    """
    nvrtc, program = _library(), ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    try:
        flags = [f"--gpu-architecture={ARCHITECTURE}", *(f"-D{d}" for d in definitions)]
        options = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
        if nvrtc.nvrtcCompileProgram(program, len(flags), options):
            log = _text(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
            raise ValueError(f"NVRTC does not compile this source:\n{log}")
        return _text(nvrtc.nvrtcGetPTXSize, nvrtc.nvrtcGetPTX, program)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _text(size_of: Callable[..., int], read: Callable[..., int], program: Any) -> str:
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    read(program, text)
    return text.value.decode()


@functools.cache
def _library() -> ctypes.CDLL:
    for path in _candidates():
        try:
            return _load(Path(path))
        except OSError:
            continue
    raise ModuleNotFoundError(
        "NVRTC, which compiles CUDA C, was not found. jax[cuda13] brings it, or by itself: "
        "pip install nvidia-cuda-nvrtc"
    )


def _load(path: Path) -> ctypes.CDLL:
    # NVRTC looks for its other half where the loader does, which need not be beside it.
    halves = path.parent.glob("libnvrtc-builtins.so.*") if path.is_absolute() else ()
    for half in halves:
        ctypes.CDLL(str(half))
    return ctypes.CDLL(str(path))


def _candidates() -> list[str]:
    """NVRTC of NVIDIA's wheels, then that of the system."""
    wheels = importlib.util.find_spec("nvidia")
    roots = (wheels and wheels.submodule_search_locations) or ()
    found = [str(p) for root in roots for p in sorted(Path(root).glob("*/lib/libnvrtc.so.*"))]
    return [*found, ctypes.util.find_library("nvrtc") or "libnvrtc.so"]
