"""Poisson counts: their published text, their law, and what they must not depend on."""

import math
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from spikax import _random as random
from spikax import ops
from spikax._counts import poisson, thresholds, whole_thresholds

SIZE = 4096
TOP = 2**32 - 1
counts_of = jax.jit(poisson)
NEAR_FOUR = float(np.nextafter(np.float32(4), np.float32(0)))
RESTS = [0.0, 1e-12, 1e-6, 1e-3, 0.1, 0.2, 0.7, 1.0, 1.28, 2.32, 3.0, NEAR_FOUR]
MEANS = [0.0, 1e-6, 0.01, 0.199, 0.2, 0.8, 1.28, 2.32, NEAR_FOUR, 4.0, 10.7, 48.0, 49.3, 50.0]


@pytest.fixture(scope="module")
def stream():
    return random.streams(7, SIZE)


# The text of the module, once more in Python integers.


def high(a, b):
    a1, a0, b1, b0 = a >> 16, a & 65535, b >> 16, b & 65535
    return a1 * b1 + (a1 * b0 >> 16) + (a0 * b1 >> 16)


def series(i):
    return min(TOP, round(2**32 / math.factorial(i)))


def published_rest(r):
    """C_k up to the first that is 2^32 - 1."""
    y = math.floor(r * 2**30)
    h = series(11)
    for i in range(10, 0, -1):
        h = series(i) - high(h, y)
    u = high(h, y)
    for _ in range(2):
        u = (2 * u - high(u, u)) % 2**32
    c = [TOP - u]
    p, r = np.float32(c[0] >> 1) * np.float32(2.0**-31), np.float32(r)
    while c[-1] < TOP:
        p = p * (r * np.float32(1 / len(c)))
        grown = c[-1] + 2 * math.floor(float(p) * 2**31)
        c.append(grown if c[-1] < grown <= TOP else TOP)
    return c


def published_whole(j, k):
    """A_k by the exact sums of (4 j)^i / i!, over a denominator of k! or 400!."""

    def partial(last):
        return sum((4 * j) ** i * math.factorial(400) // math.factorial(i) for i in range(last + 1))

    return min(TOP, partial(k) * 2**32 // partial(400))


def published(mean, words):
    j, r = divmod(mean, 4)
    ends = published_rest(r), [published_whole(int(j), k) for k in range(128)]
    return sum(sum(c < (word | 1) for c in end) for end, word in zip(ends, words, strict=True))


def words_of(stream, t, draw, neuron):
    return [int(random.bits(stream, t, np.uint32(d))[neuron]) for d in (draw, draw ^ 2**31)]


KNOWN = [  # neuron, step, draw, mean, count
    (0, 0, 0, 2.0, 3),
    (1, 5, 0, 0.25, 1),
    (17, 5, 0, 0.25, 0),
    (77, 123456, 3, 1.28125, 0),
    (4095, -1, 0, 3.999755859375, 4),
    (4, 9, 7, 12.5, 14),
    (2047, 2**31 - 1, 2**31 - 1, 50.0, 50),
    (100, 1, 0, 48.0, 44),
    (3, 10, 1, 0.0, 0),
]


@pytest.mark.parametrize(("neuron", "t", "draw", "mean", "expected"), KNOWN)
def test_known_answers_never_change(stream, neuron, t, draw, mean, expected):
    got = counts_of(stream, jnp.int32(t), jnp.float32(mean), np.uint32(draw))
    assert int(got[neuron]) == expected
    assert published(mean, words_of(stream, t, draw, neuron)) == expected


@pytest.mark.parametrize("r", RESTS)
def test_thresholds_are_those_of_the_text(r):
    r = float(np.float32(r))
    expected = published_rest(r)
    table = np.asarray(jax.jit(thresholds)(jnp.float32(r)))
    assert len(expected) <= table.size
    assert table[: len(expected)].tolist() == expected
    assert np.all(table[len(expected) :] == TOP)


def test_thresholds_of_whole_parts_are_those_of_the_text():
    table = whole_thresholds()
    assert table.dtype == np.uint32
    for j in range(13):
        columns = [0, 1, 4 * j, 4 * j + 5, 4 * j + 20, 127]
        assert table[j, columns].tolist() == [published_whole(j, k) for k in columns]
    assert np.all(table[:, -1] == TOP)


def probabilities(ends):
    """Of 0, 1, ...: there are 2^31 odd words, and floor((C + 1) / 2) are not above an end C."""
    below = (np.asarray(ends, np.uint64) + 1) // 2 / 2.0**31
    return np.diff(below, prepend=0.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_total_variation_is_below_a_millionth(x64, dtype):
    """Of the sum of both counts, exactly, for means all over [0, 50]."""
    given = np.random.default_rng(1).uniform(0, 50, 3000)
    means = np.concatenate([MEANS, RESTS, np.arange(50.0), np.linspace(0, 4, 1000), given])
    means = np.unique(means.astype(dtype))
    tables = np.asarray(jax.jit(jax.vmap(thresholds))(jnp.asarray(means)))
    whole = [probabilities(row) for row in whole_thresholds()]
    for mean, table in zip(means.astype(float), tables, strict=True):
        got = np.convolve(probabilities(table), whole[int(mean // 4)])
        law = stats.poisson(mean)
        apart = np.abs(got - law.pmf(np.arange(got.size))).sum() + law.sf(got.size - 1)
        assert apart / 2 < 1e-6, mean
        assert got.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("mean", [0.01, 0.8, 3.9, 10.0, 45.0])
def test_poisson_follows_the_mass_function(stream, mean):
    sample = jax.vmap(lambda t: poisson(stream, t, jnp.float32(mean)))
    counts = np.asarray(jax.jit(sample)(jnp.arange(64, dtype=jnp.int32))).ravel()
    assert counts.dtype == np.float32
    assert np.array_equal(counts, np.round(counts))
    law = stats.poisson(mean)
    edges = np.arange(law.ppf(1e-4), law.ppf(1 - 1e-4) + 1)
    observed = [np.sum(counts <= edges[0]), *(np.sum(counts == k) for k in edges[1:])]
    expected = [law.cdf(edges[0]), *law.pmf(edges[1:])]
    observed.append(counts.size - sum(observed))
    expected.append(1 - sum(expected))
    assert stats.chisquare(observed, np.array(expected) * counts.size).pvalue > 0.01


@pytest.fixture(scope="module")
def of_one_mean(stream):
    """The counts of all neurons at one mean after the other, (means, SIZE)."""
    return np.stack([counts_of(stream, 3, jnp.float32(mean)) for mean in MEANS])


def test_a_mean_per_neuron_gives_the_count_of_that_mean(stream, of_one_mean):
    """However many other neurons have other means: all alike, all below 0.2, anything."""
    for mean, expected in zip(MEANS, of_one_mean, strict=True):
        for first in (mean, 0.05, 40.0):
            means = jnp.full(SIZE, mean, jnp.float32).at[0].set(first)
            assert np.array_equal(counts_of(stream, 3, means)[1:], expected[1:]), (mean, first)
    which = np.arange(SIZE) % len(MEANS)
    mixed = counts_of(stream, 3, jnp.asarray(MEANS, jnp.float32)[which])
    assert np.array_equal(mixed, of_one_mean[which, np.arange(SIZE)])


def test_a_batch_of_means_gives_the_counts_of_each(stream, of_one_mean):
    batch = jax.jit(jax.vmap(lambda mean: poisson(stream, 3, mean)))
    means = jnp.asarray(MEANS, jnp.float32)
    assert np.array_equal(batch(means), of_one_mean)
    assert np.array_equal(batch(jnp.tile(means[:, None], SIZE)), of_one_mean)


def test_counts_without_branches_are_the_same(stream, of_one_mean):
    """A GPU gets another program, which neither branches nor loops."""
    which = np.arange(SIZE) % len(MEANS)

    def on_gpu(mean):
        return poisson(stream, 3, mean)

    with ops.use_kernels("gpu"):
        compiled = jax.jit(on_gpu)
        text = str(jax.make_jaxpr(on_gpu)(jnp.float32(1)))
        counts = [compiled(jnp.float32(mean)) for mean in MEANS]
        mixed = compiled(jnp.asarray(MEANS, jnp.float32)[which])
    assert not any(word in text for word in ("cond[", "while["))
    assert np.array_equal(counts, of_one_mean)
    assert np.array_equal(mixed, of_one_mean[which, np.arange(SIZE)])


def test_double_precision_changes_no_count(stream, of_one_mean, x64):
    means = np.float32(MEANS).astype(float)
    for mean, expected in zip(means, of_one_mean, strict=True):
        counts = counts_of(stream, 3, jnp.asarray(mean))
        assert counts.dtype == np.float64
        assert np.array_equal(counts, expected)


def test_out_of_range_is_nan_and_zero_is_silent(stream):
    means = jnp.array([0.0, 50.0, 50.1, -1e-3, jnp.nan, jnp.inf, 1e4, 0.0], jnp.float32)
    counts = np.asarray(counts_of(stream[:, :8], 0, means))
    assert np.array_equal(np.isnan(counts), [False, False, True, True, True, True, True, False])
    assert counts[0] == counts[7] == 0
    assert 20 < counts[1] < 85
    assert np.all(np.isnan(counts_of(stream, 0, jnp.float32(50.1))))


@pytest.mark.parametrize("word", [0, TOP])
def test_extreme_bits(monkeypatch, stream, word):
    """The largest word is silent at mean 0, and no word is without an end at any mean."""
    monkeypatch.setattr("spikax._counts.bits", lambda *_: jnp.full(2, word, jnp.uint32))
    run = jax.jit(lambda means: [poisson(stream[:, :2], 0, m) for m in (means, means[1])])
    for mean in (0.1, 3.0, 50.0):
        (silent, each), one = run(jnp.array([0.0, mean], jnp.float32))
        assert silent == 0
        assert each == one[1]
        assert (each == 0) if word == 0 and mean < 4 else (0 <= each < 150)


def test_sends_no_gradient_to_the_mean(stream):
    def total(mean):
        return jnp.sum(mean * poisson(stream[:, :8], 0, mean))

    mean = jnp.full(8, 2.0)
    assert np.array_equal(jax.jit(jax.grad(total))(mean), counts_of(stream[:, :8], 0, mean))


def test_the_counts_of_one_mean_are_one_loop_over_the_neurons(stream):
    """In the compiled step: no other loop but that of the thresholds, of scalars alone."""
    step = jax.jit(lambda t, mean: poisson(stream, t, mean)).lower(jnp.int32(0), jnp.float32(2))
    loops = [line for line in step.compile().as_text().splitlines() if " while(" in line]
    assert len(loops) <= 1
    assert not any(str(SIZE) in line for line in loops)


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from spikax import _random as random
from spikax._counts import poisson

mesh = Mesh(np.array(jax.devices()), ("neurons",))
assert len(jax.devices()) == 2
stream = random.streams(1, 64)
cases = {
    "one": (jnp.float32(2.5), P()),
    "one, large": (jnp.float32(45), P()),
    "alike": (jnp.full(64, 5.5), P("neurons")),
    "each": (jnp.linspace(0, 50, 64), P("neurons")),
}
for name, (mean, spec) in cases.items():
    run = lambda stream, mean: poisson(stream, 9, mean)
    specs = dict(in_specs=(P(None, "neurons"), spec), out_specs=P("neurons"))
    got = jax.jit(jax.shard_map(run, mesh=mesh, **specs))(stream, mean)
    assert np.array_equal(got, jax.jit(run)(stream, mean)), name
print("same on two devices")
"""


def test_counts_are_the_same_on_two_devices():
    """Under shard_map over two forced host devices, in a process of its own."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    command = [sys.executable, "-c", SHARDED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "same on two devices" in done.stdout, done.stderr[-3000:]
