"""Why a rule's gradient of a parameter is exact, or what is left out of it."""

from __future__ import annotations

from collections.abc import Iterator

from spikax import BuiltNetwork
from spikax_learning._explain import Explained
from spikax_learning._online import Axes
from spikax_learning._plan import Graph, Plan, Target
from spikax_learning._traces import Exact


def reasons(axes: Axes, net: BuiltNetwork, plan: Plan) -> Iterator[Explained]:
    """One entry for each trained parameter."""
    graph = Graph(net, plan.reads)
    for target, name, path in plan.trained():
        missing = [*_missing(axes, net, graph, target, name in target.edges)]
        yield Explained(
            path=path,
            how=_how(axes, net, target),
            exact=not missing,
            why="; ".join(missing) or f"every way to {_names(plan.reads)} is followed",
        )


def _names(reads: tuple[str, ...]) -> str:
    return " and ".join(
        path.removesuffix(".y") if len(reads) > 1 else path.rpartition(".")[2] for path in reads
    )


def _how(axes: Axes, net: BuiltNetwork, target: Target) -> str:
    fading = [str(way.to) for way in target.ways if way.fades]
    via = f", filtered as by readout {', '.join(map(repr, fading))}" if fading else ""
    return f"eligibility trace of {target.population!r}{via}"


def _missing(
    axes: Axes, net: BuiltNetwork, graph: Graph, target: Target, of_edge: bool
) -> Iterator[str]:
    if lost := graph.cut(target.population):
        yield f"what goes by {', '.join(lost)} is cut"
    if any(way.to and axes.feedback.broadcast(way.to) for way in target.ways):
        yield f"errors come by {type(axes.feedback).__name__.lower()} feedback"
    elif through := graph.between(target.population):
        yield f"what {', '.join(map(repr, through))} keeps of it is not followed"
    if of_edge and type(axes.trace_of(net, target)) is not Exact:
        yield str(axes.trace.__doc__).partition(":")[0].lower()
    if not axes.filtered and any(way.to in graph.memories for way in target.ways):
        yield "what the readout remembers is not followed"
