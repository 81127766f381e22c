"""The contract: a system has ports, signals, a state, and one pure update."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from spikax._component import Component
from spikax._distributions import Distribution
from spikax._fields import INTEGER_KINDS, CellSpec, Derived
from spikax._random import streams
from spikax.errors import ConfigError, ShapeError, unknown
from spikax.units import UNITLESS, Unit

Array = jax.Array


class Arrivals(NamedTuple):
    """What arrives in a step at a port that keeps events apart: the earliest first.

    Rows that are not needed are zero: an event without weight at the end of the step.

    Attributes:
        weight: (events, N), in the unit of the port.
        offset: (events, N), how long before the end of the step (ms), 0 on the grid.
    """

    weight: Any
    offset: Any


@dataclass(frozen=True)
class Port:
    """An input of a system.

    Attributes:
        unit: Unit of what arrives.
        channels: Names of separate channels, none for a plain port.
        route: Chooses a channel for each synapse when the network is built: `route(weights) ->
            channel indices`.
        events: 0 for a port that adds what arrives; else the most events of a step and target that
            it keeps apart, with their times: its input is `Arrivals`.
    """

    unit: Unit = UNITLESS
    channels: tuple[str, ...] = ()
    route: Callable[[np.ndarray], np.ndarray] | None = None
    events: int = 0

    def shape(self, size: int) -> tuple[int, ...]:
        """The shape of the full input: (size,), or (channels, size), or (events, size)."""
        rows = len(self.channels) or self.events
        return (rows, size) if rows else (size,)

    def nothing(self, size: int) -> Any:
        """The input when nothing comes."""
        zero = jnp.zeros(self.shape(size))
        return Arrivals(zero, zero) if self.events else zero


def by_sign(weights: np.ndarray) -> np.ndarray:
    """Route to channel 0 where the weight is not negative, to channel 1 where it is."""
    return (weights < 0).astype(np.int32)


class System(Component, ABC):
    """What has a state and moves it by one step: a neuron, a device, a detector, a network.

    `update` maps the state at step t to the state at t + 1. Every declared port is present at full
    shape, zero if nothing came. What arrives at a port acts at the end of the step: propagate, add
    arrivals, threshold and reset.
    """

    ports: Mapping[str, Port] = {}
    shapes: ClassVar[tuple[str, ...]] = ()
    """Parameters whose values the shape of the state depends on; they cannot be traced there."""

    @property
    def timed(self) -> Mapping[str, str]:
        """Which signals of spikes also come one by one: by name, the signal that has them so.

        That is (events, N), the earliest first, and "offset" is how long before the end of the step
        each is (ms). Ports of events take these; for all others spikes are those of a step.
        """
        return {}

    @property
    def fires_once(self) -> bool:
        """Whether "spike" is always 0 or 1; a recording then keeps one bit of it.

        Where such a spike is -0.0, as a surrogate of compact support writes it far from threshold,
        a backward pass takes its gradient for zero.
        """
        return False

    @property
    @abstractmethod
    def signals(self) -> Mapping[str, Unit]:
        """What others may read and record, with units."""

    @abstractmethod
    def init_state(self, size: int, *, key: Any, dt: float) -> Any:
        """A fresh state.

        Args:
            size: Number of neurons.
            key: Seed of the noise: an int, a JAX key, or two uint32 words.
            dt: Time step in ms.
        """

    @abstractmethod
    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> Any:
        """The state one step later.

        Args:
            state: The state at step `t`.
            inputs: One array per port, (size,) or (channels, size), coherent units.
            t: Index of the step, int32.
            dt: Time step in ms.
        """

    @abstractmethod
    def read(self, state: Any, name: str) -> Array:
        """The value of a signal, coherent units."""


class Dynamics(System):
    """A system whose update is elementwise over neurons: every cell belongs to one of them.

    A subclass names its class of states, `State`; its cells are its signals.
    """

    State: ClassVar[type[Any]]
    largest_dt: ClassVar[float] = math.inf
    """Step (ms) up to which it is accurate, where no time constant tells."""

    @property
    def signals(self) -> Mapping[str, Unit]:
        cells = self.State.cells
        return {n: c.unit for n, c in cells.items() if c.kind not in ("clock", "seed", "fault")}

    def init_state(self, size: int, *, key: Any, dt: float) -> Any:
        del dt  # only solvers need it

        def first(name: str, spec: CellSpec) -> Array:
            noise = spec.kind == "seed"  # two words per neuron, which name its stream
            return streams(key, size) if noise else self.initial(spec, size, name)

        return self.State(**{n: first(n, spec) for n, spec in self.State.cells.items()})

    def initial(self, spec: CellSpec, size: int, name: str) -> Array:
        """The first value of a cell, one per neuron."""
        if spec.kind in INTEGER_KINDS:
            return jnp.full(size, int(spec.init), dtype=jnp.int32)
        value = getattr(self, spec.init) if isinstance(spec.init, str) else spec.init
        return full(
            value,
            size,
            f"{type(self).__name__}.{spec.init if isinstance(spec.init, str) else name}",
        )

    def read(self, state: Any, name: str) -> Array:
        if name not in self.signals:
            raise unknown(f"signal of {type(self).__name__}", name, self.signals)
        return getattr(state, name)


def full(value: Any, size: int, where: str) -> Array:
    """A fresh array of one value per neuron."""
    if isinstance(value, Distribution | Derived):
        raise ConfigError(f"{where} is {value}: a distribution is sampled when a Network is built.")
    if np.shape(value) not in ((), (size,)):
        raise ShapeError(f"{where} has shape {np.shape(value)}, expected one number or ({size},).")
    if isinstance(value, Tracer):
        return jnp.broadcast_to(value, (size,)).astype(float)
    # NumPy first: each small operation of JAX's own would be a program to compile.
    return jnp.array(np.full(size, value), dtype=float)
