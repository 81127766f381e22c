"""Plasticity: how the spikes at its two ends change a synapse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np

from spikax._component import Component, rebuild
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
    weight as a share of `w_max`, between 0 and 1, its further variables, its traces, the time since
    its source's last spike), and returns changes by name; a weight is kept between 0 and `w_max`.
    With `w_max=None` it has no bounds, and counts in the coherent unit.

    Parameters that no trace decays by may be a distribution, or an array of one value per synapse
    as a weight may be; the methods find those of their synapses in `self`.
    """

    pre_traces: ClassVar[Mapping[str, str]] = {}
    """Names of traces of the source's spikes, each with the parameter that it decays by."""
    post_traces: ClassVar[Mapping[str, str]] = {}
    """The same of the target's spikes."""
    mod_traces: ClassVar[Mapping[str, str]] = {}
    """The same of the modulator, one for all synapses."""
    pre_clocks: ClassVar[Mapping[str, float]] = {}
    """Names of times (ms) since the source's last spike, each with the step that counts as that of
    a last spike before the first: 0, or -1e30 for none."""
    sees_target: ClassVar[tuple[str, ...]] = ("spike",)
    """What of the target's spikes the rule sees: empty where it need not spike."""
    post_signals: ClassVar[tuple[str, ...]] = ()
    """Names of signals of the target that `before` sees, as they are at the start of the step."""
    timed: ClassVar[bool] = False
    """Whether `before` and the events see "step", the index of the step; events also "dt" (ms)."""
    source_values: ClassVar[tuple[str, ...]] = ()
    """Names of what `of_sources` says of each source: its synapses see these at each event."""
    variables: ClassVar[tuple[str, ...] | Mapping[str, float | str]] = ()
    """What each synapse has beside its weight: dimensionless and 0 at the start, or with the number
    that it starts at, the name of a parameter, or "weight": it then is of the weight's kind."""
    sends: ClassVar[str] = "weight"
    """What of a synapse multiplies what the source sends: its weight, or a variable."""
    per_neuron: ClassVar[tuple[str, ...]] = ()
    """Parameters of traces that may be one value per neuron of their end; no method uses them."""
    in_turn: bool = False
    """Whether several spikes of one neuron in one step change a synapse one after the other, all
    but the first with clocks at 0 and traces of that neuron raised, or by as much as one does times
    their number."""
    random: ClassVar[bool] = False
    """Whether a synapse sees "uniform" at each event: a random number from 0 to 1 of its own."""

    w_max: Any = OfWeight(
        MISSING, doc="largest weight, in the unit of the weight; below 0 where weights are"
    )

    def validate(self) -> None:
        for name in {**self.pre_traces, **self.post_traces, **self.mod_traces}.values():
            value = getattr(self, name)
            each = np.ndim(value) > 0 and name not in self.per_neuron
            if each or isinstance(value, Distribution):
                raise ConfigError(
                    f"{type(self).__name__}.{name} is {value}; a trace decays by one number for "
                    "all synapses of its projection."
                )

    @property
    def starts(self) -> Mapping[str, float | str]:
        """The variables, each with what it starts at."""
        variables = self.variables
        return variables if isinstance(variables, Mapping) else dict.fromkeys(variables, 0.0)

    @property
    def weights(self) -> tuple[str, ...]:
        """The weight, and the variables of its kind."""
        return "weight", *(n for n, start in self.starts.items() if start == "weight")

    def by_synapse(self) -> tuple[str, ...]:
        """Names of the parameters that may have a value per synapse."""
        shared = {**self.pre_traces, **self.post_traces, **self.mod_traces}.values()
        return tuple(p.name for p in parameters(type(self)) if p.name not in shared)

    @property
    def modulators(self) -> tuple[str, ...]:
        """Signals "population.signal" that drive the traces of `mod`."""
        return ()

    def of_sources(self, mod: Mapping[str, Array], size: int) -> Mapping[str, Array]:
        """The `source_values`, one for each of `size` sources, as the modulators have them."""
        del mod, size
        return {}

    @property
    def seen_of_source(self) -> tuple[str, ...]:
        """Names of all that a synapse sees of its source, but for the spike."""
        return *self.pre_traces, *self.pre_clocks, *self.source_values

    def modulation(self, mod: Mapping[str, Array]) -> Array:
        """What the traces of `mod` rise by in a step: the sum of all modulators over neurons."""
        return sum((jnp.sum(values) for values in mod.values()), jnp.zeros(()))

    def decay(self, trace: str, dt: float) -> Array:
        """What is left of a trace after `dt` ms."""
        names = {**self.pre_traces, **self.post_traces, **self.mod_traces}
        return jnp.exp(-dt / getattr(self, names[trace]))

    def arrive(self, trace: Array, spikes: Array) -> Array:
        """A trace of one end after its spikes."""
        return trace + spikes

    def given_each(self) -> tuple[str, ...]:
        """Names of the parameters that have a value per synapse."""
        values = {n: getattr(self, n) for n in self.by_synapse()}
        return tuple(
            n
            for n, v in values.items()
            if isinstance(v, Distribution) or np.ndim(getattr(v, "mantissa", v))
        )

    def of_synapses(self, take: Callable[[Array], Array]) -> Self:
        """The rule of some synapses: `take` picks their values of what has one for each."""
        taken = {n: take(getattr(self, n)) for n in self.given_each()}
        return rebuild(type(self), vars(self) | taken) if taken else self

    def before(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        """What changes in every synapse before the spikes of a step."""
        del at, dt
        return {}

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
        if self.pairing == "all_to_all":
            return trace + spikes
        return trace + jnp.where(spikes < 2, spikes, 1.0) * (1.0 - trace)
