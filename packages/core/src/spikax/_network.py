"""A network as it is written down: populations and projections, checked but not built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from spikax._distributions import Distribution
from spikax._fixed_point import FixedPoint
from spikax._plastic_edge import check_plasticity
from spikax._population import Population
from spikax._projection import Projection
from spikax._summary import html, network_page, text
from spikax._system import Port
from spikax.errors import ConfigError, UnitError, unknown
from spikax.units import Unit, ms, shown, to_coherent

if TYPE_CHECKING:
    from spikax._built import BuiltNetwork
    from spikax._check import Finding
    from spikax._memory import Memory


@dataclass(frozen=True)
class EdgeSpec:
    """One edge of a projection: one source, one target, a name."""

    name: str
    pre: str
    post: str
    projection: Projection
    turned: bool = False

    @property
    def drawn(self) -> tuple[str, str]:
        """The ends as they are drawn: the other way round for the way back of a symmetric one."""
        return (self.post, self.pre) if self.turned else (self.pre, self.post)

    @property
    def stream(self) -> str:
        """What its samples are drawn by: no other projection can change it."""
        ports = "+".join(self.projection.factors)
        return f"{self.projection.name or ''}/{'->'.join(self.drawn)}:{ports}"


@dataclass(frozen=True)
class Network:
    """Populations and the projections between them: a description, light, printable and comparable.

    `build` samples it and gives the system that runs.

    Attributes:
        populations: By name.
        projections: In the order in which they act.
        share: Groups of parameters that are one, by path:
            `[("E.neuron.tau_m", "I.neuron.tau_m")]`. The first name keeps the leaf and the
            gradient, which is the sum over the group. All must have the same value.
        fixed_point: How often populations that are solved together repeat a step.

    Raises:
        ConfigError: A cycle of projections without delay, equal names, a value that is no weight
            or delay.
        UnknownNameError: A population, port, channel or signal that does not exist.
        UnitError: A weight or delay in another unit.
    """

    populations: Mapping[str, Population]
    projections: Sequence[Projection] = ()
    share: Sequence[Sequence[str]] = ()
    fixed_point: FixedPoint = field(default_factory=FixedPoint)

    def __post_init__(self) -> None:
        if not isinstance(cast(Any, self.populations), Mapping):
            raise ConfigError(
                f"populations are {type(self.populations).__name__}; name each of them: "
                "Network({'E': Population(LIF(), 100)})."
            )
        if not isinstance(cast(Any, self.projections), Sequence):
            raise ConfigError(
                f"projections are {type(self.projections).__name__}; write a list: "
                "Network(populations, [Projection(...)])."
            )
        if not self.populations:
            raise ConfigError(
                "a network needs at least one population: Network({'E': Population(LIF(), 100)})."
            )
        for name, population in self.populations.items():
            _check_name(name)
            if not isinstance(cast(Any, population), Population):
                raise ConfigError(
                    f"population {name!r} is {population!r}; write Population(LIF(), 100)."
                )
        for edge in self.edges():
            self._check_edge(edge)
        self.order()

    def edges(self) -> tuple[EdgeSpec, ...]:
        """Every edge with its name, in the order of the projections."""
        found = [(pre, post, p, back) for p in self.projections for pre, post, back in p.pairs()]
        by_pair = Counter((pre, post) for pre, post, p, _ in found if p.name is None)
        named = [
            EdgeSpec(_edge_name(pre, post, p, by_pair), pre, post, p, back)
            for pre, post, p, back in found
        ]
        for name, count in Counter(e.name for e in named).items():
            if count > 1:
                raise ConfigError(
                    f"{count} edges are called {name!r}; give their projections a name=."
                )
        return tuple(named)

    def order(self) -> tuple[str, ...]:
        """Populations in the order of a step: before a target, the sources without delay.

        Those that are solved together follow each other.
        """
        edges = self.edges()
        ends = [{e.pre, e.post} for e in edges if e.projection.solve]
        coupled = [name for name in self.populations if name in set().union(*ends)]
        place = {name: coupled[0] if name in coupled else name for name in self.populations}
        before: dict[str, set[str]] = {name: set() for name in place.values()}
        for edge in edges:
            if edge.projection.immediate:
                before[place[edge.post]].add(place[edge.pre])
        try:
            order = TopologicalSorter(before).static_order()
            return tuple(n for first in order for n in self.populations if place[n] == first)
        except CycleError as cycle:
            path = " -> ".join(reversed(cycle.args[1]))
            raise ConfigError(
                f"the edges without delay form a cycle, {path}; give one of these projections a "
                "delay of dt or more, for example delay=1*ms, or solve='fixed_point'."
            ) from None

    def port(self, edge: EdgeSpec, name: str) -> tuple[Port, int | None]:
        """The port of an edge's target, and the channel if the name ends in one."""
        ports = self.populations[edge.post].model.ports
        base, _, channel = name.partition(".")
        if base not in ports:
            raise unknown(f"port of population {edge.post!r}", base, ports)
        port = ports[base]
        if not channel:
            return port, None
        if channel not in port.channels:
            raise unknown(
                f"channel of port {base!r} of population {edge.post!r}", channel, port.channels
            )
        return port, port.channels.index(channel)

    def weight_unit(self, edge: EdgeSpec) -> Unit:
        """Unit of an edge's weight: that of the port over that of the signal."""
        unit = self.signal_unit(edge.pre, edge.projection.signal)
        units = {name: self.port(edge, name)[0].unit for name in edge.projection.factors}
        first = next(iter(units.values()))
        if any(u.dim != first.dim for u in units.values()):
            raise ConfigError(
                f"edge {edge.name!r} ends on ports of different units, {units}; "
                "use one projection each."
            )
        return first / unit

    def signal_unit(self, population: str, name: str) -> Unit:
        """The unit of a signal."""
        signals = self.populations[population].node().signals
        if name not in signals:
            raise unknown(f"signal of population {population!r}", name, signals)
        return signals[name]

    def _check_edge(self, edge: EdgeSpec) -> None:
        for end in (edge.pre, edge.post):
            if end not in self.populations:
                raise unknown(f"population (edge {edge.name!r})", end, self.populations)
        self._check_ports(edge)
        unit, rule = self.weight_unit(edge), edge.projection.plasticity
        check_values(edge.projection.weight, unit, f"weight of edge {edge.name!r}")
        if edge.projection.diffusive:
            self._check_difference(edge)
        if rule is not None:
            where = f"{type(rule).__name__}.w_max on edge {edge.name!r}"
            if rule.w_max is not None:
                check_values(rule.w_max, unit, where)
            check_plasticity(self, edge, rule)
        if edge.projection.delay is not None:
            check_values(edge.projection.delay, ms, f"delay of edge {edge.name!r}", positive=True)

    def _check_difference(self, edge: EdgeSpec) -> None:
        name = edge.projection.signal
        units = [self.signal_unit(end, name) for end in (edge.pre, edge.post)]
        if units[0].dim != units[1].dim:
            raise UnitError(
                f"edge {edge.name!r} is diffusive, but {edge.pre}.{name} is in {units[0]} and "
                f"{edge.post}.{name} in {units[1]}."
            )

    def _check_ports(self, edge: EdgeSpec) -> None:
        factors = edge.projection.factors
        if not factors:
            raise ConfigError(f"edge {edge.name!r} ends on no port; name one, port='current'.")
        for name, factor in factors.items():
            port, channel = self.port(edge, name)
            if port.channels and len(factors) > 1:
                raise ConfigError(
                    f"edge {edge.name!r} ends on several ports, of which {name!r} has channels "
                    f"{port.channels}; use one projection each."
                )
            if port.channels and channel is None and edge.projection.on_one_channel:
                raise ConfigError(
                    f"edge {edge.name!r} is diffusive or plastic, so it ends on one channel of "
                    f"port {name!r}; name it, '{name}.{port.channels[0]}'."
                )
            if port.events:
                self._check_events(edge, name)
            if not np.isfinite(factor):
                raise ConfigError(
                    f"edge {edge.name!r} has factor {factor} for port {name!r}; it must be finite."
                )

    def _check_events(self, edge: EdgeSpec, name: str) -> None:
        projection = edge.projection
        now = projection.immediate or projection.diffusive or projection.solve
        if now or projection.factors != {name: 1}:
            raise ConfigError(
                f"edge {edge.name!r} ends on port {name!r}, which keeps events apart; it needs a "
                "delay of dt or more, and no other port or factor."
            )

    def build(self, *, dt: Any, seed: int = 0) -> BuiltNetwork:
        """Sample connectivity, weights, delays and parameters; fix the lengths of buffers.

        Args:
            dt: Time step, a quantity.
            seed: Seed of everything that is sampled; also the default seed of run-time noise.

        Returns:
            The system that runs: a pytree whose leaves are the parameters and the weights, in the
            floating-point type that is in force (float32; float64 under `jax.enable_x64(True)`).

        Raises:
            ConfigError: A time is not a multiple of dt, a sampled value is out of range, a rule
                asks for more than there is, shared parameters differ.
            ShapeError: Values that fit neither the neurons nor the synapses.
        """
        from spikax._build import build

        return build(self, float(to_coherent(dt, ms, "dt")), seed)

    def check(self, *, dt: Any) -> list[Finding]:
        """What `build` allows but is probably not meant; empty if there is nothing to say.

        Populations that surely stay silent or that nobody reads, steps that are large beside a time
        constant, a reset that is not below the threshold, negative weights into a conductance,
        delays below one step. Distributions are judged by a thousand draws.
        """
        from spikax._build import sampled_nodes
        from spikax._check import findings

        step = float(to_coherent(dt, ms, "dt"))
        return list(findings(self, sampled_nodes(self, step, 0), step))

    def memory(self, *, dt: Any) -> Memory:
        """The expected bytes of each part, before a synapse is sampled; `build` refuses too many.

        Connectivity, weights, delays, state and the rings of what is on its way; synapses as the
        rules expect them, distributions by a thousand draws. While an edge is sampled, `build`
        takes 40 bytes more for each of its synapses.
        """
        from spikax._build import sampled_nodes
        from spikax._memory import estimate

        step = float(to_coherent(dt, ms, "dt"))
        return estimate(self, sampled_nodes(self, step, 0), step)

    def summary(self) -> str:
        """A table of populations and projections, as they are written down."""
        return text(network_page(self))

    def plot_graph(self, *, ax: Any = None) -> Any:
        """Draw the populations, and the projections as arrows in the colour of their port.

        Returns:
            The matplotlib axes, new ones unless `ax` is given.
        """
        from spikax._plot_network import plot_graph

        return plot_graph(self, ax)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return html(network_page(self))


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name or any(c in name for c in "./*[]"):
        raise ConfigError(
            f"{name!r} cannot name a population: use a string without any of . / * [ ]"
        )


def _edge_name(
    pre: str, post: str, projection: Projection, by_pair: Counter[tuple[str, str]]
) -> str:
    if projection.name is not None:
        _check_name(projection.name)
        several = len(projection.pairs()) > 1
        return f"{projection.name}:{pre}->{post}" if several else projection.name
    ambiguous = by_pair[pre, post] > 1
    ports = "+".join(projection.factors).replace(".", ":")  # a dot separates names in paths
    return f"{pre}->{post}:{ports}" if ambiguous else f"{pre}->{post}"


def check_values(value: Any, unit: Unit, where: str, *, positive: bool = False) -> None:
    """Raise if values have the wrong unit, are not finite, or are negative."""
    if isinstance(value, Distribution):
        value.check(lambda v: to_coherent(v, unit, where))
        return
    numbers = to_coherent(value, unit, where)
    if isinstance(numbers, np.ndarray):
        bad = ~np.isfinite(numbers) | (positive & (numbers < 0))
        if bad.any():
            must = "finite and not negative" if positive else "finite"
            raise ConfigError(f"{where} is {shown(numbers[bad].flat[0], unit)}; it must be {must}.")
