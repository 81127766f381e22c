"""Eligibility: what is remembered of an arrival's effect on a neuron, exactly or cheaper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import leaves
from spikax.errors import ConfigError
from spikax.units import ms, to_coherent
from spikax_learning._linearise import Jacobians

Memory = Mapping[str, Array]
"""What a trace keeps of the neurons themselves, by edge."""


@dataclass(frozen=True)
class Exact:
    """One trace for each parameter, moved by the neuron's own Jacobian: eps <- J eps + Ju x."""

    remembers: ClassVar[bool] = True
    at_once: ClassVar[bool] = False
    """Whether it follows nothing of an arrival but the answer of the moment."""

    def start(self, shapes: Mapping[str, Any]) -> Memory:
        """What is kept of the neurons beside the traces, by edge: nothing."""
        del shapes
        return {}

    def reduced(self, memory: Memory, moved: Jacobians, decay: Any) -> tuple[Memory, Jacobians]:
        """The Jacobians of a window, (K, ...) each, as the traces follow them."""
        del decay
        return memory, moved

    def decay(self, population: str, model: Any, dt: float) -> Any:
        """What is kept in a step, where that is a number; None where the neuron tells."""
        del population, model, dt
        return None

    def variables(self, moved: Jacobians) -> int:
        """How many it follows of each neuron."""
        return len(moved.lasting)

    def filters(self) -> bool:
        """Whether what sources send is filtered before it meets the target."""
        return False


@dataclass(frozen=True)
class Leak(Exact):
    """One trace for each parameter, a single number that leaks: e <- a e + psi x.

    psi = dz/dh Ju is the neuron's answer at once, a = exp(-dt / tau).

    Attributes:
        tau: A time constant in ms; None for the membrane's.
    """

    tau: float | None = None
    at_once: ClassVar[bool] = True

    def reduced(self, memory: Memory, moved: Jacobians, decay: Any) -> tuple[Memory, Jacobians]:
        injected = _answers(moved, moved.injected)
        return memory, _as_numbers(moved, injected, decay)

    def variables(self, moved: Jacobians) -> int:
        return len(moved.read)

    def decay(self, population: str, model: Any, dt: float) -> Any:
        return _decay(self, self.tau, population, model, dt)


@dataclass(frozen=True)
class AtOnce(Leak):
    """What sources send is filtered, x <- a x + x(n), and meets the answer of the moment, psi.

    One number for each source and none for each synapse.
    """

    remembers: ClassVar[bool] = False

    def reduced(self, memory: Memory, moved: Jacobians, decay: Any) -> tuple[Memory, Jacobians]:
        del decay
        return memory, _as_numbers(moved, _answers(moved, moved.injected), 0.0)

    def filters(self) -> bool:
        return True


@dataclass(frozen=True)
class Factored(AtOnce):
    """A filter at the source and one at the target, by its Jacobian: f <- a J f + (1 - a) Ju."""

    at_once: ClassVar[bool] = False

    def start(self, shapes: Mapping[str, Any]) -> Memory:
        return {name: jnp.zeros(x.shape, x.dtype) for name, x in shapes.items()}

    def reduced(self, memory: Memory, moved: Jacobians, decay: Any) -> tuple[Memory, Jacobians]:
        def move(f: Memory, now: tuple[Array, Memory]) -> tuple[Memory, Memory]:
            block, injected = now
            new = {
                name: decay * jnp.einsum("abn,bn->an", tiled(block, f[name]), f[name])
                + (1 - decay) * injected[name]
                for name in f
            }
            return new, new

        end, followed = lax.scan(move, memory, (moved.recurrent, dict(moved.injected)))
        return end, _as_numbers(moved, _answers(moved, followed), 0.0)


def tiled(values: Array, like: Array) -> Array:
    """Values of the neurons, once for each channel of a port that edges end on."""
    return jnp.tile(values, like.shape[-1] // values.shape[-1])


def _answers(moved: Jacobians, injected: Memory) -> dict[str, Array]:
    """How each signal answers at once to an arrival, (K, signals, n_post), by edge."""
    return {
        name: jnp.stack(
            [jnp.sum(tiled(read, x) * x, axis=1) for read in moved.read.values()], axis=1
        )
        for name, x in injected.items()
    }


def _as_numbers(moved: Jacobians, injected: Memory, decay: Any) -> Jacobians:
    """Jacobians of one number for each signal, that it is and that decays."""
    steps, n, count = moved.recurrent.shape[0], moved.recurrent.shape[-1], len(moved.read)
    eye = jnp.broadcast_to(jnp.eye(count)[None, :, :, None], (steps, count, count, n))
    read = {name: eye[:, k] for k, name in enumerate(moved.read)}
    return Jacobians(
        recurrent=eye * decay, injected=injected, read=read, shown={}, lasting=tuple(range(count))
    )


def in_ms(tau: Any) -> float | None:
    """A time constant as a number, if there is one."""
    return None if tau is None else float(to_coherent(tau, ms, "tau"))


def _decay(trace: Exact, tau: float | None, population: str, model: Any, dt: float) -> Array:
    if tau is not None:
        return jnp.exp(-dt / tau * jnp.ones(()))
    found = [leaf.value for leaf in leaves(model) if leaf.path.rpartition(".")[2] == "tau_m"]
    if len(found) != 1 or (trace.filters() and np.ndim(found[0])):
        raise ConfigError(
            f"population {population!r} has {len(found)} time constants tau_m to take the decay of "
            "a trace from, or one for each neuron; say which with tau=, for example tau=20*ms."
        )
    return jnp.exp(-dt / jnp.asarray(found[0]))


def filtered(decay: Any, sent: Array, last: Array) -> Array:
    """What sources send in a window, (K, n_pre), with what they keep of it from step to step."""

    def move(x: Array, now: Array) -> tuple[Array, Array]:
        new = decay * x + now
        return new, new

    return lax.scan(move, last, sent)[1]


EXACT = Exact()
