"""The edge whose weights change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from spikax._distributions import Distribution
from spikax._fields import cell, leaf, part
from spikax._plasticity import Plasticity
from spikax._projection import Edge, EdgeState, Sends
from spikax._system import Array
from spikax.errors import ConfigError, UnitError, unknown
from spikax.units import UNITLESS, Unit

if TYPE_CHECKING:
    from spikax._network import EdgeSpec, Network

Values = Mapping[str, Array]


class PlasticState(EdgeState):
    """What was learnt."""

    weight: Array = cell(kind="weight", doc="one per synapse, in the layout of the format")
    variables: Values = cell(kind="trace", doc="further variables of each synapse")
    traces: Values = cell(kind="trace", doc="one per neuron, after its spikes")
    history: Values = cell(
        kind="trace",
        doc="(delay steps + 1, post neurons): spikes, and traces before them, until synapses see "
        "them",
    )

    def unit_of(self, name: str) -> Unit:
        return self.unit if name == "weight" else UNITLESS


class PlasticEdge(Edge):
    """An edge whose weights are part of the state and change by a rule.

    Beside the weights, and the variables that a rule has per synapse, it holds one number per
    neuron and trace, and the post-synaptic ones for as many steps as the delay has.
    """

    rule: Plasticity = part(doc="how the weights change; its w_max is that of the edge")
    w_max: Array = leaf("parameter", doc="largest weight")

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        pre = tuple(dict.fromkeys((self.signal, "spike")))
        return {"pre": pre, "post": ("spike",), "mod": self.rule.modulators}

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {"weight": self.unit, **dict.fromkeys(self.rule.variables, UNITLESS)}

    def read(self, state: Any, name: str) -> Array:
        if name not in self.signals:
            return super().read(state, name)
        return jnp.ravel(state.weight if name == "weight" else state.variables[name])

    def unit_of(self, name: str) -> Unit:
        return self.unit if name in ("weight", "w_max") else UNITLESS

    def init_state(self) -> PlasticState:
        """Nothing learnt."""
        rule, fmt = self.rule, self.format
        kept = ("spike", *rule.post_traces)
        return PlasticState(
            unit=self.unit,
            weight=jnp.array(self.weight),
            variables={n: jnp.zeros(fmt.shape) for n in rule.variables},
            traces={n: jnp.zeros(fmt.n_pre) for n in rule.pre_traces}
            | {n: jnp.zeros(fmt.n_post) for n in rule.post_traces}
            | {n: jnp.zeros(()) for n in rule.mod_traces},
            history={n: jnp.zeros((self.delay + 1, fmt.n_post)) for n in kept},
        )

    def update(
        self, state: Any, pre: Values, post: Values, mod: Values, *, t: Array, dt: float
    ) -> tuple[PlasticState, Sends]:
        rule, z, dopamine = self.rule, pre["spike"], _total(mod)
        now = {n: trace * rule.decay(n, dt) for n, trace in state.traces.items()}
        # Written first and read last: XLA then keeps the history in place.
        last = {"spike": post["spike"], **now}
        history = {
            n: ring.at[t % len(ring)].set(last[n], mode="promise_in_bounds")
            for n, ring in state.history.items()
        }
        early, late = self.format.pre_values(z), self._late(history["spike"], t)
        seen = self._seen(now, history, t)
        synapse = {"weight": state.weight, **state.variables}
        synapse = self._changed(synapse, seen, rule.on_post, late)
        synapse = self._changed(synapse, seen, rule.on_pre, early)
        sent = Sends(synapse["weight"], pre[self.signal])
        after = self._jumped(seen, early, late, dopamine)
        synapse = self._changed(synapse, after, lambda at: rule.flow(at, dt), 1.0)
        state = state.replace(
            weight=synapse.pop("weight"),
            variables=synapse,
            traces=self._jumped(now, z, post["spike"], dopamine),
            history=history,
        )
        return state, sent

    def _late(self, ring: Array, t: Array) -> Array:
        """What each synapse sees of its target: the slot of its delay ago."""
        if self.delays is None:
            return self.format.post_values(ring[(t - self.delay) % len(ring)])
        slot = (t - self.delays.astype(jnp.int32)) % len(ring)
        return ring.at[slot, self.format.targets].get(mode="promise_in_bounds")

    def _seen(self, now: Values, history: Values, t: Array) -> dict[str, Array]:
        rule = self.rule
        seen = {n: self.format.pre_values(now[n]) for n in rule.pre_traces}
        seen |= {n: self._late(history[n], t) for n in rule.post_traces}
        return seen | {n: now[n] for n in rule.mod_traces}

    def _jumped(self, traces: Values, pre: Array, post: Array, dopamine: Array) -> dict[str, Array]:
        """Traces after spikes: those of neurons, or as the synapses see them."""
        rule = self.rule
        jumped = {n: rule.arrive(traces[n], pre) for n in rule.pre_traces}
        jumped |= {n: rule.arrive(traces[n], post) for n in rule.post_traces}
        return jumped | {n: traces[n] + dopamine for n in rule.mod_traces}

    def _changed(
        self,
        synapse: dict[str, Array],
        seen: Values,
        change: Callable[[Values], Values],
        events: Any,
    ) -> dict[str, Array]:
        scale, share = {"weight": self.w_max}, {"weight": synapse["weight"] / self.w_max}
        steps = change({**seen, **synapse, **share})
        changed = synapse | {
            n: synapse[n] + events * (step * scale.get(n, 1.0)) for n, step in steps.items()
        }
        return changed | {"weight": self._bounded(changed["weight"])}

    def _bounded(self, weight: Array) -> Array:
        low, high = jnp.minimum(self.w_max, 0.0), jnp.maximum(self.w_max, 0.0)
        # The derivative of clip is a half on a bound, where a weight may stay for many steps.
        return jnp.where(weight < low, low, jnp.where(weight > high, high, weight))


def _total(mod: Values) -> Array:
    return sum((jnp.sum(values) for values in mod.values()), jnp.zeros(()))


def check_plasticity(net: Network, edge: EdgeSpec, rule: Plasticity) -> None:
    """Raise if an edge cannot have this rule."""
    projection, where = edge.projection, f"{type(rule).__name__} on edge {edge.name!r}"
    if projection.immediate:
        raise ConfigError(
            f"{where} needs a delay of dt or more, such as delay=1*ms: a synapse sees the spikes "
            "of its target so much later."
        )
    weight = projection.weight
    if not isinstance(weight, Distribution) and not np.shape(getattr(weight, "mantissa", weight)):
        raise ConfigError(
            f"{where} changes each weight on its own, but all are one number, {weight}; write "
            f"weight=sx.each({str(weight).replace(' ', '*', 1)})."
        )
    for end in (edge.pre, edge.post):
        net.signal_unit(end, "spike")
    for path in rule.modulators:
        population, _, signal = path.partition(".")
        if population not in net.populations:
            raise unknown(f"population (modulator of {where})", population, net.populations)
        unit = net.signal_unit(population, signal)
        if unit.dim != UNITLESS.dim:
            raise UnitError(
                f"{where} has the modulator {path!r}, which is in {unit}; it needs plain numbers, "
                f"such as '{population}.spike'."
            )
