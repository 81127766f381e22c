"""The one source of noise at run time: a counter hash of (seed, population, neuron, step, draw).

A random number is a pure function of what it is for, so results do not depend on how a run is cut
into chunks, on the position in a batch, or on the number of devices, and any kernel can recompute
it. `jax.random` serves for set-up only. The hash is part of the file format of spikax: it is fixed
by this text and by the known answers in tests/core/test_random.py, and never changes.

All arithmetic is on unsigned 32-bit words and wraps. `^` is exclusive or, `>>` a logical shift.

    mix(x):          x ^= x >> 16;  x *= 0x21f0aaad;  x ^= x >> 15;  x *= 0xd35a2d97;  x ^= x >> 15
    scramble(x, y):  x ^= mix(y ^ 0x9e3779b9);  y ^= mix(x ^ 0x3c6ef372)
                     x ^= mix(y ^ 0xdaa66d2b);  y ^= mix(x ^ 0x78dde6e4)

    seed words       of an integer s < 2^64: (s >> 32, s mod 2^32), as in jax.random.key
    fold(w, n)       scramble(scramble(w) ^ (n >> 32, n mod 2^32)), where a name stands for the
                     integer whose 8 bytes, least significant first, are its 8-byte BLAKE2b digest
    stream of i      (a, b) = scramble(scramble(w) ^ (i, 0)), i the index in the population
    bits             mix(mix(a ^ p) ^ b ^ q), where (p, q) = scramble(step, draw)

Two mixes per neuron and number: p and q are scalars. `scramble` is a bijection of 64 bits, so
neither two neurons of a population nor two (step, draw) ever share their words. Draws from 2^31 on
are second words: the low ones of double precision, those of `_counts`. Constants of `mix`: the
search for low-bias 32-bit permutations of C. Wellons (hash-prospector, public domain).
"""

from __future__ import annotations

import hashlib
import math
import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike, DTypeLike

from spikax.errors import ConfigError

_MULTIPLIERS = np.uint32(0x21F0AAAD), np.uint32(0xD35A2D97)
# Multiples of the golden ratio: the rounds differ, and words of zero do not stay zero.
_ROUNDS = tuple(np.uint32(r * 0x9E3779B9 & 0xFFFFFFFF) for r in (1, 2, 3, 4))
_LOW_WORDS = np.uint32(1 << 31)


def key_words(key: int | Array) -> Array:
    """The two seed words, uint32 (2,), of an integer, a jax key or two words.

    An integer and `jax.random.key` of it give the same words.

    Raises:
        ConfigError: For an integer outside [0, 2^64) and for arrays that are no key.
    """
    if isinstance(key, int | np.integer):
        seed = operator.index(key)
        if not 0 <= seed < 1 << 64:
            raise ConfigError(f"the seed {seed} is outside [0, 2^64); give such an integer")
        return jnp.stack([_word(seed >> 32), _word(seed)])
    words = jnp.asarray(key)
    if jnp.issubdtype(words.dtype, jax.dtypes.prng_key):
        words = jax.random.key_data(words)
    if words.dtype != jnp.uint32 or words.shape not in ((2,), (4,)):
        raise ConfigError(
            f"a seed of shape {words.shape} and dtype {words.dtype} is no key; give an integer, "
            "jax.random.key(seed), or two uint32 words; under jax.vmap, jax.random.split(key, n)"
        )
    # The keys of the "rbg" generators hold four words.
    return words if words.size == 2 else jnp.stack(scramble(words[0], words[1])) ^ words[2:]


def fold(words: Array, name: str | int | Array) -> Array:
    """The seed words of the part called `name`: a population, an edge, a trial.

    Args:
        words: uint32 (2,), as from `key_words`.
        name: A text (the same on every machine) or an integer, which may be traced.
    """
    high, low = _name_words(name)
    x, y = scramble_once(words[0], words[1])
    return jnp.stack(scramble_once(x ^ high, y ^ low))


def streams(key: int | Array, size: int) -> Array:
    """The words that tell the neurons of a population apart: uint32 (2, size).

    A slice along the neurons is the stream of those neurons, wherever they are computed.
    """
    return streams_of(key_words(key), jnp.arange(size, dtype=jnp.uint32))


def streams_of(words: Array, index: Array) -> Array:
    """The same for some of them: uint32 (2, ...) of the indices (...), uint32."""
    x, y = scramble_once(words[0], words[1])
    return jnp.stack(scramble_once(x ^ index, jnp.full(index.shape, y)))


def bits(stream: Array, t: ArrayLike, draw: ArrayLike = 0) -> Array:
    """32 random bits per neuron, uint32 (N,).

    Args:
        stream: uint32 (2, N), as from `streams`.
        t: The step, an integer scalar, usually traced.
        draw: Tells apart the numbers that one neuron takes in one step, below 2^31.
    """
    p, q = scramble(_word(t), _word(draw))
    return mix(mix(stream[0] ^ p) ^ stream[1] ^ q)


def uniform(
    stream: Array, t: ArrayLike, draw: ArrayLike = 0, dtype: DTypeLike = jnp.float32
) -> Array:
    """Uniform numbers in [0, 1), never 1: 24 bits in float32, 53 bits in float64.

    The float64 number continues the float32 one: they differ by less than 2^-24.
    """
    return _fraction(stream, t, draw, dtype, last_bit=0)


def normal(
    stream: Array, t: ArrayLike, draw: ArrayLike = 0, dtype: DTypeLike = jnp.float32
) -> Array:
    """Standard normal numbers by inversion: finite, within +-5.3 in float32, +-8.3 in float64."""
    # An odd grid is symmetric about 0 and leaves out -1 and 1, where the inverse is infinite.
    symmetric = 2.0 * _fraction(stream, t, draw, dtype, last_bit=1) - 1.0
    return math.sqrt(2.0) * lax.erf_inv(symmetric)


def mix(x: Array) -> Array:
    """The permutation of 32-bit words."""
    x = (x ^ (x >> 16)) * _MULTIPLIERS[0]
    x = (x ^ (x >> 15)) * _MULTIPLIERS[1]
    return x ^ (x >> 15)


def scramble(x: Array, y: Array) -> tuple[Array, Array]:
    """The permutation of pairs of words."""
    x = x ^ mix(y ^ _ROUNDS[0])
    y = y ^ mix(x ^ _ROUNDS[1])
    x = x ^ mix(y ^ _ROUNDS[2])
    y = y ^ mix(x ^ _ROUNDS[3])
    return x, y


@jax.jit
def scramble_once(x: Array, y: Array) -> tuple[Array, Array]:
    """The same, for set-up."""
    # As a loop: under jit(vmap), XLA's CPU compiler does not come to an end with the chain of
    # operations where its result is broadcast to an output (jax 0.10.2).
    return lax.fori_loop(0, 2, _double_round, tuple(jnp.broadcast_arrays(x, y)))


def _double_round(i: Array, xy: tuple[Array, Array]) -> tuple[Array, Array]:
    rounds = jnp.asarray(_ROUNDS).reshape(2, 2)
    x, y = xy
    x = x ^ mix(y ^ rounds[i, 0])
    return x, y ^ mix(x ^ rounds[i, 1])


def _fraction(
    stream: Array, t: ArrayLike, draw: ArrayLike, dtype: DTypeLike, *, last_bit: int
) -> Array:
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    high = bits(stream, t, draw)
    if dtype == jnp.float32:
        # Conversion through int32 is one instruction on CPUs; from uint32 it is a sequence.
        return (high >> 8 | np.uint32(last_bit)).astype(jnp.int32).astype(dtype) * 2.0**-24
    if dtype == jnp.float64:
        low = bits(stream, t, _word(draw) ^ _LOW_WORDS) >> 11 | np.uint32(last_bit)
        return high.astype(dtype) * 2.0**-32 + low.astype(dtype) * 2.0**-53
    raise ConfigError(f"noise of dtype {dtype} does not exist; use float32 or float64")


def _word(value: ArrayLike) -> Array:
    if isinstance(value, int):
        return jnp.asarray(np.uint32(value & 0xFFFFFFFF))
    return jnp.asarray(value).astype(jnp.uint32)


def _name_words(name: str | int | Array) -> tuple[Array, Array]:
    if isinstance(name, str):
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        name = int.from_bytes(digest, "little")
    if isinstance(name, int):
        return _word(name >> 32), _word(name)
    return _word(0), _word(name)
