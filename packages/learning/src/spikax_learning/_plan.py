"""Which parameters a rule trains, and the ways from each to what the loss reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import BuiltNetwork, Dynamics, Edge, LeakyReadout, RateReadout, SpikeCount, leaves
from spikax.errors import ConfigError
from spikax_learning._linearise import Wanted

MEMORIES = (LeakyReadout, RateReadout, SpikeCount)
"""Populations that are a leaky sum of what arrives: what a spike did to them fades, no more."""


@dataclass(frozen=True)
class Way:
    """How the signal of a population comes to the loss.

    Attributes:
        signal: What of the population is seen.
        to: The population that sees it; none where the loss itself does.
        edges: By which edges.
        lag: Steps that these take.
        fades: Whether `to` remembers it, as a leaky sum does.
    """

    signal: str
    to: str | None = None
    edges: tuple[str, ...] = ()
    lag: int = 0
    fades: bool = False

    @property
    def kept(self) -> int:
        """Numbers kept of the signal: one for each step on the way, one for what is remembered."""
        return self.lag + (self.fades or self.lag > 0)


@dataclass(frozen=True)
class Target:
    """A population on the way from the trained parameters to the loss.

    Attributes:
        population: Its name.
        edges: The trained edges into it.
        parameters: The trained parameters of its model, paths within it.
        ways: Its ways to the loss.
    """

    population: str
    edges: tuple[str, ...]
    parameters: tuple[str, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class Plan:
    """Every population that is followed, those next to the loss first.

    Attributes:
        rule: Name of the rule, for errors.
        reads: Signals that the loss reads.
        targets: The populations.
    """

    rule: str
    reads: tuple[str, ...]
    targets: tuple[Target, ...]

    def wanted(self) -> dict[str, Wanted]:
        """By population, what has to be known of its Jacobians."""
        found = dict[str, Wanted]()
        for target in self.targets:
            through = [e for t in self.targets for way in t.ways for e in _into(way, target)]
            found[target.population] = Wanted(
                tuple(dict.fromkeys((*target.edges, *through))),
                target.parameters,
                tuple(dict.fromkeys(way.signal for way in target.ways)),
            )
        return found

    def trained(self) -> Iterator[tuple[Target, str, str]]:
        """Every trained parameter: its target, its name there, its path in the network."""
        for target in self.targets:
            yield from ((target, e, f"edges.{e}.weight") for e in target.edges)
            yield from ((target, p, f"nodes.{target.population}.{p}") for p in target.parameters)


def _into(way: Way, target: Target) -> tuple[str, ...]:
    return way.edges if way.to == target.population else ()


def refuse_solved(rule: str, net: BuiltNetwork) -> None:
    """Raise for populations that act on each other within a step: neurons are not apart there."""
    if net.solved:
        raise ConfigError(
            f"{rule} takes the neurons of a step one by one, and those at the ends of edge "
            f"{net.solved[0]!r} are solved together (solve='fixed_point'). Use BPTT() or RTRL(), "
            "or give the projection a delay."
        )


def plan(
    rule: str,
    net: BuiltNetwork,
    trained: Any,
    reads: tuple[str, ...],
    broadcast: Broadcast,
    filtered: bool = True,
) -> Plan:
    """Find the ways of every trained parameter to the loss.

    Args:
        rule: Name of the rule.
        net: The network.
        trained: The part of it that `select` picked.
        reads: Signals that the loss reads.
        filtered: Whether the memory of a readout counts.
        broadcast: Whether the errors of a population that is read come to others by feedback, so
            that they need no projection to it.

    Raises:
        ConfigError: A parameter cannot be trained: it would be left out in silence otherwise; or
            populations are solved together.
    """
    refuse_solved(rule, net)
    edges, parameters = _sorted(rule, net, trained)
    graph = Graph(net, reads)
    needed = [
        n
        for n in graph.backwards()
        if n in edges or n in parameters or graph.passes(n, edges, parameters)
    ]
    lost = [n for n in (*edges, *parameters) if n not in needed]
    if graph.speaking(broadcast):  # to all, from what is read
        needed = list(dict.fromkeys([*graph.speaking(broadcast), *needed, *lost]))
        lost = []
    if lost:
        raise ConfigError(_unreached(rule, lost[0], edges, parameters, reads))
    targets = []
    for name in needed:
        mine = edges.get(name, ()), parameters.get(name, ())
        _check_dynamics(rule, net, name, *mine)
        ways = graph.ways(rule, name, broadcast)
        ways = tuple(dataclasses.replace(w, fades=w.fades and filtered) for w in ways)
        targets.append(Target(name, tuple(mine[0]), tuple(mine[1]), ways))
    for target in targets:
        _check_releases(rule, target)
    return Plan(rule, reads, tuple(targets))


Loss = Callable[[Any, Any], Array]
"""Of one step or of a whole run: `loss(y, target)`, a scalar."""


def default_reads(rule: str, net: BuiltNetwork) -> tuple[str, ...]:
    """The output of the only leaky readout: what a loss reads that does not say so."""
    found = [name for name, model in net.nodes.items() if isinstance(model, LeakyReadout)]
    if len(found) != 1:
        raise ConfigError(
            f"the network has {len(found)} populations of LeakyReadout ({', '.join(found)}); "
            f"{rule} needs to know which one the loss reads: give it one, for example "
            "'out': Population(LeakyReadout(20*ms), 3), or a loss that names what it reads, "
            "such as mse('out')."
        )
    return (f"{found[0]}.y",)


Names = Mapping[str, Iterable[str]]
Broadcast = Callable[[str], bool]


def _sorted(
    rule: str, net: BuiltNetwork, trained: Any
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The trained edges, and the trained parameters of models, by population."""
    edges, parameters = dict[str, list[str]](), dict[str, list[str]]()
    for leaf in leaves(trained):
        kind, _, rest = leaf.path.partition(".")
        if kind == "edges":
            name = rest.removesuffix(".weight")
            _check_edge(rule, net, leaf.path, name)
            edges.setdefault(net.edges[name].post, []).append(name)
        elif kind == "nodes" and leaf.kind == "parameter":
            name, _, path = rest.partition(".")
            _check_parameter(rule, net, leaf, name, path)
            parameters.setdefault(name, []).append(path)
        else:
            raise ConfigError(
                f"{rule} would leave out {leaf.path}: it trains weights of projections and "
                "parameters of models only. Pick those with train=weights(...) or '*.tau_m'."
            )
    return edges, parameters


def _check_edge(rule: str, net: BuiltNetwork, path: str, name: str) -> None:
    if path != f"edges.{name}.weight":
        raise ConfigError(
            f"{rule} would leave out {path}: of a projection it trains the weights only. "
            "Pick those with train=weights(...)."
        )
    if type(net.edges[name]) is not Edge:
        raise ConfigError(
            f"{rule} would leave out {path}: it is a {type(net.edges[name]).__name__}, which "
            "changes by a rule of its own or transmits no spikes. Pick others with "
            "train=weights(...)."
        )
    if net.edges[name].apart:
        raise ConfigError(
            f"{rule} would leave out {path}: its target keeps events apart, and what a weight does "
            "there hangs on the time of each event. Use BPTT()."
        )


def _check_parameter(rule: str, net: BuiltNetwork, leaf: Any, name: str, path: str) -> None:
    size = dict(net.sizes)[name]
    if jnp.shape(leaf.value) not in ((), (size,)):
        raise ConfigError(
            f"{rule} would leave out {leaf.path}: it has shape {jnp.shape(leaf.value)}; one number "
            f"or one for each of the {size} neurons can be trained."
        )
    if net.shared:
        raise ConfigError(
            f"{rule} would leave out {leaf.path}: populations of this network share parameters "
            "(share=), and a trace belongs to one. Leave out share=, or train weights only."
        )


def _check_releases(rule: str, target: Target) -> None:
    """A release that no way transmits would get a gradient of zero in silence."""
    sent = {way.signal for way in target.ways}
    for path in target.parameters:
        kind, name = (*path.split("."), "")[:2]
        if kind == "releases" and name not in sent:
            raise ConfigError(
                f"{rule} would leave out nodes.{target.population}.{path}: the release {name!r} "
                f"is sent by no projection that is followed; these send {', '.join(sorted(sent))}. "
                "Use BPTT() or RTRL() for it."
            )


def _unreached(
    rule: str, name: str, edges: Names, parameters: Names, reads: tuple[str, ...]
) -> str:
    paths = [f"edges.{e}.weight" for e in edges.get(name, ())]
    paths += [f"nodes.{name}.{p}" for p in parameters.get(name, ())]
    reader = reads[0].partition(".")[0]
    return (
        f"{rule} would leave out {', '.join(paths)}: population {name!r} has no projection to "
        f"{', '.join(reads)}, which the loss reads, nor one that leads there, so it gets no "
        f"learning signal. Add Projection({name!r}, {reader!r}, ...), or leave these out of train=."
    )


def _check_dynamics(
    rule: str, net: BuiltNetwork, name: str, edges: Iterable[str], parameters: Iterable[str]
) -> None:
    model = net.nodes[name]
    if not isinstance(model, Dynamics):
        paths = [f"edges.{e}.weight" for e in edges] + [f"nodes.{name}.{p}" for p in parameters]
        what = f"would leave out {', '.join(paths)}" if paths else "cannot see through"
        raise ConfigError(
            f"{rule} {what}: population {name!r} is {model!r}, a System that is not a Dynamics, "
            "so its neurons have no Jacobians of their own."
        )


class Graph:
    """Which populations lead to what the loss reads, and by which edges a rule follows them.

    An edge is followed where its target cannot lead back to its source; where it can, as in a
    recurrent network, only towards what is read: to a population that is fewer edges away from it.
    """

    def __init__(self, net: BuiltNetwork, reads: tuple[str, ...]) -> None:
        self.net, self.reads = net, reads
        self.next = {n: [e for e in net.edge_order if net.edges[e].pre == n] for n in net.nodes}
        self.reached = {n: self._reached(n) for n in net.nodes}
        self.depth = self._depths([read.partition(".")[0] for read in reads])

    @property
    def memories(self) -> list[str]:
        """The populations read that are a leaky sum."""
        names = dict.fromkeys(read.partition(".")[0] for read in self.reads)
        return [n for n in names if isinstance(self.net.nodes[n], MEMORIES)]

    def _reached(self, start: str) -> set[str]:
        """All that a population leads to, itself only by a loop."""
        seen, open_ = set[str](), [start]
        while open_:
            new = {self.net.edges[e].post for e in self.next[open_.pop()]} - seen
            seen |= new
            open_ += new
        return seen

    def _depths(self, begin: Iterable[str]) -> dict[str, int]:
        # A population that is read beside a readout, as by a regulariser, still leads to that.
        depth = {n: 0 for n in self.memories} or dict.fromkeys(begin, 0)
        depth |= {n: 1 for n in begin if n not in depth}
        frontier = list(depth)
        while frontier:
            near = frontier.pop(0)
            for edge in self.net.edges.values():
                if edge.post == near and edge.pre not in depth:
                    depth[edge.pre] = depth[near] + 1
                    frontier.append(edge.pre)
        return depth

    def follows(self, name: str) -> bool:
        """Whether an edge is followed."""
        edge = self.net.edges[name]
        if edge.post not in self.depth or type(edge) is not Edge:
            return False
        back = edge.pre in self.reached[edge.post]
        return not back or self.depth[edge.post] < self.depth[edge.pre]

    def followed(self, population: str) -> list[str]:
        return [e for e in self.next[population] if self.follows(e)]

    def backwards(self) -> list[str]:
        """The populations that lead to what is read, each after those that it leads to."""
        order, left = list[str](), sorted(self.depth, key=lambda n: self.depth[n])
        while left:
            ready = next(
                n for n in left if all(self.net.edges[e].post in order for e in self.followed(n))
            )
            order.append(ready)
            left.remove(ready)
        return order

    def passes(self, population: str, *trained: Names) -> bool:
        """Whether the way of a trained parameter leads through a population."""
        sources = {n for names in trained for n in names if n in self.depth}
        open_, seen = list(sources), set[str]()
        while open_:
            new = {self.net.edges[e].post for e in self.followed(open_.pop())} - seen
            seen |= new
            open_ += new
        return population in seen

    def ways(self, rule: str, population: str, broadcast: Broadcast) -> tuple[Way, ...]:
        """The ways of a population to the loss."""
        read = [path.partition(".") for path in self.reads]
        found = [Way(signal) for n, _, signal in read if n == population]
        hears = not isinstance(self.net.nodes[population], MEMORIES)
        speaking = [n for n in self.speaking(broadcast) if hears and n != population]
        found += [self._broadcast(population, n) for n in speaking]
        by_feedback = bool(self.speaking(broadcast))
        groups = dict[tuple[str, str, int], list[str]]()
        for name in self.followed(population):
            edge = self.net.edges[name]
            if edge.post in speaking or (by_feedback and edge.post not in self.memories):
                continue
            if edge.delays is not None:
                raise ConfigError(
                    f"{rule} follows the signal of {population!r} by {name}, whose synapses have "
                    "delays of their own; a trace follows one. Give this projection one delay, or "
                    "none."
                )
            groups.setdefault((edge.signal, edge.post, edge.delay), []).append(name)
            self._check_at_once(rule, name, edge.post)
        return tuple(
            [
                *found,
                *(Way(s, q, tuple(e), lag, self._fades(q)) for (s, q, lag), e in groups.items()),
            ]
        )

    def _check_at_once(self, rule: str, name: str, through: str) -> None:
        late = [e for e in self.followed(through) if self.net.edges[e].delay]
        if late:
            raise ConfigError(
                f"{rule} follows {name} through {through!r}, whose own way to the loss has a delay "
                f"({', '.join(late)}): what happened in between would be needed. Give it no delay, "
                "or use feedback that reaches every population (Random)."
            )

    def _broadcast(self, population: str, readout: str) -> Way:
        """The way of errors that come by feedback, as late as by an edge, if there is one."""
        edges = [e for e in self.followed(population) if self.net.edges[e].post == readout]
        fades = self._fades(readout)
        if not edges:
            return Way("spike", readout, (), 0, fades)
        edge = self.net.edges[edges[0]]
        return Way(edge.signal, readout, (edges[0],), edge.delay, fades)

    def speaking(self, broadcast: Broadcast) -> list[str]:
        """The populations read whose errors come by feedback."""
        read = self.memories or dict.fromkeys(read.partition(".")[0] for read in self.reads)
        return [n for n in read if broadcast(n)]

    def _fades(self, population: str) -> bool:
        model = self.net.nodes[population]
        if not isinstance(model, MEMORIES):
            return False
        if jnp.ndim(getattr(model, "tau", 0.0)):
            raise ConfigError(
                f"readout {population!r} has a time constant for each neuron; a trace is filtered "
                f"by one: give {type(model).__name__} a single tau."
            )
        return True

    def cut(self, population: str) -> tuple[str, ...]:
        """The edges by which a population's past reaches the loss and which no trace follows."""
        seen, open_, lost = {population}, [population], dict[str, None]()
        while open_:
            for name in self.next[open_.pop()]:
                post = self.net.edges[name].post
                if post not in self.depth:
                    continue
                if not self.follows(name):
                    lost[name] = None
                elif post not in seen:
                    seen.add(post)
                    open_.append(post)
        return tuple(lost)

    def between(self, population: str) -> tuple[str, ...]:
        """The populations on its way that are no plain memory: what they keep is not followed."""
        seen, open_ = dict[str, None](), [population]
        while open_:
            for name in self.followed(open_.pop()):
                post = self.net.edges[name].post
                if post not in seen:
                    seen[post] = None
                    open_.append(post)
        return tuple(n for n in seen if not isinstance(self.net.nodes[n], MEMORIES))
