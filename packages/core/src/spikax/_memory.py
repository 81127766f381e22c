"""How much memory a network takes, from its description, before any synapse is sampled."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from jax.tree import leaves

from spikax import _blocks
from spikax._component import rebuild
from spikax._connectivity import (
    Rule,
    all_to_all,
    explicit,
    fixed_indegree,
    fixed_outdegree,
    fixed_total_number,
    one_to_one,
    pairwise_bernoulli,
    symmetric_pairwise_bernoulli,
)
from spikax._distributions import Distribution
from spikax._procedural import TABLE, procedural
from spikax._projection import Projection, inbox
from spikax._summary import table
from spikax._system import System
from spikax.errors import ConfigError
from spikax.units import Unit, ms, to_coherent

if TYPE_CHECKING:
    from spikax._network import EdgeSpec, Network

# Bytes for each synapse that is being drawn, in a block of them; all measured.
_DRAWN = 28
_LISTED: dict[type[Rule], int] = {
    fixed_indegree: 20,
    explicit: 40,
    symmetric_pairwise_bernoulli: 46,
}
_DRAWS = 1000  # that stand for a distribution
_FEW, _GIB = 1000, 2**30  # the synapses of so few neurons take no gigabyte


class Row(NamedTuple):
    """The bytes of one population, edge or ring.

    Attributes:
        name: Of the population or edge, or "to E.exc" of a ring.
        synapses: Their expected number.
        connectivity: Indices of the neurons that are connected.
        values: Weights, or the parameters of a population.
        delays: Delays, where each synapse has its own.
        state: Variables, or what is on its way.
        sampling: What it takes besides, or before, while it is built.
    """

    name: str
    synapses: int = 0
    connectivity: int = 0
    values: int = 0
    delays: int = 0
    state: int = 0
    sampling: int = 0

    @property
    def total(self) -> int:
        """All of it, once it is built."""
        return sum(self[2:-1])

    @property
    def building(self) -> int:
        """What it takes at the peak of `build`, when NumPy samples the synapses."""
        return self.total + self.sampling


@dataclass(frozen=True, repr=False)
class Memory:
    """Expected bytes of a network by population and edge; printed, a table.

    Attributes:
        rows: Populations, then edges, then the rings of what is on its way to a port.
    """

    rows: tuple[Row, ...]

    @property
    def total(self) -> int:
        """Bytes of the built network and one state of it."""
        return sum(row.total for row in self.rows)

    @property
    def building(self) -> int:
        """Bytes at the peak of `build`, which samples one edge after the other."""
        return self.total + max(row.sampling for row in self.rows)

    def __repr__(self) -> str:
        rows = [(row.name, *(f"{n:,}" for n in (*row[1:-1], row.total))) for row in self.rows]
        text = table(("bytes of", *Row._fields[1:-1], "total"), rows)
        return f"{text}\n\n{self.total:,} bytes in all, {self.building:,} while it is built"


def estimate(net: Network, nodes: Mapping[str, System], dt: float) -> Memory:
    """The bytes that a description, of which the nodes are built, will take."""
    populations = [
        _node(name, node, net.populations[name].size, dt) for name, node in nodes.items()
    ]
    edges = net.edges()
    return Memory((*populations, *(_edge(net, e, dt) for e in edges), *_rings(net, edges, dt)))


def check_room(net: Network, nodes: Mapping[str, System], dt: float) -> None:
    """Raise if a network cannot fit into the memory of the machine or of its device."""
    machine, device = machine_bytes(), device_bytes()
    if _is_small(net) and all(limit is None or limit > _GIB for limit in (machine, device)):
        return  # the estimate would take longer than to build it
    memory = estimate(net, nodes, dt)
    for need, there, when in (
        (memory.building, machine, "while it is built"),
        (memory.total, device, "to run"),
    ):
        if there is not None and need > there:
            raise ConfigError(_too_large(memory, need, there, when))


def _is_small(net: Network) -> bool:
    sizes = {name: p.size for name, p in net.populations.items()}
    pairs = (sizes[edge.pre] * sizes[edge.post] for edge in net.edges())
    return sum(sizes.values()) <= _FEW and sum(pairs) <= _FEW**2


def machine_bytes(pages: str = "SC_PHYS_PAGES") -> int | None:
    """The memory of the machine, None where the system does not tell."""
    try:
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def device_bytes(*, free: bool = False) -> int | None:
    """The memory that arrays live in, None where nothing is known; or what is free of it."""
    stats = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" in stats:
        return stats["bytes_limit"] - free * stats.get("bytes_in_use", 0)
    return (machine_bytes("SC_AVPHYS_PAGES") if free else None) or machine_bytes()


def draws(value: Any, unit: Unit) -> np.ndarray:
    """Coherent values of a weight, a delay or a parameter; some of a distribution."""

    def convert(v: Any) -> Any:
        return to_coherent(v, unit, "value")

    if isinstance(value, Distribution):
        return value.sample(np.random.default_rng(0), (_DRAWS,), convert)
    return np.asarray(convert(value))


def _node(name: str, node: System, size: int, dt: float) -> Row:
    key = np.zeros(2, np.uint32)
    known = {f: getattr(node, f) for f in node.shapes}

    def fresh(traced: Any) -> Any:
        whole = rebuild(type(node), vars(traced) | known)
        return whole.init_state(size, key=key, dt=dt)

    state = jax.eval_shape(fresh, node)
    values, variables = (sum(x.size * x.dtype.itemsize for x in leaves(t)) for t in (node, state))
    return Row(name, values=values, state=variables)


def _edge(net: Network, edge: EdgeSpec, dt: float) -> Row:
    projection, plasticity = edge.projection, edge.projection.plasticity
    n_pre, n_post = (net.populations[end].size for end in (edge.pre, edge.post))
    drawn = (net.populations[end].size for end in edge.drawn)
    synapses = round(projection.connectivity.expected(*drawn, same=edge.pre == edge.post))
    if projection.symmetric and edge.pre == edge.post:
        synapses = min(2 * synapses, n_pre * (n_pre - 1))
    weight = draws(projection.weight, net.weight_unit(edge))
    delay, steps = _delay(projection, dt)
    _, channels = _channel(net, edge, weight)
    numbers = 0
    if plasticity is not None:
        kept = 1 + len(plasticity.post_traces)
        each = 1 + len(plasticity.variables) + len(plasticity.given_each())
        numbers += synapses * each + n_post * (kept * (steps + 2) - 1)
        numbers += n_pre * (len(plasticity.pre_traces) + len(plasticity.pre_clocks))
    size = jax.dtypes.canonicalize_dtype(float).itemsize
    if isinstance(projection.connectivity, procedural):
        values, kept = (TABLE if np.ndim(v) else n for v, n in ((weight, 1), (delay, 0)))
        return Row(edge.name, synapses, 8, size * values, integers_to(steps).itemsize * kept)
    indices = 4 * _indices(edge, synapses, n_pre, n_post, channels)
    if plasticity is not None and not isinstance(projection.connectivity, one_to_one):
        indices += 4 * _columns(indices // 4, synapses, n_post, steps if np.ndim(delay) else 0)
    weights = size * (synapses if np.ndim(weight) else 1)
    delays = integers_to(steps).itemsize * synapses if np.ndim(delay) else 0
    sampling = _sampling(projection.connectivity, synapses, indices, weights, delays)
    return Row(edge.name, synapses, indices, weights, delays, size * numbers, sampling)


def _columns(indices: int, synapses: int, n_post: int, steps: int) -> int:
    """Of the synapses by target; `steps` is the longest delay if synapses have one each."""
    if not indices and not steps:
        return 0
    sources = synapses if indices > synapses else 0
    return synapses + sources + n_post * max(1, steps) + 1


def _sampling(rule: Rule, synapses: int, *arrays: int) -> int:
    """Bytes at the peak of sampling less those of the arrays that remain."""
    blocks = _DRAWN * min(synapses, _blocks.cores() * _blocks.BLOCK)
    return max(blocks, _listed(rule) * synapses - sum(arrays))


def _listed(rule: Rule) -> int:
    """Bytes for each synapse of an edge, where a rule is not drawn in blocks of sources alone."""
    if isinstance(rule, fixed_total_number) and not rule.allow_multapses:
        return 32
    return _LISTED.get(type(rule), 0)


def integers_to(largest: int) -> np.dtype[Any]:
    """The smallest signed integers that hold 0 to `largest`."""
    # There is no signed type for -(n + 1) that does not hold n too.
    return np.min_scalar_type(-largest - 1)


def _delay(projection: Projection, dt: float) -> tuple[np.ndarray, int]:
    """Delays in ms, some of a distribution, and the longest in steps."""
    delay = draws(0 * ms if projection.delay is None else projection.delay, ms)
    return delay, int(np.max(np.round(delay / dt), initial=np.ndim(delay)))


def _channel(net: Network, edge: EdgeSpec, weight: np.ndarray) -> tuple[int | None, int]:
    """The channel that all synapses end on, or None; how many channels they end on."""
    port, channel = net.port(edge, next(iter(edge.projection.factors)))
    if channel is not None or port.route is None:
        return channel, 1
    channels = np.flatnonzero(np.bincount(np.ravel(port.route(weight))))
    return (int(channels[0]), 1) if channels.size == 1 else (None, channels.size)


def _rings(net: Network, edges: Sequence[EdgeSpec], dt: float) -> list[Row]:
    """What is on its way to each port, for all edges that end on it."""
    lengths, widths, kept = dict[str, int](), dict[str, int](), set[str]()
    for edge in edges:
        weight = draws(edge.projection.weight, net.weight_unit(edge))
        channel, channels = _channel(net, edge, weight)
        name = f"to {inbox(edge.post, tuple(edge.projection.factors.items()), channel)}"
        lengths[name] = max(lengths.get(name, 0), _delay(edge.projection, dt)[1])
        port = net.port(edge, next(iter(edge.projection.factors)))[0]
        widths[name] = net.populations[edge.post].size * channels * (2 * port.events or 1)
        kept |= {name} if port.events else set()
    size = jax.dtypes.canonicalize_dtype(float).itemsize
    return [
        Row(n, state=size * lengths[n] * widths[n]) for n in widths if lengths[n] > 1 or n in kept
    ]


def _indices(edge: EdgeSpec, synapses: int, n_pre: int, n_post: int, channels: int) -> int:
    """Of the format that the pairs will have, CSR if in doubt."""
    rule, symmetric = edge.projection.connectivity, edge.projection.symmetric
    if channels == 1 and not symmetric:
        if isinstance(rule, all_to_all | pairwise_bernoulli) and synapses == n_pre * n_post:
            return 0
        if isinstance(rule, one_to_one):
            return 0
        if isinstance(rule, all_to_all | fixed_outdegree):
            return synapses
    return synapses + n_pre + 1


def _too_large(memory: Memory, need: int, there: int, when: str) -> str:
    biggest = sorted(memory.rows, key=lambda row: -row.building)[:3]
    named = ", ".join(f"{r.name!r} ({r.building:.3g}, {r.synapses:.3g} synapses)" for r in biggest)
    return (
        f"the network needs {need:.3g} bytes {when}, there are {there:.3g}; the biggest parts are "
        f"{named}. What helps: fewer synapses, one number instead of one per synapse for a weight "
        "or a delay, float32, fewer neurons."
    )
