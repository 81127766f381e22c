"""What is allowed but is probably not meant: silent populations, coarse steps, wrong signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikax._component import Component
from spikax._fields import parameters
from spikax._memory import draws
from spikax._system import Dynamics, System
from spikax.units import ms, nS

if TYPE_CHECKING:
    from spikax._network import EdgeSpec, Network

_STEPS = 5  # in the shortest time constant, at least


@dataclass(frozen=True)
class Finding:
    """Something that is allowed but is probably not meant.

    Attributes:
        where: The population or edge, and what of it.
        what: What is wrong, with the values.
        advice: What to do.
    """

    where: str
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.advice}."


def findings(net: Network, nodes: Mapping[str, System], dt: float) -> Iterator[Finding]:
    """All findings about a description, of which the nodes are sampled."""
    edges = net.edges()
    rules = (e.projection.plasticity for e in edges)
    modulators = (path for rule in rules if rule is not None for path in rule.modulators)
    read = {e.pre for e in edges} | {path.partition(".")[0] for path in modulators}
    for name, node in nodes.items():
        pieces = dict(_components(node, name))
        for path, piece in pieces.items():
            yield from _coarse(piece, path, dt)
            yield from _reset(piece, path)
        if name not in {e.post for e in edges}:
            yield from _undriven(pieces, name, name in read)
    for edge in edges:
        yield from _wrong_sign(net, edge)
        yield from _early(edge, dt)


def _components(tree: Any, path: str) -> Iterator[tuple[str, Component]]:
    if isinstance(tree, Component):
        yield path, tree
    inside = {n: getattr(tree, n) for n in tree.declared} if isinstance(tree, Component) else tree
    for name, value in inside.items():
        if isinstance(value, Component | Mapping):
            yield from _components(value, f"{path}.{name}")


def _has(piece: Component, *names: str) -> bool:
    return all(name in piece.declared for name in names)


def _coarse(piece: Any, path: str, dt: float) -> Iterator[Finding]:
    """Steps that are large beside a time constant, which cannot be zero and is not a date."""
    times = {
        p.name: float(np.min(getattr(piece, p.name)))
        for p in parameters(type(piece))
        if p.unit.dim == ms.dim and p.above is not None and not p.steps
    }
    if _has(piece, "C_m", "g_L"):
        times["C_m / g_L"] = float(np.min(piece.C_m / np.maximum(piece.g_L, 1e-30)))
    for name, tau in times.items():
        if dt > tau / _STEPS * (1 + 1e-6):
            what = f"{tau:g} ms is less than {_STEPS} steps of {dt:g} ms"
            yield Finding(f"{path}.{name}", what, f"use dt = {tau / _STEPS:g} ms or less")
    if isinstance(piece, Dynamics) and dt > piece.largest_dt:
        what = f"{type(piece).__name__} is not accurate with steps of {dt:g} ms"
        yield Finding(path, what, f"use dt = {piece.largest_dt:g} ms or less")


def _reset(piece: Any, path: str) -> Iterator[Finding]:
    if _has(piece, "V_th", "V_reset") and getattr(piece, "reset", "hard") == "hard":
        end = "V_peak" if _has(piece, "V_peak") else "V_th"
        if np.any(piece.V_reset >= getattr(piece, end)):
            yield Finding(
                f"{path}.V_reset",
                f"{np.max(piece.V_reset):g} mV is not below {end}, so a spike follows on a spike",
                f"put it below {np.min(getattr(piece, end)):g} mV",
            )


def _undriven(pieces: Mapping[str, Component], name: str, read: bool) -> Iterator[Finding]:
    where = f"population {name!r}"
    if not read and not any(_has(p, "I_e") for p in pieces.values()):
        yield Finding(where, "no projection reads it or ends there", "connect it, or leave it out")
    if any(map(_silent, pieces.values())):
        yield Finding(
            where,
            "no projection ends there, and it rests below its threshold: it stays silent",
            f"connect it, set I_e, or hand in inputs={{'{name}.current': ...}}",
        )


def _silent(piece: Any) -> bool:
    """Whether it surely never spikes by itself: an integrate-and-fire neuron below its threshold.

    With the exponential upstroke, V goes down between E_L and V_th if E_L < V_th - Delta_T.
    """
    if not _has(piece, "V_th", "V_reset", "E_L", "I_e"):
        return False
    if any(cell.kind == "seed" for cell in piece.State.cells.values()):
        return False
    start = getattr(piece, "V_init", piece.E_L)
    rest = piece.E_L + getattr(piece, "Delta_T", 0.0)
    return bool(np.all((piece.I_e <= 0) & (rest < piece.V_th) & (start < piece.V_th)))


def _wrong_sign(net: Network, edge: EdgeSpec) -> Iterator[Finding]:
    weight = draws(edge.projection.weight, net.weight_unit(edge))
    for name, factor in edge.projection.factors.items():
        port, channel = net.port(edge, name)
        negative = np.mean(weight * factor < 0)
        routed = port.route is not None and channel is None
        if negative and port.unit.dim == nS.dim and not routed:
            yield Finding(
                f"weight of edge {edge.name!r}",
                f"{negative:.0%} of the weights into the conductance {name!r} are below 0",
                "make them positive: the reversal potential says what inhibits",
            )


def _early(edge: EdgeSpec, dt: float) -> Iterator[Finding]:
    if edge.projection.delay is None or edge.projection.immediate:
        return
    early = np.mean(draws(edge.projection.delay, ms) < dt * (1 - 1e-6))
    if early:
        what = f"{early:.0%} of the delays are shorter than a step of {dt:g} ms, and become one"
        yield Finding(f"delay of edge {edge.name!r}", what, "use a smaller dt or longer delays")
