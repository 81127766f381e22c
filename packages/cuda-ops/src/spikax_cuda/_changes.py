"""What a rule of plasticity does to a block of synapses, as part of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from spikax.ops import Events, Plastic
from spikax_cuda._active import active
from spikax_cuda._pallas import (
    launch,
    load,
    program,
    programs,
    read,
    shared_out,
    store,
    warps_of,
)
from spikax_cuda._rows import BLOCKS_EACH
from spikax_cuda.push import PROGRAMS

Refs = Mapping[str, Any]
Flat = dict[str, Array]


class Task(NamedTuple):
    """What all programs of a kernel know.

    Attributes:
        now: The slot of this step in the history.
        rule: The rule, with its parameters.
        w_max: The largest weight, or None.
        mod: Traces of the modulator.
        given: What finding the synapses needs.
        synapse: What is changed.
    """

    now: Any
    rule: Any
    w_max: Any
    mod: Refs
    given: Mapping[str, Any]
    synapse: Refs

    def change(
        self, method: str, spikes: Array, seen: Mapping[str, Array], at: Array, inside: Array | None
    ) -> None:
        """Let an event change the synapses at some places of the layout."""
        rule, w_max = jax.tree.map(lambda ref: read(ref, at, inside), (self.rule, self.w_max))
        here = {n: load(ref, at, inside) for n, ref in self.synapse.items()}
        all_seen = {**seen, **{n: ref[0] for n, ref in self.mod.items()}}
        own = Events(rule, w_max, {}, {}, {}, {}, at, at)
        for name, value in own.changed(here, all_seen, getattr(rule, method), spikes).items():
            store(self.synapse[name], at, value, inside)


def change_each(
    do: Callable[..., None],
    which: Plastic,
    events: Events,
    synapse: Flat,
    spikes: Array,
    given: Mapping[str, Any],
    block: int,
) -> Flat:
    """Let each spike change its synapses, in place.

    Args:
        do: `do(task, spike, index, part, block)` for a spike and its index; its name is that of
            the kernel.
        which: The connectivity.
        events: What else there is.
        synapse: What is changed, each (n_synapses,).
        spikes: (n,).
        given: What `do` finds in `task.given`.
        block: Synapses at a time.
    """
    rule, w_max = jax.tree.map(
        lambda value: _parameter(value, which.fmt.n_synapses), (events.rule, events.w_max)
    )
    mod = {n: v[None] for n, v in events.mod.items()}
    task = Task((events.t % events.length)[None], rule, w_max, mod, given, {})

    def each(count: Any, index: Any, spikes: Any, task: Task, *changed: Any) -> None:
        task = task._replace(synapse=dict(zip(synapse, changed, strict=True)))
        part = program(1), programs(1)

        def of_spike(k: Array) -> None:
            do(task, spikes[index[k]], index[k], part, block)

        shared_out(count[0], of_spike, program(0), programs(0))

    parts = max(1, min(16, which.fmt.n_synapses // (len(spikes) * block * BLOCKS_EACH)))
    changed = launch(
        each,
        *active(spikes),
        spikes,
        task,
        changed=[*synapse.values()],
        grid=(min(len(spikes), PROGRAMS), parts),
        warps=warps_of(block),
        name=do.__name__,
    )
    return dict(zip(synapse, changed, strict=True))


def _parameter(value: Array, n_synapses: int) -> Array:
    """A parameter as a kernel is given it; what is one per neuron no event looks at."""
    flat = value.reshape(-1)
    return flat if flat.size in (1, n_synapses) else jnp.zeros(1, value.dtype)
