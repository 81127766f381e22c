"""Connectivity that is computed, not stored: a row of synapses follows from one hash of its source.

Which synapses a neuron has, and the weight and delay of each, are pure functions of the seed words
of the edge, so nothing is kept per synapse and every implementation finds the same network bit for
bit. Like the hash of `_random`, with whose `mix`, `scramble` and `fold` it is written, this text is
fixed, by the known answers in tests/core/test_procedural.py.

All arithmetic is on unsigned 32-bit words and wraps. `high(x, y)` is floor(x y / 2^32).

    w          the words of the edge: fold(seed words, "edge/" + name of its stream)
    (a, b)     scramble(w ^ (i, 0)), once for each source i
    u          mix(a ^ k) ^ b, where k = 0, 1, ..., K - 1 is the slot of the synapse
    number(c)  mix(u ^ c)

    target     j = high(number(0), n_post). Without autapses: j' = high(number(0), n_post - 1), and
               j = j' + 1 where j' >= i, else j'
    weight     table[number(0x9e3779b9) >> 20], table of 4096 values
    delay      table[number(0x3c6ef372) >> 20], table of 4096 numbers of steps

A table holds the quantiles (r + 1/2) / 4096 of a distribution; what is one number for all synapses
takes no table. So weights are looked up, never computed: no rounding can differ. The targets of a
neuron are uniform to within n_post / 2^32 of their probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax._connectivity import Rng, Rule, fixed_outdegree
from spikax._formats import CSR, Format, from_pairs, pytree, size
from spikax._pairs import Pairs, listed
from spikax._random import mix, scramble, scramble_once
from spikax.errors import ConfigError

TABLE = 4096
_WEIGHT, _DELAY = np.uint32(0x9E3779B9), np.uint32(0x3C6EF372)


class Slots(NamedTuple):
    """Synapses of some sources.

    Attributes:
        target: int32.
        word: u, uint32.
    """

    target: Array
    word: Array


@pytree
@dataclass(frozen=True)
class Procedural(Format):
    """`k` synapses for every source, computed when they are needed: layout (n_pre, k).

    A weight is one number or a table, (4096,), that synapses look theirs up in, and so is a delay.
    The methods of a format compute the whole layout at once, as its definition says.

    Attributes:
        key: uint32 (2,), the words of the edge.
        no_autapses: Whether source i and target i, one neuron, are not connected.
    """

    name: ClassVar[str] = "procedural"
    key: Array
    n_pre: int = size()
    n_post: int = size()
    no_autapses: bool = size()
    k: int = size()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.n_pre, self.k

    def row(self, source: Array, slot: Array) -> Slots:
        """The synapses in some slots, int32 (n,), of one source, an int32 scalar."""
        return self.slots(_barred(*scramble(*self.words(source))), source, slot)

    def _all(self) -> Slots:
        source = jnp.arange(self.n_pre, dtype=jnp.int32)[:, None]
        slot = jnp.arange(self.k, dtype=jnp.int32)[None, :]
        return self.slots(_barred(*scramble_once(*self.words(source))), source, slot)

    def words(self, source: Array) -> tuple[Array, Array]:
        """What `scramble` makes (a, b) of, for each source."""
        return self.key[0] ^ source.astype(jnp.uint32), self.key[1]

    def slots(self, ab: tuple[Array, Array], source: Array, slot: Array) -> Slots:
        """The synapses in some slots of some sources, whose (a, b) are given."""
        a, b = ab
        word = mix(a ^ slot.astype(jnp.uint32)) ^ b
        target = _high(mix(word), self.n_post - self.no_autapses).astype(jnp.int32)
        if self.no_autapses:
            target = target + (target >= source).astype(jnp.int32)
        return Slots(target, word)

    @property
    def targets(self) -> Array:
        return self._all().target

    def weights(self, weight: Array) -> Array:
        return weight_of(weight, self._all().word) if weight.ndim else weight

    def delays(self, delay: Array) -> Array:
        return delay_of(delay, self._all().word) if delay.ndim else delay

    def pre_values(self, x: Array) -> Array:
        return jnp.broadcast_to(x[:, None], self.shape)

    def sum_to_pre(self, values: Array) -> Array:
        return jnp.sum(values, axis=1)

    def listed(self, weight: Array, delay: Array) -> tuple[CSR, Array, Array]:
        """The same synapses stored: their format, weights and delays (one number stays one)."""
        pairs, order = self._sorted()
        weight, delay = (
            jnp.ravel(v)[order] if v.ndim else v for v in (self.weights(weight), self.delays(delay))
        )
        stored = from_pairs(pairs, CSR.name)
        assert isinstance(stored, CSR)
        return stored, weight, delay

    def pairs(self) -> Pairs:
        """The synapses as two lists."""
        return self._sorted()[0]

    def _sorted(self) -> tuple[Pairs, np.ndarray]:
        pre = np.repeat(np.arange(self.n_pre, dtype=np.int32), self.k)
        post = np.ravel(self.targets)
        order = np.lexsort((post, pre))
        return listed(pre, post[order], self.n_pre, self.n_post), order


def _barred(a: Array, b: Array) -> tuple[Array, Array]:
    """Arrays of their own.

    XLA's CPU compiler does not come to an end with the chain of operations of `scramble` where its
    result is broadcast (jax 0.10.2).
    """
    return lax.optimization_barrier((a, b))


def weight_of(table: Array, word: Array) -> Array:
    """Weights of the synapses with the words u."""
    return _looked_up(table, weight_place(word))


def delay_of(table: Array, word: Array) -> Array:
    """Delays, in steps, of the synapses with the words u."""
    return _looked_up(table, delay_place(word))


def weight_place(word: Array) -> Array:
    """Where in a table the weights of the synapses with the words u stand, int32."""
    return _place(mix(word ^ _WEIGHT))


def delay_place(word: Array) -> Array:
    """Where in a table their delays stand, int32."""
    return _place(mix(word ^ _DELAY))


def _place(number: Array) -> Array:
    return (number >> 20).astype(jnp.int32)


def _looked_up(table: Array, place: Array) -> Array:
    return table.at[place].get(mode="promise_in_bounds")


def _high(x: Array, n: int) -> Array:
    """floor(x n / 2^32), from products of halves."""
    half = np.uint32(0xFFFF)
    x1, x0, n1, n0 = x >> 16, x & half, np.uint32(n >> 16), np.uint32(n & 0xFFFF)
    middle = x1 * n0 + (x0 * n0 >> 16)
    if n1 == 0:
        return middle >> 16
    return x1 * n1 + (middle >> 16) + (x0 * n1 + (middle & half) >> 16)


@dataclass(frozen=True)
class procedural(Rule):
    """Compute the synapses of a rule whenever they are needed, and store none.

    The weight is one number or a distribution; so is the delay. Both are the same at every visit.

    Attributes:
        rule: `fixed_outdegree(k)` with multapses: the row of a source must follow from the source
            alone. A spike costs time with k.
    """

    rule: Rule

    def __post_init__(self) -> None:
        rule = self.rule
        if not isinstance(rule, fixed_outdegree):
            raise ConfigError(
                f"{rule} cannot be procedural; what can is fixed_outdegree, with multapses."
            )
        if not rule.allow_multapses:
            raise ConfigError(
                f"{rule} cannot be procedural: its targets differ, so they depend on each other; "
                "leave out allow_multapses=False, or procedural."
            )

    def format(self, key: Array, n_pre: int, n_post: int, *, same: bool = False) -> Procedural:
        """The synapses between so many neurons; `key` is two words, else as in `sample`."""
        rule = self.rule
        assert isinstance(rule, fixed_outdegree)
        no_autapses = same and not rule.allow_autapses
        rule.check(n_post - no_autapses)
        return Procedural(key, n_pre, n_post, no_autapses, rule.k)

    def sample(self, n_pre: int, n_post: int, rng: Rng, *, same: bool = False) -> Pairs:
        key = jnp.asarray(rng.integers(2**32, size=2, dtype=np.uint32))
        return self.format(key, n_pre, n_post, same=same).pairs()

    def expected(self, n_pre: int, n_post: int, *, same: bool = False) -> float:
        return self.rule.expected(n_pre, n_post, same=same)
