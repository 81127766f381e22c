"""What a synapse of NEST says about itself beyond the contract of core."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from spikax import Plasticity
from spikax.errors import ConfigError


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

    @classmethod
    def nest_defaults(cls) -> dict[str, float]:
        """NEST's values of its own parameters, by NEST's names."""
        rule, called = cls(w_max=1.0), {field: name for name, field in cls.names.items()}
        numbers = {n for n, field in cls.declared.items() if hasattr(field, "unit")}
        own = numbers - {"w_max", *cls.per_neuron}
        values = {n: float(getattr(rule, n)) for n in cls.declared if n in own}
        return {called.get(n, n): value for n, value in values.items()} | dict(cls.defaults)

    def validate(self) -> None:
        super().validate()
        for name in self.common:
            value = getattr(self, name)
            if np.ndim(getattr(value, "mantissa", value)):
                raise ConfigError(
                    f"{type(self).__name__}.{name} is {value}; all synapses of this model share "
                    "one number."
                )


_w_max: Any = Plasticity.declared["w_max"]


class Unbounded(NestSynapse):
    """A synapse whose weight does not change: it has no bounds, and `efficacy` is sent."""

    w_max: Any = dataclasses.replace(_w_max, default=None)
    sends = "efficacy"
