"""Receptors (AlignPost): one set of synaptic variables per neuron, for all its synapses."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import jax.numpy as jnp

from spikax._component import Component
from spikax._fields import nested, part
from spikax._neuron import Current, Neuron
from spikax._state import State
from spikax._system import Array, Dynamics, Port
from spikax.errors import ConfigError, unknown
from spikax.units import Unit, pA


class KineticState(State):
    """Variables of a synapse; units count from that of an arrival, which the coupling sets."""

    unit: Unit = dataclasses.field(metadata={"static": True})

    def unit_of(self, name: str) -> Unit:
        return self.unit * super().unit_of(name)


class Kinetics(Component):
    """The time course of a linear synapse: how arrivals become a conductance or a current.

    Linear, so that all synapses onto one neuron share one set of variables without error. `flow` is
    exact.
    """

    State: ClassVar[type[Any]]

    @abstractmethod
    def flow(self, g: Any, h: float) -> Any:
        """The variables `h` ms later with no arrivals."""

    @abstractmethod
    def arrive(self, g: Any, x: Array) -> Any:
        """The variables after weights summing to `x` arrived."""

    @abstractmethod
    def value(self, g: Any) -> Array:
        """The conductance or current."""

    def rest(self, size: int, unit: Unit) -> Any:
        """The variables of `size` neurons that received nothing."""
        zeros = {name: jnp.zeros(size) for name in self.State.cells}
        return self.State(unit=unit, **zeros)


class Coupling(Component):
    """How the value of a synapse becomes a current, and so what unit its weights have."""

    unit: ClassVar[Unit] = pA

    @abstractmethod
    def current(self, g: Array, V: Array) -> Array:
        """Current (pA) into a neuron at potential V (mV)."""


class Receptor(Component):
    """The synapses of one kind on a neuron: a time course and a coupling to the membrane.

    `Receptor(Expon(5*ms), COBA(0*mV))` holds one conductance per post-synaptic neuron whatever the
    number of synapses and projections: O(N_post) memory, exact for linear kinetics.
    """

    kinetics: Kinetics = part(doc="time course")
    coupling: Coupling = part(doc="effect on the membrane")

    def validate(self) -> None:
        if not (
            isinstance(cast(Any, self.kinetics), Kinetics)
            and isinstance(cast(Any, self.coupling), Coupling)
        ):
            raise ConfigError(
                f"a receptor is of {self.kinetics!r} and {self.coupling!r}; it takes a time course "
                "and a coupling: Receptor(Expon(5*ms), COBA(0*mV))."
            )

    def init_state(self, size: int) -> Any:
        """The variables of `size` neurons at rest."""
        return self.kinetics.rest(size, self.coupling.unit)

    def current(self, g: Any, V: Array, tau: float) -> Array:
        """Current (pA) at potential V, `tau` ms after the time of `g`."""
        return self.coupling.current(self.kinetics.value(self.kinetics.flow(g, tau)), V)

    def update(self, g: Any, x: Array, dt: float) -> Any:
        """The variables one step later: exact decay, then the arrivals."""
        return self.kinetics.arrive(self.kinetics.flow(g, dt), x)


class CellState(State):
    """A neuron's state with those of its receptors."""

    neuron: Any = nested()
    receptors: Mapping[str, Any] = nested()


class Cell(Dynamics):
    """A neuron with receptors.

    `Cell(LIF(), ampa=Receptor(Expon(5*ms), COBA(0*mV)))`. Its ports are the neuron's and one per
    receptor; a receptor's conductance or current is a signal of the receptor's name.

    Raises:
        ConfigError: The neuron or a receptor is none, or a receptor has the name of a port or a
            signal of the neuron.
    """

    neuron: Neuron = part(doc="the neuron")
    receptors: Mapping[str, Receptor] = part(doc="its receptors by name")
    State: ClassVar[type[Any]] = CellState

    def __init__(self, neuron: Neuron, **receptors: Receptor) -> None:
        if not isinstance(cast(Any, neuron), Neuron):
            raise ConfigError(f"a cell needs a neuron such as LIF(), got {neuron!r}.")
        for name, receptor in receptors.items():
            if name in neuron.ports or name in neuron.signals:
                raise ConfigError(
                    f"a receptor of {type(neuron).__name__} is called {name!r}, which is a port or "
                    "a signal of the neuron; choose another name."
                )
            if not isinstance(cast(Any, receptor), Receptor):
                raise ConfigError(
                    f"receptor {name!r} is {receptor!r}; write Receptor(Expon(5*ms), COBA(0*mV))."
                )
        super().__init__(neuron, receptors)

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {
            **self.neuron.ports,
            **{n: Port(r.coupling.unit) for n, r in sorted(self.receptors.items())},
        }

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {
            **self.neuron.signals,
            **{n: r.coupling.unit for n, r in sorted(self.receptors.items())},
        }

    @property
    def fires_once(self) -> bool:
        return self.neuron.fires_once

    def init_state(self, size: int, *, key: Any, dt: float) -> CellState:
        receptors = {n: r.init_state(size) for n, r in self.receptors.items()}
        return CellState(neuron=self.neuron.init_state(size, key=key, dt=dt), receptors=receptors)

    def update(self, state: Any, inputs: Mapping[str, Array], *, t: Array, dt: float) -> CellState:
        del t
        neuron = self.neuron.step(
            state.neuron, self._current(state, inputs), inputs["delta"], dt=dt
        )
        receptors = {
            n: r.update(state.receptors[n], inputs[n], dt) for n, r in self.receptors.items()
        }
        return CellState(neuron=neuron, receptors=receptors)

    def _current(self, state: CellState, inputs: Mapping[str, Array]) -> Current:
        def current(V: Array, tau: float) -> Array:
            total = inputs["current"]
            # Sorted, since a rebuilt pytree sorts its keys and the order decides the last bit of a
            # sum.
            for name in sorted(self.receptors):
                total = total + self.receptors[name].current(state.receptors[name], V, tau)
            return total

        return current

    def read(self, state: Any, name: str) -> Array:
        if name in self.receptors:
            return self.receptors[name].kinetics.value(state.receptors[name])
        if name not in self.signals:
            raise unknown(f"signal of Cell({type(self.neuron).__name__})", name, self.signals)
        return self.neuron.read(state.neuron, name)
