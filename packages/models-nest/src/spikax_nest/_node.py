"""What a model of NEST says about itself beyond the contract of core: how it is wired and shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Dynamics
from spikax.units import UNITLESS, Unit


class NestNode(Dynamics):
    """A node of NEST: parameters by NEST's names, in NEST's units, with NEST's defaults.

    A parameter that a cell starts from (`cell(mV, init="V_m")`) is a variable: NEST shows and sets
    its present value under that name.
    """

    element_type: ClassVar[str] = "neuron"
    archives: ClassVar[bool] = True
    """Whether NEST keeps its spikes for the synapses that end on it."""
    archives_late: ClassVar[bool] = True
    """Whether it keeps their times within the step, where they have any, not those of the grid."""
    forced: ClassVar[bool] = True
    """Whether NEST shows ignore_and_spike of it, by which it can be made to spike."""
    feeds_plastic: ClassVar[bool] = True
    """Whether its connections may be plastic."""
    recordables: ClassVar[tuple[str, ...]] = ()
    """Signals that a multimeter can record, by NEST's names."""
    types: ClassVar[Mapping[str, type]] = {}
    """Parameters that are not floats in NEST: `bool` or `int`."""
    unshown: ClassVar[tuple[str, ...]] = ()
    """Parameters that NEST keeps, or lets set, and does not show."""
    model_only: ClassVar[tuple[str, ...]] = ()
    """Parameters that are set as defaults of a model alone."""
    hidden: ClassVar[tuple[str, ...]] = ("width", "surrogate", "most_events")
    """Fields that NEST does not have; `min_delay` and `train`, the row of a node, the network
    tells."""
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Parameters that NEST names by a word: here they are the place of the word."""
    divisors: ClassVar[Mapping[str, float]] = {}
    """What NEST divides a parameter by when it is set, and does not multiply when it is shown."""
    settings: ClassVar[Mapping[str, str]] = {}
    """Fields that follow attributes of NEST's kernel, with the names of these."""
    pads: ClassVar[Mapping[str, float]] = {}
    """What stands at the end of vectors that are shorter than others, by parameter."""
    computed: ClassVar[Mapping[str, Callable[[Mapping[str, np.ndarray]], Any]]] = {}
    """What NEST shows and does not let set, from the parameters."""
    aliases: ClassVar[Mapping[str, str]] = {}
    """Second names under which NEST shows and sets a parameter."""
    sends: ClassVar[str] = "spike"
    """The signal that its connections transmit; none if empty."""
    among: ClassVar[str] = ""
    """The signal that its connections to nodes of its own model transmit in place of that, all of
    them on receptor 1, where no others end."""
    shows: ClassVar[str] = ""
    """What connections without delay transmit in its place where NEST does not iterate."""
    couples: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The signals that synapses without delay transmit, by what these carry."""
    teaches: ClassVar[str] = ""
    """The signal that its connections of learning signals transmit; none if empty."""
    per_target: ClassVar[bool | str] = False
    """Whether each of its connections transmits a realisation of its own, or the parameter that
    says so."""
    relays: ClassVar[bool] = False
    """Whether spikes arrive as counts, whatever the weights."""

    receptors_shown: ClassVar[Mapping[int, int]] = {}
    """What NEST shows of a receptor type as the receptor of a connection, where it is another."""

    uses_wfr: ClassVar[bool] = False
    """Whether NEST can solve it by waveform relaxation."""

    @property
    def signals(self) -> Mapping[str, Unit]:
        known = super().signals
        if self.element_type != "stimulator" or "spike" not in known:
            return known
        return {**known, "change": UNITLESS}

    def read(self, state: Any, name: str) -> Array:
        if name in state.cells or name != "change":
            return super().read(state, name)
        # As binary neurons take spikes: two in a step for active, one for not.
        spikes = super().read(state, "spike")
        return jnp.where(spikes > 1.5, 1.0, jnp.where(spikes > 0.5, -1.0, 0.0))

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        """What NEST keeps of the values of one node, of which some are given at time `now` (ms)."""
        del values, given, dt, now
        return {}

    def with_events(self, most: int) -> Self:
        """The same with `most` events of a step kept apart, in models that keep them apart."""
        return self.replace(most_events=most) if "most_events" in self.declared else self

    @property
    def spike_ports(self) -> Mapping[int, str]:
        """Port, and channel, of spikes by NEST's receptor type."""
        return {0: "syn"} if "syn" in self.ports else {}

    @property
    def current_ports(self) -> Mapping[int, str]:
        """Port of currents by NEST's receptor type."""
        return {0: "current"} if "current" in self.ports else {}

    @property
    def rate_ports(self) -> Mapping[int, str]:
        """Port of rates by NEST's receptor type."""
        return {0: "rate"} if "rate" in self.ports else {}

    @property
    def learning_ports(self) -> Mapping[int, str]:
        """Port of learning signals by NEST's receptor type."""
        return {0: "learning"} if "learning" in self.ports else {}

    @property
    def receptor_types(self) -> Mapping[str, int]:
        """NEST's receptors by name, where a model has any."""
        return {}
