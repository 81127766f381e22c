"""A large step of the pack on XLA's threads, beside one thread; `test_cpu_kernels.py` runs it.

90,000 synapses, more than the least for threads; in a loop, where a race would show. In a process
of its own: how many threads there are is settled when JAX starts.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from test_cpu_kernels import SLOTS, csr, fan_out, kernels


def run(fmt, chunks):
    """What 40 steps leave in a ring and give at once, cut into so many parts; 0: as it is used."""
    kernels.CHUNKS = chunks
    rng = np.random.default_rng(6)
    weight = jnp.asarray(rng.normal(size=fmt.shape), jnp.float32)
    delay = jnp.asarray(rng.integers(0, SLOTS, fmt.shape), jnp.int8)
    xs = jnp.asarray(rng.random((40, fmt.n_pre)) < 0.9, jnp.float32)

    def step(ring, x):
        ring = kernels.scatter(fmt, weight, x, delay, ring, jnp.int32(3))
        ring = kernels.scatter(fmt, weight, x, jnp.int32(1), ring, jnp.int32(3))
        return ring, kernels.forward(fmt, weight, x)

    start = jnp.zeros((SLOTS, fmt.n_post))
    return jax.jit(lambda xs: jax.lax.scan(step, start, xs))(xs)


for made in (fan_out(300, 300, 500), csr([301] * 300, 500)):
    automatic, serial = run(made, 0), run(made, 1)
    assert all(map(np.array_equal, automatic, serial))
    assert np.all(automatic[1])
sys.stdout.write("equal on threads\n")
