"""Learning signals: what the loss says to each population, along each of its ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import BuiltNetwork, Edge
from spikax.errors import ConfigError, ShapeError
from spikax.ops import Dense, transpose
from spikax_learning._linearise import Jacobians
from spikax_learning._plan import Plan, Target, Way

Said = Mapping[str, tuple[Array, ...]]
"""By population, the learning signal of each of its ways, (K, N)."""


@dataclass(frozen=True)
class Feedback:
    """How errors come to a population."""

    def broadcast(self, readout: str) -> bool:
        """Whether the errors of a readout come by feedback, not by the network's own weights."""
        del readout
        return True

    def feedback(self, net: BuiltNetwork, plan: Plan) -> dict[str, Array]:
        """The matrices it needs of its own: none."""
        del net, plan
        return {}

    def after(
        self, feedback: Mapping[str, Array], old: BuiltNetwork, new: BuiltNetwork
    ) -> Mapping[str, Array]:
        """The matrices after the weights have changed."""
        del old, new
        return feedback

    def listens(self, plan: Plan) -> tuple[str, ...]:
        """Populations whose spikes it needs to hear of."""
        del plan
        return ()

    def told(self, key: str, way: Way, matrix: Array | None, heard: Heard) -> Array | None:
        """The learning signal of one way, (K, N); None for what comes back by the weights.

        Args:
            key: "pre>post" of the way.
            way: The way.
            matrix: That of `feedback` for it.
            heard: What there was in the window.
        """
        del key, way, matrix, heard
        return None


@dataclass(frozen=True)
class Symmetric(Feedback):
    """Errors go back by the very weights that led forward: L_j = sum_k W_jk error_k."""

    def broadcast(self, readout: str) -> bool:
        del readout
        return False


@dataclass(frozen=True)
class Random(Feedback):
    """Errors go back by a fixed matrix B (Lillicrap et al. 2016): L_j = sum_k B_jk error_k.

    Attributes:
        seed: Seed of the standard normal numbers of which B is made.
        scale: Their factor.
        matrices: B itself by population, `{"E": array}`, (neurons, outputs).
        readouts: Those whose errors come so; of others they go back by the weights. None for all.
    """

    seed: int = 0
    scale: float = 1.0
    matrices: Mapping[str, object] | None = None
    readouts: tuple[str, ...] | None = None

    def broadcast(self, readout: str) -> bool:
        return self.readouts is None or readout in self.readouts

    def feedback(self, net: BuiltNetwork, plan: Plan) -> dict[str, Array]:
        """One matrix for each population and each readout that speaks to it."""
        sizes = dict(net.sizes)
        return {
            _key(target, way): self._matrix(target.population, sizes, way)
            for target in plan.targets
            for way in target.ways
            if way.to is not None and self.broadcast(way.to)
        }

    def _matrix(self, name: str, sizes: Mapping[str, int], way: Way) -> Array:
        shape = sizes[name], sizes[str(way.to)]
        if self.matrices is None or name not in self.matrices:
            words = [self.seed, *map(ord, f"{name}>{way.to}")]
            numbers = np.random.default_rng(words).standard_normal(shape) * self.scale
        else:
            numbers = np.asarray(self.matrices[name])
        if numbers.shape != shape:
            raise ShapeError(
                f"the feedback to {name!r} has shape {numbers.shape}; expected {shape}: neurons of "
                f"{name!r} by outputs of {way.to!r}."
            )
        return jnp.asarray(numbers, jnp.zeros(()).dtype)

    def told(self, key: str, way: Way, matrix: Array | None, heard: Heard) -> Array | None:
        if matrix is None:
            return None
        post = key.partition(">")[2]
        seen = [error for path, error in heard.errors.items() if path.partition(".")[0] == post]
        return (seen[0] * heard.gain(post, way)) @ matrix.T

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Adaptive(Random):
    """Feedback that begins at random and then gets the changes of the weights forward.

    B <- B + dW, for a population with one dense projection to the readout (Bellec et al. 2020).
    """

    def after(
        self, feedback: Mapping[str, Array], old: BuiltNetwork, new: BuiltNetwork
    ) -> Mapping[str, Array]:
        """B moves with the weights from its population to the readout."""
        return {key: value + _change(key, old, new) for key, value in feedback.items()}

    __hash__ = object.__hash__


def _change(key: str, old: BuiltNetwork, new: BuiltNetwork) -> Array | float:
    pre, _, post = key.partition(">")
    names = [n for n, edge in new.edges.items() if (edge.pre, edge.post) == (pre, post)]
    if not names:
        raise ConfigError(
            f"adaptive feedback to {pre!r} follows the weights from it to {post!r}, and there is "
            "no such projection; add one, or use random feedback."
        )
    if len(names) > 1 or not isinstance(new.edges[names[0]].format, Dense):
        raise ConfigError(
            f"adaptive feedback to {pre!r} follows one dense projection to {post!r}; there are "
            f"{len(names)} ({', '.join(names)}), of which a sparse one cannot be added to a matrix."
        )
    now = new.edges[names[0]].weight
    return 0.0 if now is None else now - old.edges[names[0]].weight


@dataclass(frozen=True)
class Local(Random):
    """Each population hears a loss of its own, of fixed random readouts of its spikes.

    Attributes:
        outputs: Readouts of each population.
    """

    outputs: int = 1

    def listens(self, plan: Plan) -> tuple[str, ...]:
        return tuple(t.population for t in plan.targets if any(way.to for way in t.ways))

    def _matrix(self, name: str, sizes: Mapping[str, int], way: Way) -> Array:
        n = sizes[name]
        numbers = np.random.default_rng([self.seed, *map(ord, name)])
        return jnp.asarray(
            numbers.standard_normal((n, self.outputs)) / np.sqrt(n), jnp.zeros(()).dtype
        )

    def told(self, key: str, way: Way, matrix: Array | None, heard: Heard) -> Array | None:
        del way
        if matrix is None:
            return None
        y = heard.spikes[key.partition(">")[0]] @ matrix
        return jax.vmap(jax.grad(heard.loss))(y, heard.targets) @ matrix.T

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Modulated(Feedback):
    """All hear the same: the loss of the step."""

    def told(self, key: str, way: Way, matrix: Array | None, heard: Heard) -> Array | None:
        del way, matrix
        n = heard.moved[key.partition(">")[0]].recurrent.shape[-1]
        return jnp.broadcast_to(heard.losses[:, None], (len(heard.losses), n))


@dataclass(frozen=True)
class Heard:
    """What there was in a window of K steps.

    Attributes:
        moved: The Jacobians of each step, by population.
        errors: dE/d signal by the path of each signal that the loss reads, (K, N).
        losses: (K,).
        spikes: (K, N), of the populations that feedback listens to.
        targets: What the loss compares with, step by step.
        loss: Loss of one step.
    """

    moved: Mapping[str, Jacobians]
    errors: Mapping[str, Array]
    losses: Array
    spikes: Mapping[str, Array]
    targets: Any
    loss: Any

    def gain(self, readout: str, way: Way) -> Array:
        """How the output of a readout answers to what comes by an edge; 1 where there is none."""
        moved = self.moved[readout]
        if not way.edges:
            return jnp.ones(())
        read = next(iter(moved.read.values()))
        return jnp.einsum("kan,kan->kn", read, moved.injected[way.edges[0]])


def said(
    net: BuiltNetwork,
    plan: Plan,
    feedback: Feedback,
    matrices: Mapping[str, Array],
    heard: Heard,
) -> dict[str, tuple[Array, ...]]:
    """What the loss says to each population along each of its ways, those next to it first."""
    found = dict[str, tuple[Array, ...]]()
    for target in plan.targets:
        keys = [_key(target, way) for way in target.ways]
        by_feedback = [
            feedback.told(key, way, matrices.get(key), heard)
            for key, way in zip(keys, target.ways, strict=True)
        ]
        found[target.population] = tuple(
            _along(net, plan, target, way, heard, found) if signal is None else signal
            for way, signal in zip(target.ways, by_feedback, strict=True)
        )
    return found


def _along(
    net: BuiltNetwork, plan: Plan, target: Target, way: Way, heard: Heard, found: Said
) -> Array:
    if way.to is None:
        return heard.errors[f"{target.population}.{way.signal}"]
    there = next(t for t in plan.targets if t.population == way.to)
    total = [_back(net.edges[e], e, there, heard.moved[way.to], found[way.to]) for e in way.edges]
    return reduce(jnp.add, total)


def _back(edge: Edge, name: str, there: Target, moved: Jacobians, told: tuple[Array, ...]) -> Array:
    """What the target of an edge was told, carried back by its weights.

    Of what it told others only that counts which it shows at once: a memory of its own is in the
    trace, and what else it keeps is not followed.
    """
    total = jnp.zeros(())
    for way, signal in zip(there.ways, told, strict=True):
        at_once = jnp.einsum("kan,kan->kn", moved.read[way.signal], moved.injected[name])
        total = total + at_once * signal
    return jax.vmap(lambda y: transpose(edge.format, edge.weight, y))(total)


def _key(target: Target, way: Way) -> str:
    return f"{target.population}>{way.to}"


SYMMETRIC = Symmetric()
RANDOM = Random()
