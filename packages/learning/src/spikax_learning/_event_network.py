"""A built network as what an exact event-driven run takes: neurons in one row, weights by delay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import Tracer

from spikax import CUBA, LIF, BuiltNetwork, Cell, Edge, Expon, LeakyReadout, NetworkState, Relay
from spikax.errors import ConfigError
from spikax.ops import Procedural
from spikax_learning._crossing import Membranes


@dataclass(frozen=True)
class Layout:
    """Who stands where.

    Attributes:
        inputs: Populations of Relay, then
        neurons: populations of LIF cells, each with the index of its first source.
        readouts: Populations of LeakyReadout.
        lags: The delays that occur, in steps; the first one is 0.
    """

    inputs: tuple[tuple[str, int], ...]
    neurons: tuple[tuple[str, int], ...]
    readouts: tuple[str, ...]
    lags: tuple[int, ...]

    @property
    def first(self) -> dict[str, int]:
        """Index of the first source of each population."""
        return dict(self.inputs + self.neurons)


def layout(net: BuiltNetwork) -> Layout:
    """Find the populations and delays.

    Raises:
        ConfigError: The network has something that has no exact solution here.
    """
    nodes = net.whole().nodes
    kinds = {name: _kind(name, nodes[name]) for name in net.order}
    for name in net.edge_order:
        _check_edge(net, name, kinds)
    ordered = sorted((n for n in net.order if kinds[n] != "readout"), key=lambda n: kinds[n])
    if "neuron" not in kinds.values():
        raise ConfigError(
            "EventProp finds spike times, and the network has no population of "
            "Cell(LIF(t_ref=0*ms), syn=Receptor(Expon(5*ms), CUBA()))."
        )
    sizes = dict(net.sizes)
    ends = np.cumsum([sizes[n] for n in ordered]).tolist()
    first = [(n, end - sizes[n]) for n, end in zip(ordered, ends, strict=True)]
    return Layout(
        inputs=tuple(item for item in first if kinds[item[0]] == "input"),
        neurons=tuple(item for item in first if kinds[item[0]] == "neuron"),
        readouts=tuple(n for n in net.order if kinds[n] == "readout"),
        lags=tuple(sorted({0}.union(*(_lags(edge) for edge in net.edges.values())))),
    )


def _kind(name: str, model: Any) -> str:
    if type(model) is Relay:
        return "input"
    if type(model) is LeakyReadout:
        return "readout"
    why = _unfit(model)
    if why:
        raise ConfigError(
            f"EventProp cannot solve population {name!r}: {why}. It takes Relay() for inputs, "
            "LeakyReadout(), and Cell(LIF(t_ref=0*ms), syn=Receptor(Expon(5*ms), CUBA()))."
        )
    return "neuron"


def _unfit(model: Any) -> str:
    """Why a model has no exact solution, nothing if it has one."""
    if type(model) is not Cell or type(model.neuron) is not LIF:
        return f"it is {model!r}"
    if len(model.receptors) != 1:
        return f"it has {len(model.receptors)} receptors, expected one"
    ((name, receptor),) = model.receptors.items()
    if type(receptor.kinetics) is not Expon or type(receptor.coupling) is not CUBA:
        return f"its receptor {name!r} is {receptor!r}, not an exponential current"
    if model.neuron.reset != "hard" or model.neuron.detach_reset:
        return "its reset is soft or detached; exact gradients need the hard one, not detached"
    return ""


def _check_edge(net: BuiltNetwork, name: str, kinds: dict[str, str]) -> None:
    edge = net.edges[name]
    if type(edge) is not Edge or edge.signal != "spike" or isinstance(edge.format, Procedural):
        raise ConfigError(
            f"EventProp cannot solve edge {name!r}: it is a {type(edge).__name__} that sends "
            f"{edge.signal!r} by {edge.format.name} synapses; expected stored synapses that send "
            "'spike' and do not change by themselves."
        )
    expected = _port(net, edge.post) if kinds[edge.post] != "input" else "none"
    if [port for port, _ in edge.ports] != [expected]:
        ports = ", ".join(port for port, _ in edge.ports)
        raise ConfigError(
            f"EventProp cannot solve edge {name!r}: it ends on {ports} of {edge.post!r}, expected "
            f"{expected}: what arrives elsewhere has no exact solution here."
        )


def _port(net: BuiltNetwork, population: str) -> str:
    model: Any = net.nodes[population]
    return next(iter(model.receptors)) if isinstance(model, Cell) else "input"


def _lags(edge: Edge) -> set[int]:
    """The delays in steps; all up to the longest where only a compiled program knows them."""
    if edge.delays is None:
        return {edge.delay}
    if isinstance(edge.delays, Tracer):
        return set(range(edge.delay + 1))
    return set(np.unique(np.asarray(edge.delays)).tolist())


def membranes(net: BuiltNetwork, plan: Layout, state: NetworkState) -> tuple[Membranes, Any, Any]:
    """All neurons in a row, with their potentials x and currents J in the state."""
    columns = [_columns(net, state, name) for name, _ in plan.neurons]
    tau_m, tau_s, threshold, reset, x, J = (jnp.concatenate(c) for c in zip(*columns, strict=True))
    return Membranes(tau_m, tau_s, threshold, reset), x, J


def _columns(net: BuiltNetwork, state: NetworkState, name: str) -> list[Array]:
    model: Any = net.whole().nodes[name]
    lif, (receptor,) = model.neuron, model.receptors.values()
    still = lif.E_L + lif.tau_m * lif.I_e / lif.C_m
    now = state.nodes[name]
    J = now.receptors[_port(net, name)].g / lif.C_m
    values = (lif.tau_m, receptor.kinetics.tau, lif.V_th - still, lif.V_reset - still)
    size = (dict(net.sizes)[name],)
    return [jnp.broadcast_to(v, size) for v in (*values, now.neuron.V_m - still, J)]


def weights(net: BuiltNetwork, plan: Layout, targets: Iterable[str]) -> Array:
    """(C, S, targets), what a spike adds at once by delay, source and target.

    Into neurons that is w / C_m (mV/ms); into a readout w.
    """
    return jnp.concatenate([_into(net, plan, name) for name in targets], axis=2)


def _into(net: BuiltNetwork, plan: Layout, population: str) -> Array:
    sizes: dict[str, int] = dict(net.sizes)
    model: Any = net.whole().nodes[population]
    total = sum(sizes[name] for name in plan.first)
    table = jnp.zeros((len(plan.lags), total, sizes[population]))
    place = jnp.asarray(np.searchsorted(plan.lags, np.arange(plan.lags[-1] + 1)), jnp.int32)
    for edge in (net.edges[n] for n in net.edge_order if net.edges[n].post == population):
        fmt, ((_, factor),) = edge.format, edge.ports
        lag = place[jnp.asarray(edge.steps).astype(jnp.int32)]
        pre = fmt.pre_values(jnp.arange(fmt.n_pre, dtype=jnp.int32)) + plan.first[edge.pre]
        weight = jnp.broadcast_to(edge.weight * factor, fmt.shape)
        table = table.at[jnp.broadcast_to(lag, fmt.shape), pre, fmt.targets].add(weight)
    capacity = jnp.ones(()) if type(model) is LeakyReadout else model.neuron.C_m
    return table / jnp.broadcast_to(capacity, (1, 1, sizes[population]))


def pending(state: NetworkState) -> Array:
    """Whether spikes are on their way in a state."""
    waiting = (leaf for ring in state.rings.values() for leaf in jax.tree.leaves(ring))
    rings = [jnp.any(values != 0) for values in waiting]
    sent = [jnp.any(now.neuron.spike != 0) for now in state.nodes.values() if _is_cell(now)]
    return jnp.any(jnp.stack([jnp.array(False), *rings, *sent]))


def _is_cell(state: Any) -> bool:
    return hasattr(state, "neuron")


def refractory(net: BuiltNetwork, plan: Layout) -> Array:
    """Whether a neuron has a refractory period."""
    nodes: Any = net.whole().nodes
    return jnp.any(jnp.stack([jnp.any(nodes[n].neuron.t_ref != 0) for n, _ in plan.neurons]))
