"""Eligibility traces: one per weight, moved by the Jacobians of the target neuron."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import State, cell
from spikax_learning._linearise import Jacobians
from spikax_learning._synapses import at_targets, layout


class Trace(State):
    """What the weights of one edge did to their target neurons so far."""

    vector: Array = cell(kind="trace", doc="eps, effect on each variable, (d, *layout)")
    filtered: Array = cell(kind="trace", doc="effect on the signal, as the readout remembers it")


def silent(edge: Any, d: int) -> Trace:
    """The trace of weights that had no effect yet on targets of `d` variables."""
    shape = layout(edge)
    zeros = jnp.zeros((d, *shape), edge.weight.dtype)
    return Trace(vector=zeros, filtered=zeros[0])


def advanced(
    trace: Trace, edge: Any, x: Array, j: Jacobians, injected: Array, leak: Array | float
) -> Trace:
    """The trace one step later (Bellec et al. 2020, eqs. 13-14, with J a block instead of a leak).

        eps <- J eps + Ju x
        e = dz/dh eps
        filtered <- leak filtered + e

    Args:
        trace: The trace.
        edge: Its edge.
        x: What every synapse receives.
        j: The Jacobians of the target neurons.
        injected: The column of `j` that belongs to the edge.
        leak: What the readout keeps of its value in a step; 0 for no filter.
    """
    block = at_targets(edge, j.recurrent)
    vector = (block * trace.vector[None]).sum(1) + at_targets(edge, injected) * x[None]
    effect = (at_targets(edge, j.read) * vector).sum(0)
    return Trace(vector=vector, filtered=leak * trace.filtered + effect)
