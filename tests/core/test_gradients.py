"""Gradients through a whole network: modes, checkpoints, batches and devices agree."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax._conformance import smooth
from spikax.units import ms, nS, pA

T = 8 * ms
N = 5


def network():
    cell = sx.Cell(
        sx.LIF(I_e=sx.Normal(260 * pA, 40 * pA), t_ref=0.5 * ms),
        exc=sx.Receptor(sx.Expon(2 * ms), sx.COBA()),
        nmda=sx.Receptor(sx.DualExpon(), sx.MgBlock()),
        inh=sx.Receptor(sx.Alpha(), sx.CUBA()),
    )
    relay = sx.Population(sx.Relay(), N, {"stp": sx.STP(0.4, 20 * ms, 5 * ms)})
    return sx.Network(
        {"in": relay, "E": sx.Population(cell, N), "out": sx.Population(sx.LeakyReadout(), 2)},
        [
            sx.Projection(
                "in", "E", {"exc": 1, "nmda": 0.2}, sx.all_to_all(), sx.each(8 * nS), signal="stp"
            ),
            sx.Projection(
                "E", "E", "inh", sx.pairwise_bernoulli(0.6), -20 * pA, sx.Uniform(0.5 * ms, 2 * ms)
            ),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.each(sx.Normal(0, 1))),
        ],
    )


@pytest.fixture(scope="module")
def case():
    """A recurrent network of every receptor, a release, delays, a readout; smooth spikes."""
    with jax.enable_x64(True):
        model = smooth(network().build(dt=0.5 * ms, seed=2))
        spikes = jnp.asarray((np.random.default_rng(0).random((16, N)) < 0.3) * 1.0)
        params, rest = sx.select(model, sx.floats)
        loss = make_loss(rest)
    # The context must end here: a fixture that yields would leave it on for other tests.
    return model, params, spikes, loss


def make_loss(rest, chunk=None):
    def loss(params, spikes, key=0):
        net = sx.merge(params, rest)
        record = {"out": "y", "E": ["V_m", "spike"]}
        _, rec = sx.simulate(
            net, net.init_state(key=key), T, inputs={"in.spike": spikes}, record=record, chunk=chunk
        )
        return (
            (rec["out.y"].values ** 2).sum()
            + 1e-3 * rec["E.V_m"].values.sum()
            + rec["E.spike"].values.sum()
        )

    return jax.jit(loss)


@pytest.mark.usefixtures("x64")
def test_modes_agree(case):
    """jacfwd, jvp and a Hessian-vector product by both orders of modes."""
    _, params, spikes, loss = case
    w, rest = sx.select(params, sx.weights("in->E"))
    flat, structure = jax.tree.flatten(w)

    def f(x):
        return loss(sx.merge(jax.tree.unflatten(structure, [x]), rest), spikes)

    x = flat[0]
    reverse = jax.jit(jax.grad(f))(x)
    assert np.allclose(jax.jit(jax.jacfwd(f))(x), reverse, rtol=1e-10)
    v = jnp.asarray(np.random.default_rng(1).normal(size=x.shape))
    forward_over_reverse = jax.jit(lambda x: jax.jvp(jax.grad(f), (x,), (v,))[1])(x)
    reverse_over_forward = jax.jit(jax.grad(lambda x: jax.jvp(f, (x,), (v,))[1]))(x)
    assert np.allclose(forward_over_reverse, reverse_over_forward, rtol=1e-8)
    assert float(jnp.abs(forward_over_reverse).max()) > 1e-6


@pytest.mark.parametrize("chunk", [4, 5])
@pytest.mark.usefixtures("x64")
def test_checkpointed_equals_plain(case, chunk):
    model, params, spikes, loss = case
    rest = sx.select(model, sx.floats)[1]
    plain = jax.jit(jax.value_and_grad(loss))(params, spikes)
    saved = jax.jit(jax.value_and_grad(make_loss(rest, chunk)))(params, spikes)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(saved), strict=True):
        assert np.allclose(a, b, rtol=1e-11, atol=1e-12)


def test_checkpointing_saves_memory():
    """The backward pass of 400 steps in chunks of 20 keeps a fraction of the residuals."""
    model = network().build(dt=0.5 * ms, seed=2)
    params, rest = sx.select(model, sx.floats)

    def bytes_needed(chunk):
        def loss(params):
            net = sx.merge(params, rest)
            state, rec = sx.simulate(
                net,
                net.init_state(),
                200 * ms,
                record={"out": sx.every(200 * ms, "y")},
                chunk=chunk,
            )
            return rec["out.y"].values.sum() + state.nodes["out"].y.sum()

        return jax.jit(jax.grad(loss)).lower(params).compile().memory_analysis().temp_size_in_bytes

    assert bytes_needed(20) < 0.35 * bytes_needed(None)


@pytest.mark.usefixtures("x64")
def test_vmap_over_parameters_seeds_and_batch(case):
    _, params, spikes, loss = case
    batch = jnp.stack([spikes, jnp.roll(spikes, 3, axis=0)])
    scaled = [jax.tree.map(lambda p, s=s: p * s, params) for s in (1.0, 1.01)]
    stacked = jax.tree.map(lambda *p: jnp.stack(p), *scaled)
    keys = jax.random.split(jax.random.key(0), 2)
    mapped = jax.jit(jax.vmap(loss))(stacked, batch, keys)
    single = [loss(scaled[i], batch[i], keys[i]) for i in range(2)]
    assert np.allclose(mapped, single, rtol=1e-12)
    assert single[0] != single[1]


def test_seeds_make_different_noise_under_vmap():
    net = sx.Network({"noise": sx.Population(sx.Poisson(500 * sx.units.Hz), 50)}).build(dt=1 * ms)
    keys = jax.random.split(jax.random.key(3), 4)

    def count(key):
        _, rec = sx.simulate(net, net.init_state(key=key), 20 * ms, record={"noise": "spike"})
        return rec["noise.spike"].values

    mapped = jax.jit(jax.vmap(count))(keys)
    assert np.array_equal(mapped[2], jax.jit(count)(keys[2]))
    assert not np.array_equal(mapped[0], mapped[1])


def test_surrogate_gradient_reaches_the_weights():
    """Real spikes: zero almost everywhere without a surrogate, useful with one."""
    model = network().build(dt=0.5 * ms, seed=2)
    train, rest = sx.select(model, sx.weights("in->E"))

    def count(w):
        net = sx.merge(w, rest)
        spikes = jnp.ones((16, N))
        _, rec = sx.simulate(
            net, net.init_state(), T, inputs={"in.spike": spikes}, record={"E": "spike"}
        )
        return rec["E.spike"].values.sum()

    value, gradient = jax.jit(jax.value_and_grad(count))(train)
    assert value > 3
    (g,) = jax.tree.leaves(gradient)
    assert np.isfinite(g).all()
    assert float(g.sum()) > 0, "more excitation, more spikes"


SHARDED = """
import dataclasses
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
import spikax as sx
from spikax._component import rebuild
from spikax.units import Hz, ms, mV, nS, pA

N, STEPS = 16, 200
lif = sx.LIF(I_e=sx.Normal(260*pA, 60*pA), V_init=sx.Normal(-55*mV, 3*mV))
cell = sx.Cell(lif, exc=sx.Receptor(sx.Expon(), sx.COBA()))
weight = sx.each(sx.Uniform(0.1*nS, 1*nS))
net = sx.Network(
    {"noise": sx.Population(sx.Poisson(300*Hz), N), "E": sx.Population(cell, N),
     "R": sx.Population(sx.RateUnit(), N)},
    [sx.Projection("noise", "E", "exc", sx.all_to_all(), weight, 0.1*ms),
     sx.Projection("E", "E", "exc", sx.all_to_all(), weight, 1.5*ms),
     sx.Projection("noise", "R", "input", sx.all_to_all(), sx.each(sx.Normal(0*Hz, 2e4*Hz)),
                   0.1*ms),
     sx.Projection("R", "R", "input", sx.all_to_all(), sx.each(sx.Normal(0, 0.3)), signal="rate",
                   solve="fixed_point")])
model = net.build(dt=0.1*ms, seed=1)
state = model.init_state()

def run(m, s):
    _, rec = sx.simulate(m, s, STEPS*0.1*ms, record={"E": ["V_m", "spike"], "R": "rate"})
    return rec["E.V_m"].values, rec["E.spike"].values, rec["R.rate"].values

def half(edge):
    local = dataclasses.replace(edge.format, n_post=N // 2)
    return rebuild(type(edge), vars(edge) | {"format": local})

def spec(leaf):  # neurons, and the post side of a dense weight, come last
    aligned = leaf.ndim and leaf.shape[-1] == N
    return P(*([None] * (leaf.ndim - 1)), "n") if aligned else P()

one = jax.jit(run)(model, state)
mesh = Mesh(np.array(jax.devices()), ("n",))
edges = {k: half(e) for k, e in model.edges.items()}
local = rebuild(type(model), vars(model) | {"axis": "n", "edges": edges})
specs = jax.tree.map(spec, local), jax.tree.map(spec, state)
sharded = jax.shard_map(run, mesh=mesh, in_specs=specs, out_specs=P(None, "n"))
two = jax.jit(sharded)(local, state)
assert len(jax.devices()) == 2
assert one[1].sum() > 10, one[1].sum()
assert np.array_equal(one[1], two[1])
assert np.allclose(one[0], two[0], atol=1e-4)
assert np.ptp(one[2]) > 1
assert np.allclose(one[2], two[2], atol=1e-4)  # one step more or less of what is solved together
print("same on", len(jax.devices()), "devices")
"""


def test_same_spikes_on_two_devices():
    """One network under shard_map over two forced host devices, in a process of its own."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "same on 2 devices" in done.stdout, done.stderr[-3000:]


def test_a_backward_pass_keeps_the_states_of_neurons_and_not_their_arithmetic():
    """Of an adaptive neuron whose step alone is some hundred numbers."""
    net = sx.Network({"E": sx.Population(sx.AdExIF(), 50)}, []).build(dt=0.1 * ms, seed=1)
    params, rest = sx.select(net, sx.floats)

    def kept(steps):
        def loss(params):
            model = sx.merge(params, rest)
            end, _ = sx.simulate(model, model.init_state(), steps * 0.1 * ms)
            return end.nodes["E"].V_m.sum()

        compiled = jax.jit(jax.grad(loss)).lower(params).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    state = sum(x.nbytes for x in jax.tree.leaves(net.init_state().nodes))
    assert 0 < (kept(400) - kept(200)) / 200 < 3 * state
