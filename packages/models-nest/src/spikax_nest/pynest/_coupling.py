"""Synapses without delay, whose ends act on each other within a step: rates, diffusion."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp

import spikax as sx
from spikax_nest._node import NestNode
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._synapse_models import SynapseModel

CALLED = {"diffusion": "diffusion", "instant": "instantaneous rate"}


def signals_of(system: type[NestNode], carries: str, *, iterated: bool = True) -> tuple[str, ...]:
    """What a node transmits by synapses that carry this; nothing if it does not."""
    if carries == "instant" and system.uses_wfr and "instant" in system.ports:
        return (system.sends if iterated else system.shows or system.sends,)
    return system.couples.get(carries, ())


def reason_against(
    source: type[NestNode], target: type[NestNode] | None, model: SynapseModel
) -> str | None:
    """Why NEST refuses to couple two nodes, None if it does not."""
    carries = model.record.carries
    if not signals_of(source, carries):
        return f"The source node does not support {CALLED[carries]} output."
    ends = model.record.factors or (carries,)
    if target is None or not set(ends) <= target.ports.keys():
        return (
            "The target node or synapse model does not support "
            f"{CALLED[carries]} input.\n"
            "  Note that volt/multimeters must be connected as Connect(meter, neuron)."
        )
    return None


def check_names(model: SynapseModel, names: Any) -> None:
    """Raise for values that synapses of a model do not have."""
    record = model.record
    if "delay" in names and not record.delayed:
        instead = f" Please use {record.instead}." if record.instead else ""
        raise NESTErrors.BadProperty(f"{record.name} has no delay.{instead}")
    if "weight" in names and record.factors:
        raise NESTErrors.BadProperty(
            f"Please use the parameters {' and '.join(record.factors.values())} to specify the "
            f"weights of a {record.name}."
        )


def coupled_projections(
    kernel: Any, pre: Any, post: Any, port: str, links: Any
) -> Iterator[tuple[str, sx.Projection, Any]]:
    """The projections of one model between two populations.

    Both ends read what the other had at the start of a step: that is where NEST's iteration over
    waveforms of rates ends, for a rate is held over a step.
    """
    from spikax_nest.pynest._lower import static_projection

    table, resolution = kernel.synapses.numbered(links.table[0]), kernel.clock.resolution
    iterated = bool(kernel.settings["use_wfr"])
    (signal,) = signals_of(type(pre.sample), table.model.record.carries, iterated=iterated)
    for end, column in (table.model.record.factors or {port: "weight"}).items():
        some = dataclasses.replace(links, weight=table.columns[column][links.row])
        yield static_projection(pre, post, end, some, resolution, table.model.name, signal)


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
