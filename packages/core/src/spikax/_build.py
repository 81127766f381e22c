"""From the description of a network to the system that runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from spikax._blocks import BLOCK, drawn, joined, lengths
from spikax._built import BuiltNetwork
from spikax._columns import columns
from spikax._component import Component, rebuild
from spikax._distributions import Distribution
from spikax._fields import Derived, Field, Parameter, Part, parameters
from spikax._formats import Format, from_pairs
from spikax._memory import check_room, integers_to
from spikax._network import EdgeSpec, Network
from spikax._pairs import Pairs, all_pairs, grouped, listed
from spikax._plastic_edge import PlasticEdge
from spikax._plasticity import Plasticity
from spikax._procedural import TABLE, Procedural, procedural
from spikax._projection import DiffusiveEdge, Edge, Projection
from spikax._random import fold, key_words
from spikax._share import without_followers
from spikax._system import Array, Port, System
from spikax.errors import ConfigError, ShapeError
from spikax.units import Unit, in_unit, ms, to_coherent

ON_GRID = 1e-6  # share of a delay that is rounding alone
C = TypeVar("C", bound=Component)
Kept = Callable[[np.ndarray], np.ndarray]


def build(net: Network, dt: float, seed: int) -> BuiltNetwork:
    """Sample a description and fix its buffers; `Network.build` is the way in."""
    if not np.isfinite(dt) or dt <= 0:
        raise ConfigError(f"dt is {dt:g} ms; it must be positive.")
    try:
        return _build(net, dt, seed)
    except jax.errors.TracerArrayConversionError:
        raise ConfigError(
            "a network cannot be built from values that JAX is tracing; build it first, then "
            "differentiate by leaves of the built one: params, rest = select(model, weights())."
        ) from None


def _build(net: Network, dt: float, seed: int) -> BuiltNetwork:
    nodes = sampled_nodes(net, dt, seed)
    check_room(net, nodes, dt)
    edges = {edge.name: _edge(net, edge, dt, seed) for edge in net.edges()}
    solved = tuple(edge.name for edge in net.edges() if edge.projection.solve)
    instant = (name for name, edge in edges.items() if edge.delay == 0)
    nodes, shared = without_followers(nodes, net.share)
    return BuiltNetwork(
        nodes=nodes,
        edges=edges,
        seed=key_words(seed),
        sizes=tuple((name, p.size) for name, p in net.populations.items()),
        order=net.order(),
        edge_order=tuple(edges),
        immediate=tuple(name for name in instant if name not in solved),
        solved=solved,
        fixed_point=net.fixed_point,
        dt=dt,
        shared=shared,
    )


def sampled_nodes(net: Network, dt: float, seed: int) -> dict[str, System]:
    """The system of each population, its distributions drawn."""
    return {name: _node(net, name, dt, seed) for name in net.populations}


def _rng(seed: int, name: str) -> np.random.Generator:
    """One independent generator for each name, the same on every machine."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest, dtype=np.uint64)))


def _node(net: Network, name: str, dt: float, seed: int) -> System:
    population = net.populations[name]
    try:
        node = sampled(population.node(), population.size, _rng(seed, f"node/{name}"), dt)
        node.check(dt)
    except (ConfigError, ShapeError) as error:
        raise type(error)(f"population {name!r}: {error}") from None
    return jax.tree.map(_cast, node)


def _cast(value: Any) -> Any:
    # Cast by NumPy: by JAX it would be one more program to compile for each shape. What is too
    # large for float32, such as the largest float64 for never, becomes infinite.
    with np.errstate(over="ignore"):
        return jnp.asarray(np.asarray(value, dtype=jax.dtypes.canonicalize_dtype(float)))


def sampled(component: C, size: int, rng: np.random.Generator, dt: float) -> C:
    """A copy in which every distribution is one value per neuron, on the grid if need be."""
    model = type(component).__name__

    def draw(name: str, field: Field) -> Any:
        value = getattr(component, name)
        if isinstance(field, Part):
            return sampled_parts(value, size, rng, dt)
        if isinstance(field, Parameter) and isinstance(value, Distribution):
            drawn = field.sample(value, size, rng, model)
            return np.round(drawn / dt) * dt if field.steps else drawn
        if (
            isinstance(field, Parameter)
            and not field.free
            and np.shape(value)[-1:] not in ((), (size,))
        ):
            raise ShapeError(
                f"{model}.{name} has shape {np.shape(value)}; the population has {size} neurons."
            )
        return value

    drawn = {n: draw(n, f) for n, f in component.declared.items()}
    for name, value in drawn.items():
        if isinstance(value, Derived):
            drawn[name] = value.field.default(drawn)
    made = rebuild(type(component), drawn)
    made.validate()
    return made


def sampled_parts(value: Any, size: int, rng: np.random.Generator, dt: float) -> Any:
    """The same for a part: a component or a mapping of them."""
    if isinstance(value, Component):
        return sampled(value, size, rng, dt)
    return {name: sampled(part, size, rng, dt) for name, part in value.items()}


def _edge(net: Network, edge: EdgeSpec, dt: float, seed: int) -> Edge:
    projection, rng = edge.projection, _rng(seed, f"edge/{edge.stream}")
    if isinstance(projection.connectivity, procedural):
        return _procedural_edge(net, edge, projection.connectivity, dt, seed)
    n_pre, n_post = (net.populations[end].size for end in edge.drawn)
    try:
        pairs = projection.connectivity.sample(n_pre, n_post, rng, same=edge.pre == edge.post)
    except (ConfigError, ShapeError) as error:
        raise type(error)(f"edge {edge.name!r}: {error}") from None
    unit = net.weight_unit(edge)
    weight = _weights(edge, pairs, rng, unit)
    apart = net.port(edge, next(iter(projection.factors)))[0].events
    steps, early = (_split if apart else _steps)(projection, pairs, rng, dt, edge.name)
    rule = _rule_values(edge, pairs, rng, unit)
    if edge.turned or (projection.symmetric and edge.pre == edge.post):
        pairs, synapse = both_ways(pairs) if edge.pre == edge.post else turned(pairs)
        each = (weight, steps, early)
        weight, steps, early = (v[synapse] if np.ndim(v) else v for v in each)
        rule = {n: v[synapse] if np.ndim(v) else v for n, v in rule.items()}
    built = _assemble(net, edge, pairs, weight, steps, unit, rule)
    return built.replace(early=_in_layout(early, built.format)) if np.any(early) else built


def _rule_values(
    edge: EdgeSpec, pairs: Pairs, rng: np.random.Generator, unit: Unit
) -> dict[str, np.ndarray]:
    """The largest weight and what else a rule of plasticity has a value of per synapse."""
    rule = edge.projection.plasticity
    if rule is None:
        return {}
    units = {p.name: p.unit for p in parameters(type(rule))} | {"w_max": unit}
    names = [n for n in rule.given_each() if n != "w_max"] + ["w_max"] * (rule.w_max is not None)

    def values(name: str) -> np.ndarray:
        # What was given is in coherent units already, save the largest weight.
        given, where = getattr(rule, name), f"{type(rule).__name__}.{name} of edge {edge.name!r}"
        if isinstance(given, np.ndarray):
            return _given(given, pairs, where)
        return _per_synapse(given, units[name], pairs, rng, where, np.asarray)

    return {name: values(name) for name in names}


def _procedural_edge(net: Network, edge: EdgeSpec, rule: procedural, dt: float, seed: int) -> Edge:
    """An edge of which nothing is sampled: words, and a table for each distribution."""
    n_pre, n_post = (net.populations[end].size for end in edge.drawn)
    key = fold(key_words(seed), f"edge/{edge.stream}")
    try:
        format_ = rule.format(key, n_pre, n_post, same=edge.pre == edge.post)
    except ConfigError as error:
        raise ConfigError(f"edge {edge.name!r}: {error}") from None
    unit = net.weight_unit(edge)
    weight = _one_or_table(edge.projection.weight, unit, f"weight of edge {edge.name!r}")
    weight = weight.astype(jax.dtypes.canonicalize_dtype(float))
    steps = _procedural_steps(edge, dt)
    port, channel = net.port(edge, next(iter(edge.projection.factors)))
    if port.channels and channel is None:
        channel = _only_channel(edge, port, weight)
    timed = net.populations[edge.pre].node().timed
    return Edge(**_fields(edge, port, format_, weight, steps, unit, channel, timed))


def _procedural_steps(edge: EdgeSpec, dt: float) -> np.ndarray:
    where, delay = f"delay of edge {edge.name!r}", edge.projection.delay
    if delay is None:
        return np.array(0, np.int32)
    given = _one_or_table(delay, ms, where)
    return _narrow(_on_grid(given, dt) if given.ndim else _exact(given, dt, where))


def _one_or_table(value: Any, unit: Unit, where: str) -> np.ndarray:
    """One number, or the quantiles of a distribution."""

    def convert(v: Any) -> Any:
        return to_coherent(v, unit, where)

    if isinstance(value, Distribution):
        return value.quantiles((np.arange(TABLE) + 0.5) / TABLE, convert)
    return np.asarray(convert(value), np.float64)


def _only_channel(edge: EdgeSpec, port: Port, weight: np.ndarray) -> int:
    channels = set() if port.route is None else _channels(port.route, weight)
    if len(channels) != 1:
        raise ConfigError(
            f"edge {edge.name!r} is procedural and its port has channels {port.channels}; name the "
            f"one that all synapses end on: 'port.{port.channels[0]}'."
        )
    return channels.pop()


def turned(pairs: Pairs) -> tuple[Pairs, np.ndarray]:
    """The synapses the other way round, and which of the given ones each is."""
    order = np.lexsort((pairs.pre, pairs.post))
    if pairs.dense:
        return all_pairs(pairs.n_post, pairs.n_pre), order
    return listed(pairs.post[order], pairs.pre[order], pairs.n_post, pairs.n_pre), order


def both_ways(pairs: Pairs) -> tuple[Pairs, np.ndarray]:
    """Every pair of one population in both orders, once; which of the given synapses each is."""
    n, pre, post = pairs.n_pre, pairs.pre.astype(np.int64), pairs.post.astype(np.int64)
    repeated = (pre > post) & np.isin(post * n + pre, pre * n + post)
    once = np.flatnonzero((pre != post) & ~repeated)
    ends = [
        np.concatenate([pre[once], post[once]]),
        np.concatenate([post[once], pre[once]]),
    ]
    order = np.lexsort(ends[::-1])
    return listed(ends[0][order], ends[1][order], n, n), np.tile(once, 2)[order]


def _assemble(
    net: Network,
    edge: EdgeSpec,
    pairs: Pairs,
    weight: np.ndarray,
    steps: np.ndarray,
    unit: Unit,
    rule: dict[str, np.ndarray],
) -> Edge:
    port, channel = net.port(edge, next(iter(edge.projection.factors)))
    if port.channels and channel is None:
        pairs, weight, steps, channel = _routed(port, pairs, weight, steps)
    layout = edge.projection.connectivity.layout
    format_, timed = from_pairs(pairs, layout), net.populations[edge.pre].node().timed
    fields = _fields(edge, port, format_, weight, steps, unit, channel, timed)
    if edge.projection.plasticity is not None:
        return _plastic(fields, edge.projection.plasticity, weight, rule, edge.name)
    return DiffusiveEdge(**fields) if edge.projection.diffusive else Edge(**fields)


def _fields(
    edge: EdgeSpec,
    port: Port,
    format_: Format,
    weight: np.ndarray,
    steps: np.ndarray,
    unit: Unit,
    channel: int | None,
    timed: Mapping[str, str],
) -> dict[str, Any]:
    ports = edge.projection.factors
    return dict(
        format=format_,
        weight=_in_layout(weight, format_),
        delays=_in_layout(steps, format_) if np.ndim(steps) else None,
        early=None,
        pre=edge.pre,
        post=edge.post,
        signal=edge.projection.signal,
        ports=tuple((name.partition(".")[0], float(factor)) for name, factor in ports.items()),
        channel=channel,
        channels=len(port.channels),
        delay=int(np.max(steps, initial=0)),
        unit=unit,
        apart=port.events,
        timed=timed.get(edge.projection.signal, "") if port.events else "",
    )


def _plastic(
    fields: dict[str, Any],
    rule: Plasticity,
    weight: np.ndarray,
    each: dict[str, np.ndarray],
    name: str,
) -> Edge:
    w_max, fmt = each.get("w_max"), fields["format"]
    if w_max is not None:
        _check_bounds(weight, w_max, rule, fields["unit"], name)
    _check_per_neuron(rule, fmt, name)
    each = {n: v.reshape(fmt.shape) if np.ndim(v) else v for n, v in each.items()}
    bare = jax.tree.map(_cast, rebuild(type(rule), vars(rule) | each | {"w_max": None}))
    by_target = columns(fmt, fields["delays"], fields["delay"])
    largest = None if w_max is None else _cast(each["w_max"])
    return PlasticEdge(**fields, columns=by_target, rule=bare, w_max=largest)


def _check_bounds(
    weight: np.ndarray, w_max: np.ndarray, rule: Plasticity, unit: Unit, name: str
) -> None:
    w_max = w_max.astype(weight.dtype)
    inside = (np.minimum(w_max, 0) <= weight) & (weight <= np.maximum(w_max, 0))
    if not np.all(inside) or np.any(w_max == 0):
        raise ConfigError(
            f"the weights of edge {name!r} lie between {in_unit(weight.min(), unit):g} and "
            f"{in_unit(weight.max(), unit):g} {unit}, those of its {type(rule).__name__} between "
            f"0 and w_max = {rule.w_max}."
        )


def _check_per_neuron(rule: Plasticity, fmt: Format, name: str) -> None:
    for traces, size in ((rule.pre_traces, fmt.n_pre), (rule.post_traces, fmt.n_post)):
        for parameter in traces.values():
            shape = np.shape(getattr(rule, parameter))
            if shape not in ((), (size,)):
                raise ShapeError(
                    f"{type(rule).__name__}.{parameter} of edge {name!r} has shape {shape}; "
                    f"expected one number, or ({size},) for the neurons whose spikes it traces."
                )


def _routed(
    port: Port, pairs: Pairs, weight: np.ndarray, steps: np.ndarray
) -> tuple[Pairs, np.ndarray, np.ndarray, int | None]:
    """Send each synapse to the channel that the port's route chooses by its weight."""
    if port.route is None:
        raise ConfigError(
            f"the port has channels {port.channels}; name one: 'port.{port.channels[0]}'."
        )
    channels = _channels(port.route, weight)
    if len(channels) == 1:
        return pairs, weight, steps, channels.pop()
    # One scatter serves all channels: synapse by synapse, the target index moves on by a channel's
    # width.
    width = pairs.n_post * len(port.channels)
    channel = port.route(weight)
    order = grouped(pairs.degrees, channel, len(port.channels))
    post = (pairs.post + channel * pairs.n_post)[order]
    moved = Pairs(pairs.degrees, post.astype(np.int32, copy=False), width)
    return moved, weight[order], steps[order] if np.ndim(steps) else steps, None


def _channels(route: Callable[[np.ndarray], np.ndarray], weight: np.ndarray) -> set[int]:
    """The channels that synapses of these weights end on."""
    blocks = [weight[i : i + BLOCK] for i in range(0, weight.size, BLOCK)] if weight.ndim else []
    found = (np.flatnonzero(np.bincount(np.ravel(route(b)))) for b in blocks or [weight])
    return {int(channel) for channels in found for channel in channels}


def _in_layout(values: np.ndarray, format_: Format) -> Array:
    # Not asarray, which copies: nobody else has these values.
    shape = values.shape if isinstance(format_, Procedural) else format_.shape
    return jax.device_put(values.reshape(shape) if np.ndim(values) else values)


def _per_synapse(
    value: Any, unit: Unit, pairs: Pairs, rng: np.random.Generator, where: str, kept: Kept
) -> np.ndarray:
    """One number for all synapses, or one for each in the order of `pairs`.

    `kept` gives them their dtype, in an array of its own: JAX may take it without a copy.
    What is drawn is drawn in float64, whatever it is kept in: float32 and float64 are one network.
    """

    def convert(v: Any) -> Any:
        return to_coherent(v, unit, where)

    def draw(rng: np.random.Generator, size: int) -> np.ndarray:
        return kept(value.sample(rng, (size,), convert))

    if isinstance(value, Distribution):
        n = len(pairs)
        return joined(drawn(rng, draw, lengths(n, n)), n)
    return kept(_given(convert(value), pairs, where))


def _given(value: Any, pairs: Pairs, where: str) -> np.ndarray:
    """What the user states; it may be the user's own array."""
    numbers, n = np.asarray(value, np.float64), len(pairs)
    if numbers.shape == (pairs.n_pre, pairs.n_post):
        return numbers.ravel() if pairs.dense else numbers[pairs.pre, pairs.post]
    if numbers.shape not in ((), (n,)):
        raise ShapeError(
            f"{where} has shape {numbers.shape}; expected one number, ({n},) for the synapses, or "
            f"({pairs.n_pre}, {pairs.n_post}) for all pairs."
        )
    # Values given along with a list of synapses follow it when it is sorted.
    return numbers if pairs.order is None or numbers.ndim == 0 else numbers[pairs.order]


def _weights(edge: EdgeSpec, pairs: Pairs, rng: np.random.Generator, unit: Unit) -> np.ndarray:
    dtype = jax.dtypes.canonicalize_dtype(float)
    where = f"weight of edge {edge.name!r}"
    return _per_synapse(edge.projection.weight, unit, pairs, rng, where, lambda w: w.astype(dtype))


def _steps(
    projection: Projection, pairs: Pairs, rng: np.random.Generator, dt: float, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Delays in whole steps: one for all synapses, or one for each, in the fewest bytes."""
    where, delay = f"delay of edge {name!r}", projection.delay
    if delay is None:
        return np.array(int(projection.diffusive), np.int32), np.zeros(())
    on_grid = _on_grid if isinstance(delay, Distribution) else partial(_exact, where=where)
    steps = _per_synapse(delay, ms, pairs, rng, where, lambda d: _narrow(on_grid(d, dt)))
    return steps, np.zeros(())


def _split(
    projection: Projection, pairs: Pairs, rng: np.random.Generator, dt: float, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Delays as the next whole number of steps, and how much less they are (ms)."""
    where = f"delay of edge {name!r}"
    delay = _per_synapse(projection.delay, ms, pairs, rng, where, np.array)
    if isinstance(projection.delay, Distribution):
        delay = np.maximum(delay, dt)
    if np.any(delay < dt * (1 - ON_GRID)):
        raise ConfigError(f"{where} is {np.min(delay):g} ms, below one step, dt = {dt:g} ms.")
    steps = np.ceil(delay / dt * (1 - ON_GRID))
    early = np.maximum(steps * dt - delay, 0.0)
    early = np.where(early > ON_GRID * delay, early, 0.0)
    return _narrow(steps), early.astype(jax.dtypes.canonicalize_dtype(float))


def _on_grid(delay: np.ndarray, dt: float) -> np.ndarray:
    """The nearest number of steps, one at least."""
    steps = delay / dt
    return np.maximum(np.round(steps, out=steps), 1, out=steps)


def _exact(delay: np.ndarray, dt: float, where: str) -> np.ndarray:
    """The number of steps, which must be whole."""
    steps = np.round(delay / dt)
    off = np.abs(delay / dt - steps)
    if np.any(off > ON_GRID * np.maximum(1, steps)):
        bad = np.ravel(delay)[np.argmax(np.ravel(off))]
        raise ConfigError(
            f"{where} is {bad:g} ms, which is not a multiple of dt = {dt:g} ms; choose a dt that "
            "divides it, or round the value."
        )
    if delay.ndim and np.any(steps < 1):
        raise ConfigError(f"{where}: a delay per synapse is at least one step, dt = {dt:g} ms.")
    if delay.ndim == 0 and steps == 0 < delay:
        raise ConfigError(f"{where} is {delay:g} ms, below one step, dt = {dt:g} ms.")
    return steps


def _narrow(steps: np.ndarray) -> np.ndarray:
    """The same whole numbers in the smallest signed integers that hold them."""
    return steps.astype(integers_to(int(np.max(steps, initial=0))))
