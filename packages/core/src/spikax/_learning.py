"""The operator by which spikes change synapses: what it takes, and its reference."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from spikax._columns import Columns
from spikax._formats import Format
from spikax._random import streams_of, uniform

MOST_AT_ONCE = 32
"""Spikes of one neuron in one step that change a synapse in turn; more count as so many."""
Values = Mapping[str, Array]
Change = Callable[[Values], Values]


class Events(NamedTuple):
    """What changes plastic synapses in a step, and what they are before it.

    Attributes:
        rule: A `Plasticity`.
        w_max: (), or in the layout: the largest weight; None if there is none.
        synapse: "weight" and the further variables, each in the layout of the format.
        pre: "spike", the traces of the sources before it, and what else the rule sees of them,
            (n_pre,).
        post: The same of the targets, (D + 1, n_post): that of step s, from t - D to t - 1, stands
            in slot s mod (D + 1).
        mod: The traces of the modulator, ().
        delay: Steps from 1 to D, () or in the layout.
        t: The step.
        stream: Two words of the edge, of a rule that asks for random numbers.
    """

    rule: Any
    w_max: Array | None
    synapse: Values
    pre: Values
    post: Values
    mod: Values
    delay: Array
    t: Array
    stream: Array | None = None

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
        seen = {n: fmt.pre_values(self.pre[n]) for n in rule.seen_of_source}
        return seen | {n: self.late(fmt, n) for n in rule.post_traces} | dict(self.mod)

    def changed(
        self,
        synapse: Values,
        seen: Values,
        change: Change,
        events: Any,
        again: Callable[[Array], Values] = lambda k: {},
    ) -> dict[str, Any]:
        """Some or all synapses after a change that comes `events` times: the variables changed.

        Of a rule in which several at once are one after the other, `again` is what the k-th of them
        sees in place of what the first does.
        """
        if not self.rule.in_turn:
            return self.once(synapse, seen, change, events)
        first = self.once(synapse, seen, change, jnp.where(events < 2, events, 1.0))
        sends = self.rule.sends if self.rule.sends != "weight" else ""

        def repeat(carry: Values, k: Array) -> tuple[Values, Array]:
            due = (events > k.astype(float)).astype(float)
            here, now = {**synapse, **carry}, {**seen, **again(k)}
            after = self.once(here, now, change, due)
            return {n: after[n] for n in carry}, due * after[sends] if sends in carry else due

        def others(first: Values) -> Values:
            ks = jnp.arange(1, MOST_AT_ONCE, dtype=jnp.int32)
            last, sent = lax.scan(repeat, first, ks)
            if sends not in first:
                return last
            # What several send is their number times their mean.
            mean = (first[sends] + sent.sum(0)) / jnp.clip(events, 1.0, MOST_AT_ONCE)
            return {**last, sends: mean}

        return dict(lax.cond(jnp.any(events >= 2), others, lambda first: first, first))

    def once(self, synapse: Values, seen: Values, change: Change, events: Any) -> dict[str, Any]:
        """The same in one go: by as much as one change does, times `events`."""
        if self.w_max is None:
            return {n: synapse[n] + events * s for n, s in change({**seen, **synapse}).items()}
        scale = dict.fromkeys(self.rule.weights, self.w_max)
        share = {n: synapse[n] / w_max for n, w_max in scale.items()}
        steps = change({**seen, **synapse, **share})
        after = {n: synapse[n] + events * (s * scale.get(n, 1.0)) for n, s in steps.items()}
        if "weight" in after:
            after["weight"] = _bounded(after["weight"], self.w_max)
        return after

    def post_again(self, seen: Values) -> Callable[[Array], Values]:
        """What the k-th of several spikes of a target in one step sees in place of the first."""
        traces = {n: seen[n] for n in self.rule.post_traces}
        return lambda k: {n: self.rule.arrive(v, k.astype(float)) for n, v in traces.items()}

    def pre_again(self, synapses: Callable[[], Array]) -> Callable[[Array], Values]:
        """What the k-th of several spikes of a source in one step sees in place of the first."""
        clocks = dict.fromkeys(self.rule.pre_clocks, jnp.zeros(()))
        return lambda k: {**clocks, **self.chance(synapses, ON_PRE + DRAWS * k)}

    def chance(self, synapses: Callable[[], Array], draw: Any) -> dict[str, Array]:
        """A random number for each synapse, given its index in the layout, if the rule asks."""
        if self.stream is None:
            return {}
        own = streams_of(self.stream, synapses().astype(jnp.uint32))
        return {"uniform": uniform(own, self.t, draw, self.synapse["weight"].dtype)}

    def of_synapses(self, take: Callable[[Array], Array]) -> Events:
        """With what there is one of for each synapse as `take` picks it."""
        w_max = self.w_max
        if w_max is not None and w_max.ndim:
            w_max = take(w_max)
        return self._replace(rule=self.rule.of_synapses(take), w_max=w_max)


ON_POST, ON_PRE = range(2)
DRAWS = 2
"""The random numbers of both kinds of event differ."""


def _bounded(weight: Array, w_max: Array) -> Array:
    low, high = jnp.minimum(w_max, 0.0), jnp.maximum(w_max, 0.0)
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
    chances = (events.chance(lambda: _all(fmt), draw) for draw in (ON_POST, ON_PRE))
    seen_post, seen_pre = ({**seen, **chance} for chance in chances)
    again = events.post_again(seen)
    synapse |= events.changed(synapse, seen_post, events.rule.on_post, late, again)
    again = events.pre_again(lambda: _all(fmt))
    return synapse | events.changed(synapse, seen_pre, events.rule.on_pre, early, again)


def _all(fmt: Format) -> Array:
    """The index of each synapse."""
    return jnp.arange(fmt.n_synapses, dtype=jnp.int32).reshape(fmt.shape)
