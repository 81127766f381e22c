"""The edge whose weights change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from spikax import _ops as ops
from spikax._columns import Columns
from spikax._distributions import Distribution
from spikax._fields import cell, leaf, part
from spikax._learning import Events
from spikax._plasticity import Plasticity
from spikax._projection import Edge, EdgeState, Sends
from spikax._random import fold, key_words
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
    traces: Values = cell(kind="trace", doc="one per neuron, after its spikes; of a clock the last")
    history: Values = cell(
        kind="trace",
        doc="(delay steps + 1, post neurons): spikes, and traces before them, until synapses see "
        "them",
    )
    stream: Array | None = cell(kind="seed", doc="two words for the noise of a rule that has some")

    def unit_of(self, name: str) -> Unit:
        return self.unit if name == "weight" else UNITLESS


class Step(NamedTuple):
    """What changes the synapses, the history with this step, all traces before its spikes."""

    events: Events
    history: Values
    now: Values


class PlasticEdge(Edge):
    """An edge whose weights are part of the state and change by a rule.

    Beside the weights, and the variables that a rule has per synapse, it holds one number per
    neuron and trace, and the post-synaptic ones for as many steps as the delay has. On a CPU a
    spike touches the synapses of its neuron alone; only a `flow` changes all in every step.
    """

    rule: Plasticity = part(doc="how the weights change; its w_max is that of the edge")
    w_max: Array | None = leaf("parameter", doc="largest weight, one or one per synapse")
    columns: Columns = part(doc="the synapses of each target")

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        pre = tuple(dict.fromkeys((*self.sent_signals, "spike")))
        post = (*self.rule.sees_target, *self.rule.post_signals)
        return {"pre": pre, "post": post, "mod": self.rule.modulators}

    @property
    def signals(self) -> Mapping[str, Unit]:
        variables = dict.fromkeys(self.rule.starts, UNITLESS)
        return variables | dict.fromkeys(self.rule.weights, self.unit)

    def read(self, state: Any, name: str) -> Array:
        if name not in self.signals:
            return super().read(state, name)
        return jnp.ravel(state.weight if name == "weight" else state.variables[name])

    def unit_of(self, name: str) -> Unit:
        return self.unit if name in ("weight", "w_max") else UNITLESS

    @property
    def random(self) -> bool:
        return self.rule.random

    def init_state(self, key: Any = 0) -> PlasticState:
        """Nothing learnt; `key` is that of the noise, of a rule that has some."""
        rule, fmt = self.rule, self.format
        kept = ("spike", *rule.post_traces)
        return PlasticState(
            unit=self.unit,
            weight=jnp.array(self.weight),
            variables={n: self._first(start) for n, start in rule.starts.items()},
            traces={n: jnp.zeros(fmt.n_pre) for n in rule.pre_traces}
            | {n: jnp.zeros(fmt.n_post) for n in rule.post_traces}
            | {n: jnp.zeros(()) for n in rule.mod_traces}
            | {n: jnp.full(fmt.n_pre, start, float) for n, start in rule.pre_clocks.items()},
            history={n: jnp.zeros((self.delay + 1, fmt.n_post)) for n in kept},
            stream=fold(key_words(key), "plasticity") if rule.random else None,
        )

    def _first(self, start: float | str) -> Array:
        """A variable at the start, one value per synapse."""
        values = {"weight": self.weight, **vars(self.rule)}
        first = values[start] if isinstance(start, str) else start
        return jnp.array(jnp.broadcast_to(jnp.asarray(first, float), self.format.shape))

    def update(
        self, state: Any, pre: Values, post: Values, mod: Values, *, t: Array, dt: float
    ) -> tuple[PlasticState, Sends]:
        if type(self.rule).before is not Plasticity.before:
            state = self._begun(state, post, t, dt)
        if "spike" not in post:
            post = {**post, "spike": jnp.zeros(self.format.n_post)}
        events, history, now = self.events(state, pre, post, mod, t, dt)
        synapse = ops.learn(self.format, self.columns, events)
        sent = self.sends(synapse[self.rule.sends], pre)
        dopamine = self.rule.modulation(mod)
        if type(self.rule).flow is not Plasticity.flow:
            after = events._replace(synapse=synapse)
            synapse = {**synapse, **self._flowed(after, dopamine, dt)}
        state = state.replace(
            weight=synapse["weight"],
            variables={n: synapse[n] for n in self.rule.starts},
            traces=self._jumped(now, pre["spike"], post["spike"], dopamine)
            | self._last(state, pre, t),
            history=history,
        )
        return state, sent

    def events(
        self, state: Any, pre: Values, post: Values, mod: Values, t: Array, dt: float
    ) -> Step:
        """What changes the synapses in a step."""
        rule = self.rule
        steps = jnp.asarray(t, float)
        now = {
            n: (steps - v) * dt if n in rule.pre_clocks else v * rule.decay(n, dt)
            for n, v in state.traces.items()
        }
        # What synapses see is older than this step. They read the history before it is written, or
        # XLA would copy it for their loops.
        last = {"spike": post["spike"], **now}
        history = {
            n: lax.dynamic_update_index_in_dim(ring, last[n], t % len(ring), 0)
            for n, ring in state.history.items()
        }
        events = Events(
            rule,
            self.w_max,
            {"weight": state.weight, **state.variables},
            {"spike": pre["spike"], **{n: now[n] for n in (*rule.pre_traces, *rule.pre_clocks)}}
            | dict(rule.of_sources(mod, self.format.n_pre)),
            state.history,
            {n: now[n] for n in rule.mod_traces}
            | ({"step": steps, "dt": jnp.asarray(dt, float)} if rule.timed else {}),
            jnp.int32(self.delay) if self.delays is None else self.delays,
            jnp.asarray(t, jnp.int32),
            state.stream,
        )
        return Step(events, history, now)

    def _begun(self, state: Any, post: Values, t: Array, dt: float) -> Any:
        """The synapses after what comes before the spikes of a step."""
        rule, fmt, steps = self.rule, self.format, jnp.asarray(t, float)
        seen = {n: fmt.post_values(post[n]) for n in rule.post_signals}
        clocks = {n: (steps - state.traces[n]) * dt for n in rule.pre_clocks}
        seen |= {n: fmt.pre_values(v) for n, v in clocks.items()} | {"step": steps}
        synapse = {"weight": state.weight, **state.variables}
        more = rule.before({**seen, **synapse}, dt)
        changed = {n: v + more[n] if n in more else v for n, v in synapse.items()}
        return state.replace(weight=changed.pop("weight"), variables=changed)

    def _last(self, state: Any, pre: Values, t: Array) -> dict[str, Array]:
        """The step of each source's last spike, by clock."""
        return {
            n: jnp.where(pre["spike"] > 0, jnp.asarray(t, float), state.traces[n])
            for n in self.rule.pre_clocks
        }

    def _flowed(self, events: Events, dopamine: Array, dt: float) -> dict[str, Array]:
        fmt = self.format
        early, late = fmt.pre_values(events.pre["spike"]), events.late(fmt, "spike")
        seen = events.seen(fmt)
        after = self._jumped(seen, early, late, dopamine)
        after |= {n: jnp.where(early > 0, 0.0, seen[n]) for n in self.rule.pre_clocks}
        return events.once(events.synapse, after, lambda at: self.rule.flow(at, dt), 1.0)

    def _jumped(self, traces: Values, pre: Array, post: Array, dopamine: Array) -> dict[str, Array]:
        """Traces after spikes: those of neurons, or as the synapses see them."""
        rule = self.rule
        jumped = {n: rule.arrive(traces[n], pre) for n in rule.pre_traces}
        jumped |= {n: rule.arrive(traces[n], post) for n in rule.post_traces}
        return jumped | {n: traces[n] + dopamine for n in rule.mod_traces}


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
    for end, signals in ((edge.pre, ("spike",)), (edge.post, rule.sees_target)):
        for signal in (*signals, *(rule.post_signals if signals is rule.sees_target else ())):
            net.signal_unit(end, signal)
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
