"""Steps of optimisers for synapses, beside optax."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikax.optimizers import adam_step


@pytest.mark.usefixtures("x64")
def test_adam_is_that_of_optax():
    """Theirs adds epsilon to the unbiased root: in this form, epsilon over the bias of the step."""
    optax = pytest.importorskip("optax")
    rng = np.random.default_rng(0)
    eta, first, second, epsilon = 1e-2, 0.8, 0.95, 1e-3
    w = theirs = jnp.asarray(rng.normal(size=5))
    optimizer = optax.adam(eta, first, second, epsilon)
    memory = optimizer.init(theirs)
    m = v = jnp.zeros(5)
    for step in range(1, 9):
        gradient = jnp.asarray(rng.normal(size=5))
        own = epsilon * np.sqrt(1 - second**step)
        m, v, change = adam_step(m, v, gradient, step, eta, first, second, own)
        w = w + change
        with jax.numpy_dtype_promotion("standard"):  # what optax is written for
            updates, memory = optimizer.update(gradient, memory)
        theirs = optax.apply_updates(theirs, updates)
    np.testing.assert_allclose(w, theirs, rtol=1e-12)
