"""Large draws in blocks, on all cores: they depend on the seed alone, not on the cores.

A block is large enough that the calls of Python cost nothing beside it, and small enough that what
is drawn for all blocks at work at a time is nothing beside a large network.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import numpy as np

T = TypeVar("T")

BLOCK = 2**19  # synapses


def lengths(items: int, synapses: float) -> np.ndarray:
    """How to split `items`, neurons or synapses, that make so many `synapses` together."""
    blocks = max(1, min(items, -int(-synapses // BLOCK)))
    return np.diff(np.arange(blocks + 1, dtype=np.int64) * items // blocks)


def drawn(
    rng: np.random.Generator, draw: Callable[..., T], sizes: np.ndarray, *more: Iterable[Any]
) -> Iterator[T]:
    """`draw(rng, size, ...)` of each block, in order.

    A single block takes its numbers from `rng`, several have generators of their own.
    """
    if len(sizes) == 1:
        yield from (draw(rng, *values) for values in zip(sizes.tolist(), *more, strict=True))
        return
    seeds = rng.integers(0, 2**32, (len(sizes), 4), np.uint32)
    double = jax.dtypes.canonicalize_dtype(float) == np.float64

    def one(seed: np.ndarray, *values: Any) -> T:
        # JAX's precision is a property of the thread.
        with jax.enable_x64(double):
            return draw(np.random.Generator(np.random.SFC64(seed)), *values)

    yield from _threads(cores()).map(one, seeds, sizes.tolist(), *more)


@functools.cache
def _threads(count: int) -> ThreadPoolExecutor:
    # The same ones for all builds: each thread keeps the memory of blocks that it has freed.
    return ThreadPoolExecutor(count, "spikax")


if hasattr(os, "register_at_fork"):  # a forked process has no threads
    os.register_at_fork(after_in_child=_threads.cache_clear)


def cores() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # there is no such call on macOS and Windows
        return os.cpu_count() or 1


def joined(pieces: Iterator[np.ndarray], about: float) -> np.ndarray:
    """The pieces one after the other, of the widest dtype among them, `about` that many numbers.

    Each piece is copied when it comes: kept until the last is there, they would take as much again.
    """
    whole, end = empty(0, np.int8), 0
    for piece in pieces:
        start, end = end, end + len(piece)
        whole = _with_room(whole, start, max(end, int(about)), piece.dtype)
        whole[start:end] = piece
    return whole[:end]


def _with_room(whole: np.ndarray, used: int, size: int, dtype: Any) -> np.ndarray:
    """The same array, or a larger or wider one that begins with what is used of it."""
    dtype = np.promote_types(whole.dtype, dtype)
    if size <= len(whole) and dtype == whole.dtype:
        return whole
    room = empty(size, dtype)
    room[:used] = whole[:used]
    return room


def empty(size: int, dtype: Any) -> np.ndarray:
    """An array to fill, which JAX can take as its own without a copy on a CPU."""
    # JAX copies what does not begin at a multiple of 64 bytes.
    count, dtype = size * np.dtype(dtype).itemsize, np.dtype(dtype)
    room = np.empty(count + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + count].view(dtype)
