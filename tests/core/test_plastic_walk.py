"""Plasticity that goes with spikes: equal to the reference, and to its own count of synapses."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import _ops as ops
from spikax._host_loop import _chunk
from spikax.testing import count_touched
from spikax.units import Hz, ms, mV, nS

N_PRE, N_POST, STEPS, DT = 90, 80, 30, 0.5
CONNECTIVITY = {
    "csr": sx.pairwise_poisson(0.8),
    "fixed_fan_out": sx.fixed_outdegree(70),
    "dense": sx.all_to_all(),
}
DELAYS = {"one step": DT * ms, "one": 4 * DT * ms, "each": sx.Uniform(1 * DT * ms, 5 * DT * ms)}
RULES = {
    "pairs": sx.PairSTDP(2 * nS, A_plus=0.11, A_minus=0.13),
    "triplets": sx.TripletSTDP(2 * nS, A2_plus=0.05, A3_plus=0.04, pairing="nearest"),
    "inhibitory": sx.InhibitorySTDP(2 * nS, eta=0.08, rho_0=12 * Hz),
    "by weight": sx.WeightDependentSTDP(2 * nS, A_plus=0.11, mu=0.4),
    "reward": sx.RewardSTDP(2 * nS, modulator="pre.spike", A_plus=0.05),
}
SPIKES = {
    "random": lambda rng, shape: rng.random(shape) < 0.06,
    "none": lambda rng, shape: np.zeros(shape),
    "all at once": lambda rng, shape: np.arange(shape[0])[:, None] % 3 == np.zeros(shape),
    "the last alone": lambda rng, shape: np.arange(shape[1]) == np.full(shape, shape[1] - 1),
}


CELL = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)))


def network(connectivity="csr", delay="each", rule="pairs"):
    """Plastic synapses, enough for the loops."""
    populations = {
        "pre": sx.Population(sx.Relay(), N_PRE),
        "post": sx.Population(CELL, N_POST),
    }
    weight = sx.Uniform(0 * nS, 2 * nS)
    projection = sx.Projection(
        "pre",
        "post",
        "exc",
        CONNECTIVITY[connectivity],
        weight,
        DELAYS[delay],
        plasticity=RULES[rule],
    )
    return sx.Network(populations, [projection]).build(dt=DT * ms, seed=2)


def edge_of(connectivity="csr", delay="each", rule="pairs"):
    edge = network(connectivity, delay, rule).edges["pre->post"]
    assert edge.format.name == connectivity
    return edge


def trains(edge, kind="random"):
    rng, fmt = np.random.default_rng(1), edge.format
    return tuple(
        jnp.asarray(SPIKES[kind](rng, (STEPS, n)), jnp.zeros(()).dtype)
        for n in (fmt.n_pre, fmt.n_post)
    )


def steps(edge, state, pre, post, t=3):
    """The state at the end, the weights and the count of each step."""

    def step(carry, spikes):
        state, t = carry
        z, y = ({"spike": s} for s in spikes)
        count = count_touched(edge, state, z, y, t=t, dt=DT)
        state, sent = edge.update(state, z, y, {"pre.spike": z["spike"]}, t=t, dt=DT)
        return (state, t + 1), (sent.weight, count)

    (state, _), rows = jax.lax.scan(step, (state, jnp.int32(t)), (pre, post))
    return state, *rows


def by_reference(function):
    compiled = jax.jit(lambda *v: function(*v))

    def run(*operands):
        with ops.use_kernels("reference"):
            return compiled(*operands)

    return run


def same(got, expected, rtol=0):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol, 1e-12), got, expected)


CASES = [(c, d, "pairs") for c in CONNECTIVITY for d in DELAYS]
CASES += [("csr", "each", rule) for rule in RULES if rule != "pairs"]


@pytest.mark.parametrize(("connectivity", "delay", "rule"), CASES)
@pytest.mark.usefixtures("x64")
def test_weights_are_those_of_the_reference(connectivity, delay, rule):
    """Multapses, sources without synapses; any spikes, none, everybody at once."""
    edge, run, reference = edge_of(connectivity, delay, rule), jax.jit(steps), by_reference(steps)
    for kind in SPIKES:
        operands = edge, edge.init_state(), *trains(edge, kind)
        got, expected = run(*operands), reference(*operands)
        same(got[:2], expected[:2])
    assert "while" in str(jax.make_jaxpr(edge_learns)(edge))
    moved = run(edge, edge.init_state(), *trains(edge))[1]
    assert np.abs(moved[-1] - moved[0]).max() > 0.1


def edge_learns(edge):
    z, y = (jnp.zeros(n) for n in (edge.format.n_pre, edge.format.n_post))
    signals = {"spike": z}, {"spike": y}, {"pre.spike": z}
    return edge.update(edge.init_state(), *signals, t=jnp.int32(0), dt=DT)


@pytest.mark.parametrize("connectivity", CONNECTIVITY)
@pytest.mark.parametrize("delay", DELAYS)
def test_synapses_touched_are_those_of_the_spikes(connectivity, delay):
    edge, run = edge_of(connectivity, delay), jax.jit(steps)
    for kind in SPIKES:
        pre, post = trains(edge, kind)
        _, _, touched = run(edge, edge.init_state(), pre, post)
        assert np.array_equal(touched, met(edge, pre, post)), kind
        assert touched.sum() == 0 if kind == "none" else touched.sum() > 0, kind


def met(edge, pre, post):
    """How many synapses a spike leaves and how many it reaches from behind, at each step."""
    fmt = edge.format
    sources, targets = (
        np.ravel(fmt.pre_values(jnp.arange(fmt.n_pre))),
        np.ravel(np.asarray(fmt.targets)),
    )
    late = np.ravel(np.broadcast_to(edge.steps, fmt.shape)).astype(int)
    early = np.asarray(pre)[:, sources].sum(1)
    sent = np.arange(STEPS)[:, None] - late
    arrived = np.where(sent >= 0, np.asarray(post)[np.maximum(sent, 0), targets], 0).sum(1)
    return early + arrived


def test_a_flow_looks_at_every_synapse():
    edge = edge_of(rule="reward")
    _, _, touched = jax.jit(steps)(edge, edge.init_state(), *trains(edge, "none"))
    assert np.all(touched == edge.format.n_synapses)


@pytest.mark.parametrize("connectivity", CONNECTIVITY)
@pytest.mark.parametrize("delay", DELAYS)
def test_no_weight_and_no_history_is_copied_in_a_step(connectivity, delay):
    net = network(connectivity, delay)
    state = net.init_state()
    compiled = _chunk.lower((net, {}, {}), state, {}, np.int32(9), probes=(), length=16).compile()
    step = compiled.as_text().partition("\nENTRY ")[0]
    shapes = re.findall(r"\[([\d,]*)\]\S* copy\(", step)
    copied = {int(np.prod([int(n) for n in dims.split(",") if n])) for dims in shapes}
    learnt = state.edges["pre->post"]
    assert not copied & {learnt.weight.size, learnt.history["spike"].size}


@pytest.mark.parametrize("connectivity", CONNECTIVITY)
@pytest.mark.usefixtures("x64")
def test_gradients_and_batches_are_those_of_the_reference(connectivity):
    edge = edge_of(connectivity, "each")
    pre, post = (spikes[:12] for spikes in trains(edge))

    def both(edge, pre, post):
        def loss(w_max, weight, pre):
            moved, state = edge.replace(w_max=w_max), edge.init_state()
            return jnp.sum(steps(moved, state.replace(weight=weight), pre, post)[1] ** 2)

        inner = 0.5 * edge.weight + 0.5
        gradients = jax.grad(loss, (0, 1, 2))(edge.w_max, inner, pre)
        batch = jnp.stack([pre, pre[::-1]])
        return gradients, jax.vmap(lambda z: steps(edge, edge.init_state(), z, post)[1])(batch)

    got, expected = jax.jit(both)(edge, pre, post), by_reference(both)(edge, pre, post)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10), got, expected
    )


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
import test_plastic_walk as cases

mesh = Mesh(np.array(jax.devices()), ("trial",))
assert len(jax.devices()) == 2
for connectivity in cases.CONNECTIVITY:
    edge = cases.edge_of(connectivity, "each")
    pre, post = cases.trains(edge)
    trials = jnp.stack([pre, pre[::-1], 0 * pre, pre[::2].repeat(2, 0)])

    def weights(z):
        # A scan begins with what varies over the mesh as it ends.
        start = jax.tree.map(lambda v: v + 0 * z.sum(), edge.init_state())
        return cases.steps(edge, start, z, post)[1]

    run = jax.vmap(weights)
    half = jax.shard_map(run, mesh=mesh, in_specs=P("trial"), out_specs=P("trial"))
    assert np.array_equal(jax.jit(half)(trials), jax.jit(run)(trials))
print("same on two devices")
"""


def test_learning_runs_on_two_devices():
    """Trials under shard_map, with weights that all share at first."""
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        ),
    }
    command = [sys.executable, "-c", SHARDED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "same on two devices" in done.stdout, done.stderr[-3000:]
