"""Rings: the last few values of anything, by step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

Ring = Any
"""A tree of arrays with one more axis in front: step modulo length."""


def empty(length: int, like: Any) -> Ring:
    """Room for `length` values shaped like `like`, all zero."""
    return jax.tree.map(lambda a: jnp.zeros((length, *a.shape), a.dtype), like)


def push(ring: Ring, value: Any, step: Any) -> Ring:
    """Keep the value of a step in place of the oldest."""
    return jax.tree.map(lambda r, v: r.at[step % len(r)].set(v), ring, value)


def at(ring: Ring, step: Any) -> Any:
    """The value of an earlier step; zero where nothing was kept yet."""
    return jax.tree.map(lambda r: r[step % len(r)], ring)
