"""Operands of the operators `learn` and `update`, made from a network of a few synapses."""

import jax
import jax.numpy as jnp
import numpy as np
import synapse_oracle as oracle

import spikax as sx
from spikax._columns import columns
from spikax.ops import Events, Moving, Plastic
from spikax.plasticity import RewardSTDP
from spikax.plugins import Model, registry
from spikax.surrogates import Triangular
from spikax.units import ms, mV, pA

SLOTS = 5  # of the history
RULES = {
    name: model.load()
    for name, model in registry().records(Model).items()
    if model.family == "plasticity" and model.target.startswith("spikax.")
}


def cell(neuron):
    """The neuron with conductances and currents."""
    return sx.Cell(
        neuron,
        exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
        inh=sx.Receptor(sx.Expon(10 * ms), sx.CUBA()),
    )


NODES = {
    "LIF": sx.LIF(I_e=700 * pA),
    "AdExIF": sx.AdExIF(I_e=700 * pA),
    "cell of LIF": cell(sx.LIF(reset="soft", surrogate=Triangular())),
    "cell of AdExIF": cell(sx.AdExIF()),
}


def synapses(form, rule, dtype=jnp.float32, *, one_delay=False, rows="random", **parameters):
    """Plastic synapses of a format, and what changes them in a step."""
    fmt, rng = oracle.connectivity(form, rows), np.random.default_rng(3)

    def drawn(*shape):
        return jnp.asarray(rng.random(shape), dtype)

    delay = rng.integers(1, SLOTS, () if one_delay else fmt.shape).astype(np.int32)
    needed = {"modulator": "D"} if rule is RewardSTDP else {}
    rule = rule(None, **needed, **parameters)
    rule = jax.tree.map(lambda v: jnp.asarray(v, dtype), rule)
    pre, post = (*rule.pre_traces, *rule.pre_clocks), rule.post_traces
    events = Events(
        rule,
        jnp.asarray(2, dtype),
        {"weight": 2 * drawn(*fmt.shape)} | {n: drawn(*fmt.shape) for n in rule.starts},
        {n: drawn(fmt.n_pre) for n in pre} | {"spike": (drawn(fmt.n_pre) < 0.5).astype(dtype)},
        {n: drawn(SLOTS, fmt.n_post) for n in post}
        | {"spike": (drawn(SLOTS, fmt.n_post) < 0.3).astype(dtype)},
        {n: drawn() for n in rule.mod_traces},
        jnp.asarray(delay),
        jnp.int32(13),
    )
    operands, structure = jax.tree.flatten(events)
    sorted_by = columns(fmt, None if one_delay else events.delay, SLOTS - 1)
    return Plastic(fmt, sorted_by, structure), tuple(operands)


def population(node, dtype=jnp.float32, size=300, dt=0.1):
    """A step of a population: its structure and the operands."""
    rng = np.random.default_rng(1)
    state = node.init_state(size, key=0, dt=dt)
    state = jax.tree.map(lambda v: v + jnp.asarray(rng.integers(0, 12, size), v.dtype), state)
    inputs = {n: jnp.asarray(rng.normal(0, 20, size)) for n in node.ports}
    leaves, structure = jax.tree.flatten((node, state, inputs, jnp.int32(3)))
    leaves = [
        jnp.asarray(v, dtype) if jnp.issubdtype(v.dtype, jnp.floating) else jnp.asarray(v)
        for v in leaves
    ]
    return Moving(structure, dt), tuple(leaves)
