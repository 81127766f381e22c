"""Synapses without delay, whose ends act on each other within a step: rates, potentials."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

import spikax as sx
from spikax_nest._node import NestNode
from spikax_nest.neurons._gap import CONDUCTANCE, ORDERS
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._synapse_models import SynapseModel

CALLED = {
    "diffusion": "diffusion",
    "gap": "gap junction",
    "instant": "instantaneous rate",
}


def signals_of(system: type[NestNode], carries: str, *, iterated: bool = True) -> tuple[str, ...]:
    """What a node transmits by synapses that carry this; nothing if it does not."""
    if carries == "instant" and system.uses_wfr and "instant" in system.ports:
        return (system.sends if iterated else system.shows or system.sends,)
    return system.couples.get(carries, ())


@dataclass(frozen=True)
class Term:
    """What synapses of a model transmit to one port.

    Attributes:
        port: Of the target.
        column: The parameter of the synapses that is the weight.
        signal: Of the source.
        within: Whether it acts within the step in which it is sent.
    """

    port: str
    column: str
    signal: str
    within: bool = False


def terms_of(system: type[NestNode], model: SynapseModel, port: str, order: int) -> list[Term]:
    """What synapses of a model transmit.

    Rates are what the other had at the start of a step: that is where NEST's iteration over
    waveforms of rates ends, for a rate is held over a step. So are potentials told as constants.

    Args:
        system: The source.
        model: The synapses.
        port: Of the target.
        order: Of the polynomials in which potentials are told; -1 where NEST does not iterate.
    """
    if model.record.carries == "gap":
        told = [Term(p, "weight", signal, order > 0) for p, signal in ORDERS[max(order, 0)].items()]
        return [*told, *(Term(p, "weight", signal) for p, signal in CONDUCTANCE.items())]
    (signal,) = signals_of(system, model.record.carries, iterated=order >= 0)
    ends = model.record.factors or {port: "weight"}
    return [Term(end, column, signal) for end, column in ends.items()]


def reason_against(
    source: type[NestNode], target: type[NestNode] | None, model: SynapseModel
) -> str | None:
    """Why NEST refuses to couple two nodes, None if it does not."""
    carries = model.record.carries
    if not signals_of(source, carries):
        return f"The source node does not support {CALLED[carries]} output."
    if target is None or not _takes(target, model):
        return (
            "The target node or synapse model does not support "
            f"{CALLED[carries]} input.\n"
            "  Note that volt/multimeters must be connected as Connect(meter, neuron)."
        )
    return None


def _takes(target: type[NestNode], model: SynapseModel) -> bool:
    carries = model.record.carries
    if carries in target.couples:  # it takes what it transmits
        return True
    ends = model.record.factors or (carries,)
    return isinstance(target.ports, Mapping) and set(ends) <= target.ports.keys()


def check_names(model: SynapseModel, names: Any) -> None:
    """Raise for values that synapses of a model do not have."""
    record = model.record
    if "delay" in names and not record.delayed:
        instead = f" Please use {record.instead}." if record.instead else ""
        kind = "" if "connection" in record.name else " connection"
        raise NESTErrors.BadProperty(f"{record.name}{kind} has no delay.{instead}")
    if "weight" in names and record.factors:
        raise NESTErrors.BadProperty(
            f"Please use the parameters {' and '.join(record.factors.values())} to specify the "
            f"weights of a {record.name}."
        )


def coupled_projections(
    kernel: Any, pre: Any, post: Any, port: str, links: Any
) -> Iterator[tuple[str, sx.Projection, Any]]:
    """The projections of one model between two populations."""
    from spikax_nest.pynest._lower import static_projection

    table, settings = kernel.synapses.numbered(links.table[0]), kernel.settings
    order = settings["wfr_interpolation_order"] if settings["use_wfr"] else -1
    for term in terms_of(type(pre.sample), table.model, port, order):
        some = dataclasses.replace(links, weight=table.column(term.column)[links.row])
        ends, resolution = (pre, post, term.port), kernel.clock.resolution
        name, made, some = static_projection(*ends, some, resolution, table.model.name, term.signal)
        if term.within:
            made = dataclasses.replace(made, delay=None, solve="fixed_point")
        yield name, made, some


def fixed_point(kernel: Any) -> sx.FixedPoint:
    """When a step is no longer repeated."""
    return sx.FixedPoint(kernel.settings["wfr_tol"], kernel.settings["wfr_max_iterations"])


def couples(kernel: Any) -> bool:
    """Whether there are any such synapses."""
    return any(t.model.record.couples for t in kernel.synapses.tables.values())


def slice_steps(kernel: Any) -> int:
    """Steps after which coupled nodes tell each other what they did."""
    if not kernel.settings["use_wfr"]:
        return 1
    return kernel.clock.delay_steps(kernel.settings["wfr_comm_interval"])


def without_coupling(kernel: Any, model: Any, layout: Any) -> Any:
    """The network in NEST's first step without waveform relaxation: nothing was sent before it."""
    edges = dict(model.edges)
    for name, links in layout.edges.items():
        if kernel.synapses.numbered(links.table[0]).model.record.couples:
            edges[name] = edges[name].replace(weight=jnp.zeros_like(edges[name].weight))
    return model.replace(edges=edges)
