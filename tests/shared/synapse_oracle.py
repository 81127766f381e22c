"""What the connectivity operators say, synapse by synapse in NumPy, and networks to ask it of.

All values are small whole numbers, so no sum is rounded in any precision or order.
"""

import jax.numpy as jnp
import numpy as np

from spikax.ops import CSR, Dense, FixedFanOut, Procedural

# Every case has these sizes, so that a kernel is compiled once for all of them.
N_PRE, N_POST, N_SYNAPSES, SLOTS = 12, 50, 900, 5
ROWS = {
    "random": [81, 70, 69, 80, 72, 77, 68, 76, 73, 75, 79, 80],
    "around a block": [127, 128, 129, 0, 255, 256, 1, 2, 0, 1, 1, 0],
    "whole blocks": [128, 0, 256, 128, 0, 384, 0, 0, 0, 0, 0, 4],
    "empty but two": [0, 0, 450, 0, 0, 0, 0, 0, 0, 0, 450, 0],
    "duplicate targets": [300, 3, 1, 1, 0, 295, 50, 50, 50, 50, 50, 50],
    "last alone": [0] * 11 + [900],
}
KINDS = ("some", "all", "none", "graded")


def csr(lengths, targets=N_POST, seed=1):
    """Rows of these lengths, with random targets that may repeat."""
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = np.random.default_rng(seed).integers(0, targets, indptr[-1])
    return CSR(jnp.asarray(indptr, jnp.int32), jnp.asarray(indices, jnp.int32), N_POST)


def connectivity(form, rows="random"):
    """A network of a format; only in CSR are the rows of any length."""
    if form == "csr":
        return csr(ROWS[rows], 3 if rows == "duplicate targets" else N_POST)
    if form == "fixed_fan_out":
        drawn = np.random.default_rng(2).integers(0, N_POST, (N_PRE, 75))
        return FixedFanOut(jnp.asarray(drawn, jnp.int32), N_POST)
    if form == "dense":
        return Dense(N_PRE, N_POST)
    return Procedural(jnp.array([3, 4], jnp.uint32), N_PRE, N_POST, False, 75)


def per_synapse(fmt):
    """The shape of what there is one of for each synapse, or in a table."""
    return (4096,) if isinstance(fmt, Procedural) else fmt.shape


def operands(op, fmt, kind, *, dtype, one_weight=False, one_delay=False):
    """Operands of an operator."""
    rng, shape = np.random.default_rng(5), per_synapse(fmt)
    weight = np.asarray(2 if one_weight else rng.integers(-1, 2, shape), dtype)
    delay = np.asarray(3 if one_delay else rng.integers(1, SLOTS + 1, shape), np.int32)
    x = {
        "some": rng.random(fmt.n_pre) < 0.5,
        "all": np.ones(fmt.n_pre),
        "none": np.where(rng.random(fmt.n_pre) < 0.5, 0.0, -0.0),
        "graded": rng.integers(-1, 3, fmt.n_pre),
    }[kind].astype(dtype)
    y, total = (rng.integers(-1, 2, n).astype(dtype) for n in (fmt.n_post, fmt.n_pre))
    ring = rng.integers(-1, 2, (SLOTS, fmt.n_post)).astype(dtype)
    gradient, t = rng.integers(-1, 2, fmt.shape).astype(dtype), np.int32(13)
    return {
        "forward": (weight, x),
        "transpose": (weight, y),
        "weight_gradient": (x, y),
        "scatter": (weight, x, delay, ring, t),
        "collect": (weight, x, delay, ring, t, total),
        "add_weight_gradient": (x, delay, ring, t, gradient),
    }[op]


def expected(op, fmt, *given):
    """What the operator makes of its operands, in float64."""
    pre = np.asarray(fmt.pre_values(jnp.arange(fmt.n_pre))).ravel()
    post = np.asarray(fmt.targets).ravel()
    given = [np.asarray(value) for value in given]
    given = [v if v.dtype == np.int32 else v.astype(np.float64) for v in given]

    def each(value, of):
        return np.ravel(np.broadcast_to(np.asarray(of(jnp.asarray(value))), fmt.shape))

    if op == "forward":
        weight, x = given
        arrived = np.zeros(fmt.n_post)
        np.add.at(arrived, post, each(weight, fmt.weights) * x[pre])
        return arrived
    if op == "transpose":
        weight, y = given
        taken = np.zeros(fmt.n_pre)
        np.add.at(taken, pre, each(weight, fmt.weights) * y[post])
        return taken
    if op == "weight_gradient":
        x, y = given
        return (x[pre] * y[post]).reshape(fmt.shape)
    if op == "add_weight_gradient":
        x, delay, ring, t, gradient = given
        slot = (t + each(delay, fmt.delays)) % len(ring)
        return gradient + (x[pre] * ring[slot, post]).reshape(fmt.shape)
    weight, x, delay, ring, t, *total = given
    slot, weight = (t + each(delay, fmt.delays)) % len(ring), each(weight, fmt.weights)
    if op == "scatter":
        np.add.at(ring, (slot, post), weight * x[pre])
        return ring
    taken = np.zeros(fmt.n_pre)
    np.add.at(taken, pre, weight * ring[slot, post])
    asked = (x != 0) | ~np.signbit(x)
    return total[0] + np.where(asked, taken, 0)
