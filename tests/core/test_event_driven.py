"""Operators that touch only what was sent, against the references of the same operators."""

import os
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikax import _event_driven
from spikax import _ops as ops
from spikax._connectivity import all_to_all, fixed_outdegree, one_to_one, pairwise_poisson
from spikax._formats import from_pairs
from spikax._pairs import listed
from spikax.ops import CSR

pytestmark = pytest.mark.usefixtures("quick_compiler")

SENT = {
    "random": lambda rng: (rng.random(90) < 0.1) * rng.integers(1, 4, 90),
    "none": lambda rng: np.zeros(90),
    "all": lambda rng: rng.normal(size=90),
    "the last": lambda rng: np.arange(90) == 89,
}


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize(
    "rule", [pairwise_poisson(0.8), fixed_outdegree(70), all_to_all()], ids=["csr", "fan", "dense"]
)
def test_what_touches_only_what_was_sent_equals_the_reference_bit_for_bit(rule, sent, x64):
    """Rows of unequal length and of none, several synapses of a pair, every source or none."""
    rng = np.random.default_rng(3)
    pairs = rule.sample(90, 80, rng)
    silent = np.isin(pairs.pre, [0, 40, 89]) & isinstance(rule, pairwise_poisson)
    fmt = from_pairs(listed(pairs.pre[~silent], pairs.post[~silent], 90, 80))
    x = jnp.asarray(SENT[sent](rng), jnp.float32)
    weight = jnp.asarray(rng.normal(size=fmt.shape), jnp.float32)
    delay = jnp.asarray(rng.integers(1, 5, fmt.shape), jnp.int32)
    ring, t = jnp.asarray(rng.normal(size=(5, 80)), jnp.float32), jnp.int32(12)
    assert _event_driven.scatter.supports(fmt, weight, x, delay, ring, t)
    assert _event_driven.scatter.supports(fmt, weight, x, jnp.int32(1)) == (fmt.name != "dense")
    for w in (weight, jnp.float32(1.7)):
        for op, operands in (("forward", (w, x)), ("scatter", (w, x, delay, ring, t))):
            if op == "forward" and fmt.name == "dense":
                continue  # a product, summed in another order
            kernel, reference = getattr(_event_driven, op), ops.REFERENCE[op]
            got = jax.jit(kernel)(fmt, *operands)
            assert np.array_equal(got, jax.jit(reference)(fmt, *operands)), op


@pytest.mark.parametrize("learning", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(
    "rule", [pairwise_poisson(0.8), fixed_outdegree(70), all_to_all()], ids=["csr", "fan", "dense"]
)
def test_rows_that_learn_are_collected_as_by_the_reference(rule, learning, x64):
    rng = np.random.default_rng(4)
    fmt = from_pairs(rule.sample(90, 80, rng))
    x = np.where(rng.random(90) < learning, 0.0, -0.0)
    x[:2] = [1.0, -1.0]  # what is no zero learns in any case
    weight, ring, total = (jnp.asarray(rng.normal(size=n)) for n in (fmt.shape, (5, 80), 90))
    delay, t = jnp.asarray(rng.integers(1, 5, fmt.shape), jnp.int32), jnp.int32(12)
    for w in (weight, jnp.float64(1.7)):
        operands = w, jnp.asarray(x), delay, ring, t, total
        assert _event_driven.collect.supports(fmt, *operands)
        got, expected = (
            jax.jit(op)(fmt, *operands) for op in (_event_driven.collect, ops.REFERENCE["collect"])
        )
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)
        assert np.count_nonzero(got != total) >= 2


def test_what_is_sent_at_once_is_what_is_scattered_in_turn(x64):
    """Sources of two sizes, two rings of other lengths, formats with and without a kernel."""
    rng = np.random.default_rng(5)
    rules = (pairwise_poisson(0.8), all_to_all(), one_to_one(), fixed_outdegree(70))
    formats = [from_pairs(rule.sample(90, 90, rng)) for rule in rules[:3]]
    formats.append(from_pairs(rules[3].sample(100, 90, rng)))
    xs = [jnp.asarray((rng.random(n) < 0.2) * rng.normal(size=n)) for n in (90, 100)]
    weights = [jnp.asarray(rng.normal(size=fmt.shape)) for fmt in formats]
    delays = [jnp.asarray(rng.integers(1, 5, formats[0].shape)), 2, 1, 1]
    rings = [jnp.asarray(rng.normal(size=(slots, 90))) for slots in (5, 1)]

    def sent(weights, xs, rings):
        made = zip(formats, weights, delays, (0, 0, 0, 1), (0, 0, 1, 1), strict=True)
        return ops.send([ops.Sending(*each) for each in made], xs, rings, jnp.int32(12))

    def sine(*given):
        return sum(jnp.sum(jnp.sin(ring)) for ring in sent(*given))

    def transformed(*given):
        three = jax.tree.map(lambda v: jnp.stack([v, 2 * v, -v]), given)
        return sent(*given), jax.grad(sine, (0, 1, 2))(*given), jax.vmap(sent)(*three)

    got = jax.jit(transformed)(weights, xs, rings)
    with ops.use_kernels("reference"):
        wanted = jax.jit(lambda *given: transformed(*given))(weights, xs, rings)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12), got, wanted)


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from spikax import _event_driven, _ops as ops
from spikax._connectivity import fixed_outdegree, pairwise_bernoulli
from spikax._formats import from_pairs

rng = np.random.default_rng(0)
mesh = Mesh(np.array(jax.devices()), ("trial",))
assert len(jax.devices()) == 2
x = jnp.asarray(rng.random((4, 100)) < 0.1, jnp.float32)
for rule in (pairwise_bernoulli(0.5), fixed_outdegree(60)):
    fmt = from_pairs(rule.sample(100, 100, rng))
    w = jnp.asarray(rng.normal(size=fmt.shape), jnp.float32)
    d = jnp.asarray(rng.integers(1, 4, fmt.shape), jnp.int32)
    ring = jnp.zeros((4, 100))
    assert _event_driven.forward.supports(fmt, w, x)
    for run in (lambda x: ops.forward(fmt, w, x), lambda x: ops.scatter(fmt, w, x, d, ring, 3)):
        half = jax.shard_map(jax.vmap(run), mesh=mesh, in_specs=P("trial"), out_specs=P("trial"))
        assert np.array_equal(jax.jit(half)(x), jax.vmap(run)(x))
print("same on two devices")
"""


def test_what_touches_only_what_was_sent_runs_on_two_devices():
    """Trials under shard_map over two forced host devices, in a process of its own."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    command = [sys.executable, "-c", SHARDED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "same on two devices" in done.stdout, done.stderr[-3000:]


def test_rows_of_one_synapse_are_not_looked_for():
    """To find each costs more than to add them all."""
    n = 2 * _event_driven.FEWEST
    sources = np.arange(n, dtype=np.int32)
    one = CSR(jnp.arange(n + 1, dtype=jnp.int32), jnp.asarray(sources), n)
    four = CSR(4 * jnp.arange(n + 1, dtype=jnp.int32), jnp.asarray(np.tile(sources, 4)), n)
    assert not _event_driven.large(one)
    assert _event_driven.large(four)
