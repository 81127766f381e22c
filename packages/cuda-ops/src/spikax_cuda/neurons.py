"""A step of a population as one kernel: the operator `update`.

The neuron's own `update` is traced for a block of neurons, so what is computed is written once, in
the neuron. It serves what was compiled for GPUs: leaky and adaptive exponential integrate-and-fire
neurons of 0 or 1 spike, alone or as cells with currents or conductances that decay exponentially. A
batch is left to XLA.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import Cell
from spikax.integrate import by_entry
from spikax.neurons import LIF, AdExIF
from spikax.ops import Moving
from spikax.surrogates import Surrogate
from spikax.synapses import COBA, CUBA, Expon
from spikax_cuda._pallas import blocks, lanes, launch, program, read, store

BLOCK = 128  # neurons of a program, one for each thread
_WARPS = 4
_FLOATS = (jnp.float32, jnp.float64)


def update(moving: Moving, *operands: Array) -> Any:
    """The operator `update`, in place."""
    node, state, *others = moving.parts([operand.reshape(-1) for operand in operands])
    before, structure = jax.tree.flatten(state)

    def update_neurons(node: Any, others: Any, *cells: Any) -> None:
        at = program(0) * BLOCK + lanes(BLOCK)
        inside = at < before[0].size
        given = jax.tree.leaves((node, jax.tree.unflatten(structure, cells), *others))
        with by_entry():
            moved = jax.tree.leaves(moving.moved([read(ref, at, inside) for ref in given]))
        for ref, value in zip(cells, moved, strict=True):
            store(ref, at, jnp.broadcast_to(value, at.shape), inside)

    grid = (blocks(before[0].size, BLOCK),)
    moved = launch(update_neurons, node, others, changed=before, grid=grid, warps=_WARPS)
    return jax.tree.unflatten(structure, moved)


def _supports(moving: Moving, *operands: Array) -> bool:
    node, state, *_ = moving.parts(operands)
    shape = jnp.shape(jax.tree.leaves(state)[0])
    return (
        _known(node)
        and len(shape) == 1
        and shape[0] > 0
        and all(v.shape in ((), shape) and v.dtype in (*_FLOATS, jnp.int32) for v in operands)
        and len({v.dtype for v in operands} & {jnp.dtype(float) for float in _FLOATS}) == 1
    )


def _known(node: Any) -> bool:
    if type(node) is Cell:
        return _known(node.neuron) and all(map(_decays, node.receptors.values()))
    # A spike that is not a step, as `Smooth` makes it, may take what a kernel does not know.
    return type(node) in (LIF, AdExIF) and type(node.surrogate).__call__ is Surrogate.__call__


def _decays(receptor: Any) -> bool:
    return type(receptor.kinetics) is Expon and type(receptor.coupling) in (CUBA, COBA)


vars(update)["supports"] = _supports
