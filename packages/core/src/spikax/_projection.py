"""Projections: what connects one population to another, and the edge that it becomes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import jax.numpy as jnp
import numpy as np

from spikax._component import Component
from spikax._connectivity import Rule
from spikax._distributions import Distribution, Each
from spikax._fields import cell, leaf, part, static
from spikax._formats import Format
from spikax._plasticity import Plasticity
from spikax._procedural import procedural
from spikax._state import State
from spikax._system import Array
from spikax.errors import ConfigError, unknown
from spikax.units import UNITLESS, Unit, ms, to_coherent


@dataclass(frozen=True)
class Projection:
    """Synapses from one population to another.

    Attributes:
        pre: Name of the source, or several.
        post: Name of the target, or several.
        port: Port of the target ("exc", "current"; "syn.ex" for one channel), or several with a
            factor each: `{"ampa": 1, "nmda": 0.3}` shares one connectivity and one set of weights.
        connectivity: A rule: `pairwise_bernoulli(0.02)`, `all_to_all()`.
        weight: A quantity in the unit of the port over that of the signal: nS for spikes into a
            conductance. One number stays one number (and one gradient); a distribution, an array or
            `each(6*nS)` is one value per synapse. An array is (pre neurons, post neurons), or one
            value for each synapse of `explicit`, in the order of its list.
        delay: None or 0: within the same step (feed-forward layers). Else a multiple of dt; an
            array, shaped as for `weight`, or a distribution is one delay per synapse, and what is
            sampled is rounded to the grid, one step at least. Into a port of events it is any time
            of a step or more, and nothing is rounded. A spike at time s acts at exactly s + delay.
        signal: What the synapses transmit: "spike", the name of a release, any signal of the
            source.
        diffusive: Transmit the difference of the source's signal and the target's own of that name,
            both at t, at the end of the step: a gap junction. Takes no delay.
        solve: "fixed_point": within the same step, also where the target acts back; the
            populations repeat the step until they agree, see `FixedPoint`. Takes no delay and no
            plasticity.
        symmetric: Also the other way, `post->pre`, by the same synapses with the same values.
            Within one population two neurons that are drawn in both orders are joined once.
        plasticity: A rule by which the weights change, `PairSTDP(w_max=10*nS)`; they are then part
            of the state. Needs a weight per synapse and a delay.
        name: Name of the edge; `pre->post` unless given, `pre->post:port` where that is ambiguous.
    """

    pre: str | Sequence[str]
    post: str | Sequence[str]
    port: str | Mapping[str, float]
    connectivity: Rule
    weight: Any
    delay: Any = None
    signal: str = "spike"
    diffusive: bool = False
    solve: Literal["", "fixed_point"] = ""
    symmetric: bool = False
    plasticity: Plasticity | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(cast(Any, self.connectivity), Rule):
            raise ConfigError(
                "a projection needs a connection rule such as pairwise_bernoulli(0.1), "
                f"got {self.connectivity!r}."
            )
        if not isinstance(cast(Any, self.plasticity), Plasticity | None):
            raise ConfigError(
                f"plasticity is {self.plasticity!r}; give a rule such as PairSTDP(w_max=10*nS)."
            )
        if isinstance(self.connectivity, procedural):
            self._check_procedural()
        if self.diffusive and self.delay is not None:
            raise ConfigError(
                f"the projection {self.pre!r} -> {self.post!r} is diffusive and has a delay of "
                f"{self.delay}; leave it out: both ends are read at t."
            )
        if self.solve not in ("", "fixed_point"):
            raise ConfigError(f"solve is {self.solve!r}; it can be 'fixed_point'.")
        apart = self.diffusive or self.delay is not None or self.plasticity is not None
        if self.solve and apart:
            raise ConfigError(
                f"the projection {self.pre!r} -> {self.post!r} is solved within the step; "
                "leave out delay, plasticity and diffusive."
            )

    def _check_procedural(self) -> None:
        where = f"the projection {self.pre!r} -> {self.post!r} is procedural"
        for name in ("plasticity", "diffusive", "solve", "symmetric"):
            if getattr(self, name):
                raise ConfigError(f"{where}, and {name} with it is not possible: store it instead.")
        for name in ("weight", "delay"):
            value = getattr(self, name)
            stored = isinstance(value, Each) or (
                not isinstance(value, Distribution) and np.ndim(getattr(value, "mantissa", value))
            )
            if stored:
                raise ConfigError(
                    f"{where}, so its {name} is one number or a distribution; a value of its own "
                    "at each synapse needs a rule without procedural."
                )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Projection):
            return NotImplemented
        names = (f.name for f in dataclasses.fields(self))
        return all(_equal(getattr(self, n), getattr(other, n)) for n in names)

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    @property
    def factors(self) -> Mapping[str, float]:
        """Ports with their factors."""
        return {self.port: 1.0} if isinstance(self.port, str) else self.port

    @property
    def immediate(self) -> bool:
        """Whether it acts within the same step."""
        if self.delay is None:
            return not self.diffusive and not self.solve
        value = getattr(self.delay, "mantissa", self.delay)
        return not isinstance(value, Distribution) and jnp.ndim(value) == 0 and value == 0

    @property
    def on_one_channel(self) -> bool:
        """Whether it cannot send some synapses to one channel of a port and some to another."""
        return self.diffusive or self.plasticity is not None

    def pairs(self) -> list[tuple[str, str, bool]]:
        """The (pre, post) populations that it connects, and whether it was drawn as post to pre."""

        def names(end: str | Sequence[str]) -> Sequence[str]:
            return (end,) if isinstance(end, str) else end

        pairs = [(pre, post, False) for pre in names(self.pre) for post in names(self.post)]
        back = [(post, pre, True) for pre, post, _ in pairs if self.symmetric and pre != post]
        return pairs + back


def gap_junction(
    a: str, b: str, connectivity: Rule, weight: Any, symmetric: bool = True
) -> Projection:
    """Gap junctions: the current weight (V_a - V_b) into `b`, and its opposite into `a`.

    Args:
        a: A population.
        b: Another one, or the same.
        connectivity: Which neurons are joined.
        weight: Conductances.
        symmetric: Whether current flows into both; else (rectifying) into `b` only.
    """
    return Projection(
        a, b, "current", connectivity, weight, signal="V_m", diffusive=True, symmetric=symmetric
    )


def _equal(a: Any, b: Any) -> bool:
    if any(value is None or isinstance(value, Distribution) for value in (a, b)):
        return type(a) is type(b) and bool(a == b)
    units = [getattr(value, "unit", UNITLESS) for value in (a, b)]
    if units[0].dim != units[1].dim:
        return False
    if any(hasattr(value, "shape") for value in (a, b)):
        return np.array_equal(*(to_coherent(value, units[0], "") for value in (a, b)))
    return bool(a == b)


def inbox(post: str, ports: Sequence[tuple[str, float]], channel: int | None) -> str:
    """Name of the ring of all edges into a port: "E.exc"; into one channel of it: "E.syn[0]"."""
    named = (port if factor == 1 else f"{factor:g} {port}" for port, factor in ports)
    return f"{post}.{'+'.join(named)}" + ("" if channel is None else f"[{channel}]")


class EdgeState(State):
    """What changes in an edge: of a static one nothing."""

    unit: Unit = dataclasses.field(metadata={"static": True})


class Carrying(EdgeState):
    """Of a static edge within a scan: its weights once more, for their tangent; see `link`."""

    weight: Array = cell(kind="weight", doc="in the layout of the format, never changed")


class Sends(NamedTuple):
    """What an edge sends in a step, to arrive after its delay.

    Attributes:
        weight: One number, or one per synapse in the layout of the format.
        x: (n_pre,), the signal of the source; into a port of events also (events, n_pre).
        offset: Of these events, how long before the end of the step they are; None on the grid.
    """

    weight: Array
    x: Array
    offset: Array | None = None


class Edge(Component):
    """A built projection.

    Called once per step with the signals at t, before its target moves on: the weight and the
    signal are taken when the spike is emitted. The network adds them to the ring of its inbox,
    which all edges into one port share.
    """

    format: Format = part(doc="which neurons are connected")
    weight: Array = leaf(
        "weight", doc="one number, or what the format keeps: one per synapse, or a table"
    )
    delays: Array | None = leaf(
        "delay", doc="steps, as for the weight; None if all synapses have the same delay"
    )
    early: Array | None = leaf(
        "delay", doc="how much less the delays are (ms); None if none, into a port of events alone"
    )
    pre: str = static(doc="source")
    post: str = static(doc="target")
    signal: str = static("spike", doc="what is transmitted")
    ports: tuple[tuple[str, float], ...] = static(doc="ports of the target, with factors")
    channel: int | None = static(None, doc="channel of the port that all synapses end on")
    channels: int = static(0, doc="number of channels of the port, 0 for a plain one")
    delay: int = static(0, doc="steps, the largest if synapses differ")
    unit: Unit = static(UNITLESS, doc="unit of the weight")
    apart: int = static(0, doc="most events that the port keeps apart, 0 for one that adds")
    timed: str = static("", doc="signal of the source that has these with times within the step")

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        """The signals that `update` needs of its source, its target and its modulators."""
        return {"pre": self.sent_signals, "post": (), "mod": ()}

    @property
    def sent_signals(self) -> tuple[str, ...]:
        """The signals of the source that are transmitted."""
        return (self.timed, "offset") if self.timed else (self.signal,)

    def sends(self, weight: Array, pre: Mapping[str, Array]) -> Sends:
        """What goes through synapses of these weights."""
        return Sends(weight, *(pre[name] for name in self.sent_signals))

    @property
    def signals(self) -> Mapping[str, Unit]:
        """What can be recorded of the synapses, with units: of static ones nothing."""
        return {}

    def read(self, state: Any, name: str) -> Array:
        """The value of a signal, (n_synapses,), in the order of the format; coherent units."""
        del state
        raise unknown(f"signal of the edge {self.pre}->{self.post}", name, self.signals)

    def unit_of(self, name: str) -> Unit:
        """The unit of a built array."""
        return {"weight": self.unit, "early": ms}.get(name, UNITLESS)

    @property
    def random(self) -> bool:
        """Whether it draws random numbers."""
        return False

    @property
    def inbox(self) -> str:
        """Name of the ring it adds to."""
        return inbox(self.post, self.ports, self.channel)

    @property
    def steps(self) -> Array | np.int32:
        """The delay in steps: one for all synapses, or one for each."""
        # Of 32 bits also in float64, where kernels would not take a plain number of Python.
        return np.int32(self.delay) if self.delays is None else self.delays

    def init_state(self, key: Any = 0) -> EdgeState:
        """Nothing that changes, and nothing random that would need a key."""
        del key
        return EdgeState(unit=self.unit)

    def update(
        self,
        state: Any,
        pre: Mapping[str, Array],
        post: Mapping[str, Array],
        mod: Mapping[str, Array],
        *,
        t: Array,
        dt: float,
    ) -> tuple[Any, Sends | Array]:
        """Take the signals at t; give what is sent.

        Args:
            state: What changes in the edge.
            pre: Signals of the source, as `reads` names them.
            post: Signals of the target.
            mod: Signals of modulators.
            t: Index of the step.
            dt: Time step in ms.

        Returns:
            The state, and what goes through the synapses with their delay; or, in its place, what
            arrives at the end of this step, (n_post,).
        """
        del post, mod, t, dt  # a static synapse reads its source only
        return state, self.sends(self.weight, pre)

    def at_ports(self, arrived: Any) -> Mapping[str, Any]:
        """What arrived in the inbox, by port.

        `Arrivals`; sums, (n_post,), of a plain port or the one channel `channel`; or those of all
        channels, (channels, n_post).
        """
        if self.apart:
            return {port: arrived for port, _ in self.ports}
        return {port: self._shaped(arrived * factor) for port, factor in self.ports}

    def _shaped(self, arrived: Array) -> Array:
        is_whole = self.channels and self.channel is None
        return arrived.reshape(self.channels, -1) if is_whole else arrived


class DiffusiveEdge(Edge):
    """An edge that transmits differences: the source's signal less the target's, both at t."""

    @property
    def reads(self) -> Mapping[str, tuple[str, ...]]:
        return {"pre": (self.signal,), "post": (self.signal,), "mod": ()}

    def update(
        self,
        state: EdgeState,
        pre: Mapping[str, Array],
        post: Mapping[str, Array],
        mod: Mapping[str, Array],
        *,
        t: Array,
        dt: float,
    ) -> tuple[EdgeState, Array]:
        del mod, t, dt
        fmt, x, y = self.format, pre[self.signal], post[self.signal]
        # Synapse by synapse: sums of each end's potentials would cancel in float32.
        difference = fmt.pre_values(x) - fmt.post_values(y)
        return state, fmt.sum_to_post(self.weight * difference)
