"""Settings that every test shares: strict promotion, no rank promotion, float64 on request."""

import os

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
    """Each compiled program is mapped into memory; thousands in one process crash it."""
    yield
    jax.clear_caches()
