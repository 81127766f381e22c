"""Count the synapses that plasticity touches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import _ops, _plastic_walk
from spikax._learning import Plastic
from spikax._plastic_edge import PlasticEdge
from spikax._plasticity import Plasticity


def count_touched(
    edge: PlasticEdge,
    state: Any,
    pre: Mapping[str, Array],
    post: Mapping[str, Array],
    mod: Mapping[str, Array] | None = None,
    *,
    t: Array,
    dt: float,
) -> Array:
    """The number of synapses whose variables a step reads and writes, counted by its own loops.

    A synapse counts once for a spike of its source and once for one of its target. Where every
    synapse is looked at, it is the number of synapses: of a rule with a `flow`, where the reference
    is in use, or there are too few synapses for the loops.

    Args:
        edge: A plastic edge.
        state: Its state before the step.
        pre: Signals of the source, as for `edge.update`.
        post: Signals of the target.
        mod: Those of the modulators, by path.
        t: Index of the step.
        dt: Time step in ms.
    """
    events = edge.events(state, pre, post, mod or {}, t, dt).events
    operands, structure = jax.tree.flatten(events)
    which = Plastic(edge.format, edge.columns, structure)
    flows = type(edge.rule).flow is not Plasticity.flow
    if flows or _ops.kernel_for("learn", which, tuple(operands)) is not _plastic_walk.learn:
        return jnp.int32(edge.format.n_synapses)
    return _plastic_walk.touched(which, *operands)
