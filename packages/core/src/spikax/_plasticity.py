"""Plasticity: how the spikes at its two ends change a synapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from spikax._component import Component
from spikax._distributions import Distribution
from spikax._fields import Parameter, parameters, static
from spikax._system import Array
from spikax.errors import ConfigError


class OfWeight(Parameter):
    """A parameter in the unit of the weight: kept as given until a projection says which."""

    def convert(self, value: Any, owner: str) -> Any:
        del owner
        return value


class Plasticity(Component):
    """A rule by which the weights of a projection change: `Projection(..., plasticity=rule)`.

    All of a delay d is dendritic, as in NEST: a synapse sees its source's spikes at once and its
    target's d later. At each step come `on_post` where a spike of the target arrives, then `on_pre`
    where the source spiked. Both see the traces of earlier spikes alone: those that arrive together
    do not pair. What the source sends has the weight after that. `flow` is what happens until the
    next step.

    A rule is elementwise over synapses. Each method takes `at`, what a synapse sees by name (its
    weight as a share of `w_max`, between 0 and 1, its further variables, its traces), and returns
    changes by name; a weight is kept between 0 and `w_max`.
    """

    pre_traces: ClassVar[Mapping[str, str]] = {}
    """Names of traces of the source's spikes, each with the parameter that it decays by."""
    post_traces: ClassVar[Mapping[str, str]] = {}
    """The same of the target's spikes."""
    mod_traces: ClassVar[Mapping[str, str]] = {}
    """The same of the modulator, one for all synapses."""
    variables: ClassVar[tuple[str, ...]] = ()
    """What each synapse has beside its weight, dimensionless, 0 at the start."""

    w_max: Any = OfWeight(
        MISSING, doc="largest weight, in the unit of the weight; below 0 where weights are"
    )

    def validate(self) -> None:
        for name in (p.name for p in parameters(type(self))):
            value = getattr(self, name)
            if isinstance(value, Distribution) or np.shape(getattr(value, "mantissa", value)):
                raise ConfigError(
                    f"{type(self).__name__}.{name} is {value}; a rule takes one number for all "
                    "synapses of its projection."
                )

    @property
    def modulators(self) -> tuple[str, ...]:
        """Signals "population.signal" whose sum over the neurons drives the traces of `mod`."""
        return ()

    def decay(self, trace: str, dt: float) -> Array:
        """What is left of a trace after `dt` ms."""
        names = {**self.pre_traces, **self.post_traces, **self.mod_traces}
        return jnp.exp(-dt / getattr(self, names[trace]))

    def arrive(self, trace: Array, spikes: Array) -> Array:
        """A trace of one end after its spikes."""
        return trace + spikes

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        """What a spike of the target changes."""
        del at
        return {}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        """What a spike of the source changes."""
        del at
        return {}

    def flow(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        """What changes in the `dt` ms after a step's spikes; `at` is what stands at the start."""
        del at, dt
        return {}


class Paired(Plasticity):
    """A rule in which a spike pairs with all earlier ones of the other end, or the last alone."""

    pairing: str = static(
        "all_to_all",
        choices=("all_to_all", "nearest"),
        doc="spikes of the other end that one pairs with; a trace rises by 1, or to 1",
    )

    def arrive(self, trace: Array, spikes: Array) -> Array:
        return trace + spikes * (1.0 - trace) if self.pairing == "nearest" else trace + spikes
