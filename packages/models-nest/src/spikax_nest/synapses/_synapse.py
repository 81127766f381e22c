"""What a synapse of NEST says about itself beyond the contract of core."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Plasticity, param, static
from spikax.errors import ConfigError
from spikax.units import ms


class NestSynapse(Plasticity):
    """A synapse of NEST as a rule of plasticity; times of spikes are stamps, as there.

    A parameter that a variable starts from is a variable to NEST, which shows and sets its present
    value under that name.
    """

    names: ClassVar[Mapping[str, str]] = {}
    """The fields of NEST's parameters, where these have another name."""
    defaults: ClassVar[Mapping[str, float]] = {}
    """NEST's defaults of what has none here, because its unit is that of the weight."""
    shown: ClassVar[Mapping[str, str]] = {}
    """The variables that NEST shows under another name."""
    common: ClassVar[tuple[str, ...]] = ()
    """Parameters that all synapses of a model share."""
    drops: ClassVar[bool] = False
    """Whether a spike of which nothing is sent is not transmitted: no recorder sees it."""
    types: ClassVar[Mapping[str, type]] = {}
    """NEST's types of those of its parameters that are no real numbers."""
    lists: ClassVar[Mapping[str, int]] = {}
    """NEST's parameters that are lists of integers, with their lengths."""
    hidden: ClassVar[tuple[str, ...]] = ()
    """Parameters that NEST does not have."""

    in_turn: bool = static(
        True, doc="whether an end may spike more than once in a step; what it sends has one weight"
    )

    @classmethod
    def nest_defaults(cls) -> dict[str, Any]:
        """NEST's values of its own parameters, by NEST's names."""
        rule, called = cls(w_max=1.0), {field: name for name, field in cls.names.items()}
        numbers = {n for n, field in cls.declared.items() if hasattr(field, "unit")}
        own = numbers - {"w_max", *cls.per_neuron, *cls.hidden}
        kinds = dict.fromkeys(own, float) | dict(cls.types)
        values = {n: kinds[n](getattr(rule, n)) for n in cls.declared if n in own}
        found = {called.get(n, n): value for n, value in values.items()} | dict(cls.defaults)
        return found | {n: np.array(getattr(rule, n)) for n in cls.lists}

    @classmethod
    def with_values(cls, values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """NEST's values of a model once some are set, with what follows from these."""
        return {**values, **given}

    def validate(self) -> None:
        super().validate()
        for name in self.common:
            value = getattr(self, name)
            if np.ndim(getattr(value, "mantissa", value)):
                raise ConfigError(
                    f"{type(self).__name__}.{name} is {value}; all synapses of this model share "
                    "one number."
                )


NO_BOUND: Any = dataclasses.replace(cast(Any, Plasticity.declared["w_max"]), default=None)
"""The `w_max` of a synapse whose rule keeps its weight in bounds, if there are any."""


class Unbounded(NestSynapse):
    """A synapse whose weight does not change: it has no bounds, and `efficacy` is sent."""

    w_max: Any = NO_BOUND
    sends = "efficacy"


class Pairing(NestSynapse):
    """A synapse that pairs spikes of its ends: Kminus is the trace of its target.

    NEST shows the weight as it was after the last spike of the source: the variable `committed`.
    """

    tau_minus: Array = param(20 * ms, above=0, doc="time constant of Kminus, of the target")
    fades: ClassVar[str] = "tau_plus"
    """The time constant of Kplus, the trace of the source."""
    shown = {"weight": "committed"}
    post_traces = {"Kminus": "tau_minus"}
    per_neuron = ("tau_minus",)
    pre_clocks = {"since": 0.0}
    variables = {"committed": "weight"}

    def faded(self, at: Mapping[str, Array]) -> Array:
        """What is left of 1 since the source's last spike."""
        return jnp.exp(-at["since"] / getattr(self, self.fades))

    def left(self, at: Mapping[str, Array], weight: Array) -> dict[str, Array]:
        """What a spike of the source changes that leaves a weight."""
        return {"weight": weight - at["weight"], "committed": weight - at["committed"]}


class Traced(Pairing):
    """Its Kplus is kept as it was after the last spike of the source, too."""

    Kplus: Array = param(0.0, at_least=0, doc="trace of the source at the start")
    variables = {"committed": "weight", "Kplus": "Kplus"}

    def now(self, at: Mapping[str, Array]) -> Array:
        """Kplus just before the event."""
        return at["Kplus"] * self.faded(at)

    def rise(self, at: Mapping[str, Array]) -> dict[str, Array]:
        """What a spike of the source adds to Kplus."""
        return {"Kplus": self.now(at) + 1.0 - at["Kplus"]}


class Nearest(Pairing):
    """Of the target's spikes, the last one alone counts."""

    def arrive(self, trace: Array, spikes: Array) -> Array:
        return trace + jnp.where(spikes < 2, spikes, 1.0) * (1.0 - trace)


class Sized(Traced):
    """A rule for the size of a weight, which has the sign of Wmax and is kept as small."""

    Wmax: Array = param(100.0, doc="largest weight")
    w_max: Any = NO_BOUND

    def grown(self, size: Array) -> Array:
        """A weight that is larger, up to the bound."""
        return self.signed(jnp.minimum(size, jnp.abs(self.Wmax)))

    def signed(self, size: Array) -> Array:
        """A weight of this size."""
        return jnp.where(self.Wmax < 0, -size, size)
