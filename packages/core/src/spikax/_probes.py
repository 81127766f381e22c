"""What is to be recorded: requests, and the probes that they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import jax
import jax.numpy as jnp
import numpy as np

from spikax.errors import ConfigError, ShapeError, unknown
from spikax.units import Hz, Unit, ms, to_coherent

if TYPE_CHECKING:
    from spikax._built import BuiltNetwork, NetworkState


@dataclass(frozen=True)
class Every:
    """A request to record some signals: as they are at an interval, their mean, or at spikes."""

    signals: tuple[str, ...]
    interval: float | None = None
    where: tuple[int, ...] | None = None
    take: str = ""


def every(interval: Any = None, *signals: str, where: Sequence[int] | None = None) -> Every:
    """Record signals at an interval and of a subset: `every(1*ms, "V_m", where=[0, 1])`.

    Args:
        interval: Time between samples, a multiple of dt; None for every step.
        signals: Names of signals of the population, or of the projection ("weight").
        where: Indices of neurons (or synapses), or a mask; None for all.
    """
    return _request("every(1*ms, ", signals, interval, where, "")


def mean(interval: Any, *signals: str, where: Sequence[int] | None = None) -> Every:
    """Record the mean over the neurons and over each interval: `mean(5*ms, "spike", "V_m")`.

    It is taken on the device, so one number per interval is kept: `recording["E.V_m.mean"]`. The
    mean of "spike" is the firing rate of the population. Arguments as in `every`.
    """
    return _request("mean(5*ms, ", signals, interval, where, "mean")


def at_spikes(*signals: str, where: Sequence[int] | None = None) -> Every:
    """Record the value of signals whenever their neuron fires: `at_spikes("w")`.

    The value is that at the end of the spike's step, after the reset. It comes as
    `recording["E.w.at_spikes"]`, spikes with `values`; not under a JAX transform.
    """
    return _request("at_spikes(", signals, None, where, "at_spikes")


def _request(
    call: str, signals: tuple[str, ...], interval: Any, where: Sequence[int] | None, take: str
) -> Every:
    if not signals:
        raise ConfigError(f'{call.partition("(")[0]}() names no signal; write {call}"V_m").')
    time = None if interval is None else float(to_coherent(interval, ms, f"{call}...): interval"))
    return Every(signals, time, None if where is None else _indices(where), take)


def _indices(where: Sequence[int]) -> tuple[int, ...]:
    given = np.ravel(np.asarray(where))
    chosen = tuple(int(i) for i in (np.flatnonzero(given) if given.dtype == bool else given))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ConfigError(f"every: where={chosen}; name at least one neuron, and each once.")
    return chosen


Request: TypeAlias = "str | Every | Sequence[str | Every]"


@dataclass(frozen=True)
class Probe:
    """One signal to record, resolved against a built network.

    `once` says that a spike is 0 or 1: one bit. `rows` is the number of values per neuron.
    """

    signal: str
    unit: Unit
    interval: int
    where: tuple[int, ...] | None
    size: int
    take: str
    once: bool = False
    rows: int = 1

    @property
    def path(self) -> str:
        """Its name in the recording."""
        return f"{self.signal}.{self.take}" if self.take else self.signal

    @property
    def is_events(self) -> bool:
        """Whether it is recorded as spikes."""
        return self.take == "at_spikes" or (not self.take and self.signal.endswith(".spike"))

    @property
    def in_bits(self) -> bool:
        """Whether it is recorded as one bit per neuron and step."""
        return self.is_events and self.once and not self.take

    def read(self, net: BuiltNetwork, state: NetworkState) -> jax.Array:
        """The values in a state, of the chosen neurons; a mean is one number."""
        values = self._chosen(net.read(state, self.signal))
        if self.take != "mean":
            return values
        return jnp.mean(values, keepdims=True) / (net.dt if self.signal.endswith(".spike") else 1.0)

    def spikes(self, net: BuiltNetwork, state: NetworkState) -> jax.Array:
        """The spikes of the chosen neurons."""
        return self._chosen(net.read(state, f"{self.signal.partition('.')[0]}.spike"))

    def _chosen(self, values: jax.Array) -> jax.Array:
        chosen = values if self.where is None else values[..., np.asarray(self.where)]
        return chosen.reshape(-1)

    @property
    def width(self) -> int:
        """Number of neurons recorded."""
        return self.size if self.where is None else len(self.where)

    @property
    def columns(self) -> int:
        """Numbers per sample."""
        return 1 if self.take == "mean" else self.rows * self.width


def probes(net: BuiltNetwork, record: Mapping[str, Request] | None) -> tuple[Probe, ...]:
    """Resolve what was asked for; unknown names and impossible intervals raise."""
    if record is not None and not isinstance(cast(Any, record), Mapping):
        raise ConfigError(f'record is {record!r}; name the population: record={{"E": "spike"}}.')
    found = list[Probe]()
    for owner, requests in (record or {}).items():
        for request in [requests] if isinstance(requests, (str, Every)) else requests:
            wanted = Every((request,)) if isinstance(request, str) else request
            found.extend(_probe(net, owner, signal, wanted) for signal in wanted.signals)
    paths = [p.path for p in found]
    if len(set(paths)) < len(paths):
        raise ConfigError(f"a signal is recorded twice among {paths}; ask for each once.")
    return tuple(found)


def _probe(net: BuiltNetwork, owner: str, signal: str, wanted: Every) -> Probe:
    signals, size, kind = _recordable(net, owner)
    for name in (signal, *(["spike"] if wanted.take == "at_spikes" else [])):
        if name not in signals:
            raise unknown(f"signal of {kind} {owner!r} to record", name, signals)
    if wanted.where is not None and not all(0 <= i < size for i in wanted.where):
        raise ShapeError(
            f"{owner}.{signal} is recorded where={wanted.where}; "
            f"the {kind} has indices 0 to {size - 1}."
        )
    interval = (
        1
        if wanted.interval is None
        else steps(wanted.interval, net.dt, f"interval of {owner}.{signal}")
    )
    rate = wanted.take == "mean" and signal == "spike"
    unit = Hz if rate else signals[signal]
    once = owner in net.nodes and net.nodes[owner].fires_once
    rows = _rows(net, owner, signal) if wanted.take == "at_spikes" else 1
    probe = Probe(f"{owner}.{signal}", unit, interval, wanted.where, size, wanted.take, once, rows)
    if probe.is_events and interval > 1:
        raise ConfigError(
            f"{probe.path} is recorded every {wanted.interval:g} ms, which leaves out the spikes "
            'between; write "spike", every(None, "spike", where=...) or mean(5*ms, "spike").'
        )
    return probe


def _rows(net: BuiltNetwork, owner: str, signal: str) -> int:
    """Values per neuron: those of events one by one are several."""
    if owner not in net.nodes or not net.nodes[owner].timed:
        return 1

    def read() -> jax.Array:
        node, size = net.nodes[owner], dict(net.sizes)[owner]
        return node.read(node.init_state(size, key=0, dt=net.dt), signal)

    shape = jax.eval_shape(read).shape
    return shape[0] if len(shape) > 1 else 1


def _recordable(net: BuiltNetwork, owner: str) -> tuple[Mapping[str, Unit], int, str]:
    sizes = dict(net.sizes)
    if owner in sizes:
        return net.nodes[owner].signals, sizes[owner], "population"
    if owner not in net.edges:
        raise unknown("population or projection to record", owner, [*sizes, *net.edges])
    edge = net.edges[owner]
    if not edge.signals:
        raise ConfigError(
            f"projection {owner!r} has nothing that changes; its weights are "
            f"model.edges[{owner!r}].weight."
        )
    return edge.signals, edge.format.n_synapses, "projection"


def steps(time: float, dt: float, what: str) -> int:
    """A time (ms) in whole steps, at least one."""
    count = round(time / dt) if np.isfinite(time) else 0
    if count < 1 or abs(time / dt - count) > 1e-6 * count:
        raise ConfigError(
            f"{what} is {time:g} ms; it must be a multiple of dt = {dt:g} ms, at least one."
        )
    return count
