"""Populations of a network, and the releases that they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

import numpy as np

from spikax._fields import nested, part
from spikax._random import fold, key_words
from spikax._state import State
from spikax._system import Array, Dynamics, Port, System
from spikax.errors import ConfigError, ShapeError
from spikax.units import UNITLESS, Unit


@dataclass(frozen=True)
class Population:
    """A number of neurons (or devices) of one model.

    Attributes:
        model: The model: `LIF()`, a `Cell`, an input.
        size: Number of neurons.
        release: Pre-synaptic variables by name, one set per neuron: `{"stp": STP()}`. Each is a
            signal that any number of projections read: `Projection(..., signal="stp")`.
    """

    model: System
    size: int
    release: Mapping[str, Dynamics] = field(default_factory=dict[str, Dynamics])

    def __post_init__(self) -> None:
        if not isinstance(cast(Any, self.model), System):
            raise ConfigError(f"a population needs a model such as LIF(), got {self.model!r}.")
        if not isinstance(cast(Any, self.size), int | np.integer) or self.size < 1:
            raise ShapeError(
                "a population needs a whole number of neurons, at least one, "
                f"got size {self.size!r}."
            )
        for name, release in self.release.items():
            if "release" not in release.signals:
                raise ConfigError(
                    f"release {name!r} is {release!r}, which has no signal 'release'; "
                    "write for example STP()."
                )
            if name in self.model.signals:
                raise ConfigError(
                    f"a release is called {name!r}, which is a signal of {self.model!r} already."
                )

    def node(self) -> System:
        """The system that runs: the model, with its releases if there are any."""
        return Releasing(self.model, dict(self.release)) if self.release else self.model


class ReleasingState(State):
    """A node's state with those of its releases."""

    node: Any = nested()
    releases: Mapping[str, Any] = nested()


class Releasing(Dynamics):
    """A population's model and its releases, driven by its spikes: AlignPre, O(N_pre) memory."""

    node: Dynamics = part(doc="the model")
    releases: Mapping[str, Dynamics] = part(doc="releases by name")
    State: ClassVar[type[Any]] = ReleasingState

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.node.ports

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**self.node.signals, **dict.fromkeys(sorted(self.releases), UNITLESS)}

    def init_state(self, size: int, *, key: Any, dt: float) -> ReleasingState:
        words = key_words(key)  # folded, or the noise of a release would be that of its neuron
        releases = {
            n: r.init_state(size, key=fold(words, n), dt=dt) for n, r in self.releases.items()
        }
        return ReleasingState(node=self.node.init_state(size, key=key, dt=dt), releases=releases)

    def update(
        self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float
    ) -> ReleasingState:
        node = self.node.update(state.node, inputs, t=t, dt=dt)
        spikes = {"spike": self.node.read(node, "spike")}
        releases = {
            n: r.update(state.releases[n], spikes, t=t, dt=dt) for n, r in self.releases.items()
        }
        return ReleasingState(node=node, releases=releases)

    def read(self, state: Any, name: str) -> Array:
        if name in self.releases:
            return self.releases[name].read(state.releases[name], "release")
        return self.node.read(state.node, name)
