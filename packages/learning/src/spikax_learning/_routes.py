"""Which weights a rule trains, and the way from each to the readout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from spikax import BuiltNetwork, Dynamics, Edge, LeakyReadout, leaves
from spikax.errors import ConfigError


@dataclass(frozen=True)
class Route:
    """How a population reaches the readout.

    Attributes:
        population: Its name.
        trained: The trained edges into it.
        signal: The signal that the readout is reached by; for the readout itself, its output.
        feedback: The edges to the readout, none for the readout itself.
        lag: Steps that these edges take.
    """

    population: str
    trained: tuple[str, ...]
    signal: str
    feedback: tuple[str, ...] = ()
    lag: int = 0


@dataclass(frozen=True)
class Routes:
    """Every trained edge, by its target.

    Attributes:
        readout: Name of the readout.
        targets: One route for each population with trained edges into it.
    """

    readout: str
    targets: tuple[Route, ...]

    def wanted(self) -> dict[str, tuple[tuple[str, ...], str]]:
        """By population, the edges whose arrivals matter and the signal that is read."""
        feedback = tuple(name for route in self.targets for name in route.feedback)
        found = {self.readout: (feedback, "y")}
        for route in self.targets:
            others = feedback if route.population == self.readout else ()
            edges = tuple(dict.fromkeys(route.trained + others))
            found[route.population] = (edges, route.signal)
        return found

    def edges(self) -> Iterator[tuple[Route, str]]:
        """The trained edges with their routes."""
        return ((route, edge) for route in self.targets for edge in route.trained)


def routes(net: BuiltNetwork, trained: Any) -> Routes:
    """Find the way of every trained parameter to the readout.

    Args:
        net: The network.
        trained: The part of it that `select` picked.

    Raises:
        ConfigError: A parameter cannot be trained: it would be left out in silence otherwise.
    """
    readout = _readout(net)
    names = [_edge_of(leaf.path, net) for leaf in leaves(trained)]
    by_target: dict[str, list[str]] = {}
    for name in names:
        by_target.setdefault(net.edges[name].post, []).append(name)
    return Routes(readout, tuple(_route(net, readout, p, e) for p, e in by_target.items()))


def _readout(net: BuiltNetwork) -> str:
    found = {n: model for n, model in net.nodes.items() if isinstance(model, LeakyReadout)}
    if len(found) != 1:
        raise ConfigError(
            f"the network has {len(found)} populations of LeakyReadout ({', '.join(found)}); "
            "e-prop needs one, for example 'out': Population(LeakyReadout(20*ms), 3)."
        )
    ((name, model),) = found.items()
    if jnp.ndim(model.tau):
        raise ConfigError(
            f"readout {name!r} has a time constant for each neuron; e-prop filters a trace by one: "
            "give LeakyReadout a single tau."
        )
    return name


def _edge_of(path: str, net: BuiltNetwork) -> str:
    name = path.removeprefix("edges.").removesuffix(".weight")
    if path != f"edges.{name}.weight":
        raise ConfigError(
            f"e-prop would leave out {path}: it trains weights of projections only. "
            "Pick those with train=weights(...)."
        )
    if type(net.edges[name]) is not Edge:
        raise ConfigError(
            f"e-prop would leave out {path}: it is a {type(net.edges[name]).__name__}, which "
            "changes by a rule of its own or transmits no spikes. Pick others with "
            "train=weights(...)."
        )
    if net.edges[name].channels:
        raise ConfigError(
            f"e-prop would leave out {path}: it ends on a port with channels. Pick others with "
            "train=weights(...)."
        )
    return name


def _route(net: BuiltNetwork, readout: str, population: str, edges: list[str]) -> Route:
    paths = ", ".join(f"edges.{name}.weight" for name in edges)
    model = net.nodes[population]
    if not isinstance(model, Dynamics):
        raise ConfigError(
            f"e-prop would leave out {paths}: population {population!r} is {model!r}, a System "
            "that is not a Dynamics, so its neurons have no Jacobians of their own."
        )
    if population == readout:
        return Route(population, tuple(edges), "y")
    feedback = [n for n in net.edge_order if _leads(net, n, population, readout)]
    if not feedback:
        raise ConfigError(
            f"e-prop would leave out {paths}: population {population!r} has no projection to the "
            f"readout {readout!r}, so its weights get no learning signal. Add "
            f"Projection({population!r}, {readout!r}, 'input', ...), or leave them out of "
            "train=weights(...)."
        )
    ways = {(net.edges[n].signal, _steps(net, n)) for n in feedback}
    if len(ways) > 1 or None in {steps for _, steps in ways}:
        raise ConfigError(
            f"e-prop would leave out {paths}: population {population!r} reaches the readout "
            f"{readout!r} by several signals or delays ({', '.join(feedback)}), a trace follows "
            "one. Give these projections one delay, or none."
        )
    ((signal, lag),) = ways
    return Route(population, tuple(edges), signal, tuple(feedback), lag or 0)


def _leads(net: BuiltNetwork, edge: str, pre: str, post: str) -> bool:
    return net.edges[edge].pre == pre and net.edges[edge].post == post


def _steps(net: BuiltNetwork, edge: str) -> int | None:
    return net.edges[edge].delay if net.edges[edge].delays is None else None


def cut(net: BuiltNetwork, readout: str, population: str) -> tuple[str, ...]:
    """The edges by which a population's past reaches the readout and which no trace follows."""
    return tuple(
        n
        for start in dict.fromkeys((population, readout))
        for n in net.edge_order
        if net.edges[n].pre == start
        and (net.edges[n].post != readout or start == readout)
        and readout in _downstream(net, net.edges[n].post)
    )


def _downstream(net: BuiltNetwork, population: str) -> set[str]:
    """The population and all that it reaches."""
    reached, open_ = {population}, [population]
    while open_:
        now = open_.pop()
        new = {e.post for e in net.edges.values() if e.pre == now} - reached
        reached |= new
        open_ += new
    return reached
