"""The counter hash: its published text, its statistics, and what it must not depend on."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from spikax import _random as random
from spikax.errors import ConfigError

SIZE, STEPS = 4096, 256
GOLDEN = 0x9E3779B9

all_bits = jax.jit(random.bits)


@pytest.fixture(scope="module")
def stream():
    return random.streams(7, SIZE)


@pytest.fixture(scope="module")
def block(stream):
    """Bits of all neurons at all steps, (STEPS, SIZE)."""
    return np.asarray(over_steps(random.bits)(stream, STEPS))


def over_steps(sample):
    """Take `sample` at the steps 0, 1, ... in one compiled function."""

    def run(stream, steps, draw=0):
        t = jnp.arange(steps, dtype=jnp.int32)
        return jax.jit(jax.vmap(lambda t: sample(stream, t, draw)))(t)

    return run


def correlation(x, y):
    return np.corrcoef(x.ravel(), y.ravel())[0, 1]


# The text of the module, once more in Python integers.


def mix(x):
    for shift, factor in ((16, 0x21F0AAAD), (15, 0xD35A2D97), (15, 1)):
        x = (x ^ x >> shift) * factor & 0xFFFFFFFF
    return x


def scramble(x, y):
    for r in (1, 3):
        x ^= mix(y ^ r * GOLDEN & 0xFFFFFFFF)
        y ^= mix(x ^ (r + 1) * GOLDEN & 0xFFFFFFFF)
    return x, y


def published(seed, name, neuron, t, draw):
    number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
    x, y = scramble(seed >> 32, seed % 2**32)
    x, y = scramble(x ^ number >> 32, y ^ number % 2**32)
    x, y = scramble(x, y)
    a, b = scramble(x ^ neuron, y)
    p, q = scramble(t % 2**32, draw)
    return mix(mix(a ^ p) ^ b ^ q)


KNOWN = [  # seed, population, neuron, step, draw, bits
    (0, "", 0, 0, 0, 3427389483),
    (0, "E", 0, 0, 0, 2116750020),
    (1, "E", 0, 0, 0, 1643789883),
    (1, "I", 3199, 9999, 1, 314496348),
    (2**32, "E", 1, 2, 3, 1901278590),
    (2**64 - 1, "E->I:exc", 77, 2**31 - 1, 2**31 - 1, 2822880836),
    (12345, "Purkinje", 4, -1, 0, 106458522),
    (20260101, "granule α", 2047, 123456, 7, 438423961),
]


@pytest.mark.parametrize(("seed", "name", "neuron", "t", "draw", "expected"), KNOWN)
def test_known_answers_never_change(seed, name, neuron, t, draw, expected):
    stream = random.streams(random.fold(random.key_words(seed), name), SIZE)
    assert int(all_bits(stream, jnp.int32(t), np.uint32(draw))[neuron]) == expected
    assert published(seed, name, neuron, t, draw) == expected


def test_double_precision_changes_no_bit(stream, block, x64):
    again = random.streams(7, SIZE)
    assert again.dtype == jnp.uint32
    assert np.array_equal(again, stream)
    assert np.array_equal(random.bits(again, jnp.int64(5)), block[5])


def test_float64_continues_float32(stream, x64):
    single = np.asarray(random.uniform(stream, 3))
    double = np.asarray(random.uniform(stream, 3, dtype=jnp.float64))
    assert double.dtype == np.float64
    assert np.all((double >= single) & (double - single < 2.0**-24))
    assert len(np.unique(double * 2.0**53 % 2**29)) > 0.99 * SIZE


def test_equal_in_a_loop_one_by_one_and_in_a_batch(stream, block):
    steps = jnp.arange(8, dtype=jnp.int32)
    looped = jax.lax.scan(lambda c, t: (c, random.bits(stream, t)), 0, steps)[1]
    single = [all_bits(stream, t) for t in range(8)]
    other = random.streams(8, SIZE)
    batched = jax.vmap(random.bits, (0, None))(jnp.stack([other, stream]), steps[5])
    assert np.array_equal(looped, block[:8])
    assert np.array_equal(single, block[:8])
    assert np.array_equal(batched[1], block[5])


def test_a_slice_of_the_stream_is_the_stream_of_the_slice(stream, block):
    assert np.array_equal(random.bits(stream[:, 100:300], 9), block[9, 100:300])
    assert np.array_equal(random.streams(7, 50), stream[:, :50])


def test_integer_key_and_words_name_one_seed():
    key = jax.random.key(31)
    expected = random.key_words(31)
    assert np.array_equal(random.key_words(key), expected)
    assert np.array_equal(random.key_words(jax.random.key_data(key)), expected)
    assert np.array_equal(random.key_words(np.int64(31)), expected)
    assert random.key_words(jax.random.key(31, impl="rbg")).shape == (2,)


@pytest.mark.parametrize("key", [-1, 2**64, 1.5, np.zeros(3, np.uint32), np.zeros(2)])
def test_what_is_no_seed_is_refused(key):
    with pytest.raises(ConfigError, match=r"give (such )?an integer"):
        random.key_words(key)


def test_half_precision_noise_is_refused(stream):
    with pytest.raises(ConfigError, match="float16"):
        random.uniform(stream, 0, dtype=jnp.float16)


def test_fold_takes_traced_words_and_numbers():
    words = random.key_words(3)
    assert np.array_equal(
        jax.jit(random.fold, static_argnums=1)(words, "E"), random.fold(words, "E")
    )
    assert np.array_equal(jax.jit(random.fold)(words, 5), random.fold(words, 5))
    crossed = random.fold(random.key_words(5), 3)
    assert not np.array_equal(random.fold(words, 5), crossed)


# Statistics: fixed seeds, so each of these either always passes or always fails.


def test_bits_are_uniform(block):
    counts = np.bincount(block.ravel() >> 20, minlength=4096)
    low = np.bincount(block.ravel() & 4095, minlength=4096)
    assert stats.chisquare(counts).pvalue > 0.01
    assert stats.chisquare(low).pvalue > 0.01
    assert stats.kstest(block.ravel() / 2.0**32, "uniform").pvalue > 0.01


def test_each_neuron_and_each_step_is_uniform(block):
    unit = block / 2.0**32
    neurons = [stats.kstest(unit[:, i], "uniform").pvalue for i in range(0, SIZE, 16)]
    steps = [stats.kstest(row, "uniform").pvalue for row in unit]
    assert stats.kstest(neurons, "uniform").pvalue > 0.01
    assert stats.kstest(steps, "uniform").pvalue > 0.01


@pytest.mark.parametrize("lag", [1, 2, 3, 64])
@pytest.mark.parametrize("transform", [lambda u: u, lambda u: (u - 0.5) ** 2, lambda u: u % 2**-8])
def test_no_serial_correlation(stream, block, lag, transform):
    u = transform(block / 2.0**32)
    other = np.asarray(over_steps(random.bits)(stream, STEPS, lag)) / 2.0**32
    bound = 3.5 / np.sqrt(u.size)
    assert abs(correlation(u[:, lag:], u[:, :-lag])) < bound
    assert abs(correlation(u[lag:], u[:-lag])) < bound
    assert abs(correlation(u, transform(other))) < bound


def test_pairs_of_neighbours_fill_the_square(block):
    u = block >> 26
    for x, y in ((u[:, 1:], u[:, :-1]), (u[1:], u[:-1])):
        counts = np.bincount((x * np.uint32(64) + y).ravel(), minlength=4096)
        assert stats.chisquare(counts).pvalue > 0.01


def test_seeds_and_names_are_uncorrelated():
    words = [random.key_words(seed) for seed in (0, 1, 2, 2**32)]
    words += [random.fold(words[1], name) for name in ("E", "I", "E1", 0, 1, 2)]
    rows = np.stack([all_bits(random.streams(w, SIZE), 0) for w in words])
    off_diagonal = np.corrcoef(rows)[np.triu_indices(len(words), 1)]
    assert np.max(np.abs(off_diagonal)) < 3.5 / np.sqrt(SIZE)


def test_no_two_of_a_hundred_thousand_streams_are_equal():
    base = random.key_words(0)
    words = [random.fold(base, f"population {k}") for k in range(5)]
    words += [random.key_words(seed) for seed in range(5)]
    streams = np.concatenate([random.streams(w, 10_000) for w in words], axis=1).astype(np.uint64)
    assert len(np.unique(streams[0] << np.uint64(32) | streams[1])) == 100_000


def test_a_neuron_is_told_apart_by_more_than_32_bits():
    """With 2^35 pairs of neurons, eight would run in step if 32 bits were all that differ."""
    stream = random.streams(3, 2**18)
    first, second = (np.asarray(random.bits(stream, t), np.uint64) for t in (0, 1))
    assert len(np.unique(first)) < 2**18
    assert len(np.unique(first << np.uint64(32) | second)) == 2**18


def test_a_step_is_told_apart_by_more_than_32_bits():
    stream = random.streams(3, 2)
    steps = np.asarray(over_steps(random.bits)(stream, 2**18), np.uint64)
    assert len(np.unique(steps[:, 0] << np.uint64(32) | steps[:, 1])) == 2**18


def flips(changed, original):
    """How often each output bit differs, (32,)."""
    difference = np.asarray(changed ^ original)
    return np.array([np.mean(difference >> bit & 1) for bit in range(32)])


def flipped_inputs():
    size = 2**14
    draw_bits = jax.jit(lambda words, t, draw: random.bits(random.streams(words, size), t, draw))
    one = np.uint32(1)
    words, t, draw = np.array([0, 42], np.uint32), np.uint32(1000), np.uint32(0)
    original = np.asarray(draw_bits(words, t, draw))
    for bit in np.arange(32, dtype=np.uint32):
        flip = one << bit
        yield f"seed {bit}", original, draw_bits(words ^ np.array([0, flip], np.uint32), t, draw)
        yield f"high {bit}", original, draw_bits(words ^ np.array([flip, 0], np.uint32), t, draw)
        yield f"step {bit}", original, draw_bits(words, t ^ flip, draw)
        yield f"draw {bit}", original, draw_bits(words, t, draw ^ flip)
    for bit in range(14):
        yield f"neuron {bit}", original, original[np.arange(size) ^ (1 << bit)]


def test_avalanche():
    """Every bit of every input flips every bit of the output in half of the cases."""
    rates = {name: flips(changed, original) for name, original, changed in flipped_inputs()}
    deviation = {name: np.max(np.abs(rate - 0.5)) for name, rate in rates.items()}
    # 142 x 32 rates with standard error 0.0039; those of "neuron" count every pair twice.
    assert max(deviation.values()) < 0.025, max(deviation, key=deviation.__getitem__)
    assert abs(np.mean(list(rates.values())) - 0.5) < 3e-4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_bits_stay_in_range(monkeypatch, x64, dtype):
    extremes = jnp.array([0, 2**32 - 1], jnp.uint32)
    monkeypatch.setattr(random, "bits", lambda stream, t, draw: extremes)
    u = np.asarray(random.uniform(extremes, 0, dtype=dtype))
    z = np.asarray(random.normal(extremes, 0, dtype=dtype))
    assert u[0] == 0
    assert 1 - 2.0**-23 < u[1] < 1
    assert np.all(np.isfinite(z))
    assert z[0] == -z[1]
    bound = {"float32": 5.3, "float64": 8.3}[dtype]
    assert bound - 0.1 < z[1] < bound


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_is_standard_normal(stream, x64, dtype):
    sample = over_steps(lambda stream, t, draw: random.normal(stream, t, draw, dtype))
    z = np.asarray(sample(stream, 64)).ravel()
    assert z.dtype == dtype
    n = z.size
    assert abs(z.mean()) < 3 / np.sqrt(n)
    assert abs(z.var() - 1) < 3 * np.sqrt(2 / n)
    assert abs(stats.skew(z)) < 3 * np.sqrt(6 / n)
    assert abs(stats.kurtosis(z)) < 3 * np.sqrt(24 / n)
    assert stats.kstest(z, "norm").pvalue > 0.01


def test_streams_of_one_seed_compile_in_a_batch():
    """XLA on a CPU once did not come to an end with what every member of a batch has alike."""

    def named(words, x):
        return random.streams(random.fold(words, "noise"), 20), x

    words = random.key_words(1)
    batch, _ = jax.jit(jax.vmap(named, in_axes=(None, 0)))(words, jnp.arange(3.0))
    assert np.array_equal(batch[2], named(words, 0)[0])
