"""Settings that every test shares: strict promotion, no rank promotion, float64 on request."""

import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("SPIKAX_STRICT_PLUGINS", "1")

import jax
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def quick_compiler():
    """Compile without optimising: for tests whose programs run once, within a tolerance."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture
def x64():
    """Double precision while the test runs."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True, scope="module")
def _forget_programs():
    """Programs of one file are of no use to the next."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=True)
def _forget_many_programs():
    """Each compiled program is mapped into memory; Linux ends a process with 65,530 mappings."""
    yield
    if _mappings() > 30_000:
        jax.clear_caches()


def _mappings():
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0
