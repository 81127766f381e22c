"""The operator by which spikes change synapses: what it takes, and its reference."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from spikax._columns import Columns
from spikax._formats import Format

Values = Mapping[str, Array]
Change = Callable[[Values], Values]


class Events(NamedTuple):
    """What changes plastic synapses in a step, and what they are before it.

    Attributes:
        rule: A `Plasticity`.
        w_max: (), the largest weight.
        synapse: "weight" and the further variables, each in the layout of the format.
        pre: "spike" and the traces of the sources before it, (n_pre,).
        post: The same of the targets, (D + 1, n_post): that of step s, from t - D to t - 1, stands
            in slot s mod (D + 1).
        mod: The traces of the modulator, ().
        delay: Steps from 1 to D, () or in the layout.
        t: The step.
    """

    rule: Any
    w_max: Array
    synapse: Values
    pre: Values
    post: Values
    mod: Values
    delay: Array
    t: Array

    @property
    def length(self) -> int:
        """Slots of the history."""
        return self.post["spike"].shape[0]

    def late(self, fmt: Format, name: str) -> Array:
        """What each synapse sees of its target: the slot of its delay ago."""
        ring, slot = self.post[name], (self.t - self.delay.astype(jnp.int32)) % self.length
        if self.delay.ndim == 0:
            return fmt.post_values(ring[slot])
        return ring.at[slot, fmt.targets].get(mode="promise_in_bounds")

    def seen(self, fmt: Format) -> dict[str, Array]:
        """The traces that each synapse sees."""
        rule = self.rule
        seen = {n: fmt.pre_values(self.pre[n]) for n in rule.pre_traces}
        return seen | {n: self.late(fmt, n) for n in rule.post_traces} | dict(self.mod)

    def changed(self, synapse: Values, seen: Values, change: Change, events: Any) -> dict[str, Any]:
        """Some or all synapses after a change that comes `events` times: the variables changed."""
        scale, share = {"weight": self.w_max}, {"weight": synapse["weight"] / self.w_max}
        steps = change({**seen, **synapse, **share})
        after = {n: synapse[n] + events * (s * scale.get(n, 1.0)) for n, s in steps.items()}
        if "weight" in after:
            after["weight"] = self._bounded(after["weight"])
        return after

    def _bounded(self, weight: Array) -> Array:
        low, high = jnp.minimum(self.w_max, 0.0), jnp.maximum(self.w_max, 0.0)
        # The derivative of clip is a half on a bound, where a weight may stay for many steps.
        return jnp.where(weight < low, low, jnp.where(weight > high, high, weight))


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["fmt", "columns"], meta_fields=["structure"]
)
@dataclass(frozen=True)
class Plastic:
    """Plastic synapses: their connectivity, and how `Events` are made of an operator's operands."""

    fmt: Format
    columns: Columns
    structure: Any

    @property
    def name(self) -> str:
        """That of the format, by which kernels are registered."""
        return self.fmt.name

    def events(self, operands: Any) -> Events:
        """The operands, as what they mean."""
        return jax.tree.unflatten(self.structure, operands)


def learn(which: Plastic, *operands: Array) -> dict[str, Array]:
    """The reference of the operator `learn`: every synapse is looked at."""
    fmt, events = which.fmt, which.events(operands)
    seen, synapse = events.seen(fmt), dict(events.synapse)
    late, early = events.late(fmt, "spike"), fmt.pre_values(events.pre["spike"])
    synapse |= events.changed(synapse, seen, events.rule.on_post, late)
    return synapse | events.changed(synapse, seen, events.rule.on_pre, early)
