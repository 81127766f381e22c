"""Steps of optimisers that a synapse can take by itself: elementwise functions of arrays.

What is trained as a whole has optax; these stand here for rules of plasticity.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array


def adam_step(
    m: Array, v: Array, gradient: Array, step: Any, eta: Any, beta_1: Any, beta_2: Any, epsilon: Any
) -> tuple[Array, Array, Array]:
    """The moments after a step of Adam, and the change of the weight.

        m <- beta_1 m + (1 - beta_1) g;   v <- beta_2 v + (1 - beta_2) g^2
        change = -eta sqrt(1 - beta_2^step) / (1 - beta_1^step) m / (sqrt(v) + epsilon)

    Steps count from 1. Source: Kingma & Ba 2015, the form at the end of their section 2.
    """
    m = beta_1 * m + (1 - beta_1) * gradient
    v = beta_2 * v + (1 - beta_2) * gradient**2
    rate = eta * jnp.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return m, v, -rate * m / (jnp.sqrt(v) + epsilon)
