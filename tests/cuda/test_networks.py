"""Whole networks with the GPU's kernels underneath, interpreted: core's rules hold for them too."""

import os
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import synapse_oracle as oracle

import spikax as sx
from spikax import ops
from spikax.plasticity import PairSTDP
from spikax.plugins import Kernel, registry
from spikax.surrogates import Triangular
from spikax.units import ms, mV, nS, pA
from spikax_cuda.interpret import interpreted

pytestmark = pytest.mark.usefixtures("quick_compiler")


def with_kernels(function, *operands):
    """What a function makes of its operands with the kernels of a GPU."""
    with ops.use_kernels("gpu"), interpreted():
        assert "pallas_call" in str(jax.make_jaxpr(function)(*operands))
        return jax.jit(function)(*operands)


def with_reference(function, *operands):
    with ops.use_kernels("reference"):
        # Another function, or JAX would find the first one compiled.
        return jax.jit(lambda *v: function(*v))(*operands)


def assert_same(function, *operands, rtol=1e-9):
    got, expected = with_kernels(function, *operands), with_reference(function, *operands)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=rtol, atol=rtol), got, expected)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(got))


# The rules of an operator.


def value(fmt, weight, x):
    return jnp.sum(jnp.sin(ops.forward(fmt, weight, x)))


def sent(fmt, weight, x):
    """The sum of a ring after `scatter`, each synapse with a delay of its own."""
    delay = jnp.asarray(oracle.operands("scatter", fmt, "some", dtype=np.float64)[2])
    ring = ops.scatter(fmt, weight, x, delay, jnp.zeros((5, fmt.n_post)), jnp.int32(3))
    return jnp.sum(jnp.cos(ring) ** 2)


def last(fmt, weight, x):
    """Three steps of a network that feeds back to its sources."""
    back = ops.CSR(fmt.indptr, fmt.indices % fmt.n_pre, fmt.n_pre)
    return jax.lax.scan(lambda x, _: (jnp.tanh(ops.forward(back, weight, x)), None), x, length=3)[0]


def batch(x):
    return jnp.stack([x, 2 * x, -x])


TRANSFORMED = {
    "plain": ops.forward,
    "jvp": lambda f, *v: jax.jvp(partial(ops.forward, f), v, tuple(map(jnp.cos, v))),
    "grad": jax.grad(value, (1, 2)),
    "grad of scatter": jax.grad(sent, (1, 2)),
    "jvp of scatter": lambda f, *v: jax.jvp(partial(sent, f), v, tuple(map(jnp.cos, v)))[1],
    "vmap": lambda f, w, x: jax.vmap(partial(ops.forward, f, w))(batch(x)),
    "vmap of grad": lambda f, w, x: jax.vmap(jax.grad(sent, (1, 2)), (None, None, 0))(
        f, w, batch(x)
    ),
    "scan": last,
    "grad of scan": jax.grad(lambda *v: jnp.sum(last(*v)), (1, 2)),
}


def every_transformation(*operands):
    return {name: function(*operands) for name, function in TRANSFORMED.items()}


@pytest.mark.parametrize("scalar", [False, True], ids=["weights", "one weight"])
def test_derivatives_and_batches_are_those_of_the_reference(scalar, x64):
    fmt, rng = oracle.connectivity("csr"), np.random.default_rng(5)
    weight = jnp.asarray(0.3 if scalar else rng.normal(size=fmt.shape))
    x = jnp.asarray(rng.normal(size=fmt.n_pre) * (rng.random(fmt.n_pre) < 0.7))
    with ops.use_kernels("gpu"), interpreted():
        for name, function in TRANSFORMED.items():
            assert "pallas_call" in str(jax.make_jaxpr(function)(fmt, weight, x)), name
    assert_same(every_transformation, fmt, weight, x, rtol=1e-12)


# Networks.


def network(neuron, delay, plasticity=None):
    """CSR, fixed fan-out and dense projections between two populations."""
    cell = sx.Cell(
        neuron,
        exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)),
        inh=sx.Receptor(sx.Expon(10 * ms), sx.COBA(-80 * mV)),
    )

    def edge(pre, post, port, rule, largest, **more):
        weight = sx.Uniform(largest / 3 * nS, largest * nS)
        return sx.Projection(pre, post, port, rule, weight=weight, delay=delay, **more)

    return sx.Network(
        {"E": sx.Population(cell, 60), "I": sx.Population(cell, 40)},
        [
            edge("E", "I", "exc", sx.pairwise_bernoulli(0.5), 3.0),
            edge("I", "E", "inh", sx.fixed_outdegree(20), 9.0),
            edge("E", "E", "exc", sx.all_to_all(), 0.3, plasticity=plasticity),
        ],
    ).build(dt=0.2 * ms, seed=2)


DELAYS = {"one delay": 0.6 * ms, "delays": sx.Uniform(0.2 * ms, 1.4 * ms)}
NEURONS = {
    "LIF": sx.LIF(surrogate=Triangular(), V_init=sx.Uniform(-60 * mV, -50 * mV)),
    "AdExIF": sx.AdExIF(V_init=sx.Uniform(-70 * mV, -48 * mV)),
}


def simulated(net, state, current):
    record = {"E": ["spike", "V_m"], "I": "spike"}
    inputs = {"E.current": current, "I.current": current}
    end, rec = sx.simulate(net, state, 8 * ms, inputs=inputs, record=record)
    return end, {path: rec[path].values for path in ("E.spike", "E.V_m", "I.spike")}


@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("neuron", NEURONS)
def test_a_network_does_the_same(neuron, delay, x64):
    net = network(NEURONS[neuron], DELAYS[delay])

    def run(net, state, current):
        return simulated(net, state, current)[1]

    assert_same(run, net, net.init_state(), 900.0 * pA)


def test_plastic_synapses_learn_the_same(x64):
    net = network(NEURONS["LIF"], DELAYS["delays"], PairSTDP(w_max=0.5 * nS))

    def run(net, state, current):
        end, rec = simulated(net, state, current)
        return end.edges["E->E"].weight, rec["E.spike"]

    assert_same(run, net, net.init_state(), 900.0 * pA)


# Compiled for long, and each kernel's derivatives are tested above: the grid has it.
@pytest.mark.grid
@pytest.mark.parametrize("delay", ["one delay", "delays"])
def test_a_network_has_the_same_gradient(delay, x64):
    """In reverse and forward mode, by every parameter and weight, and over a batch."""
    net = network(NEURONS["LIF"], DELAYS[delay])
    params, rest = sx.select(net, sx.floats)

    def loss(params, current):
        model = sx.merge(params, rest)
        rec = simulated(model, model.init_state(), current * pA)[1]
        return (rec["E.V_m"] ** 2).sum() + rec["E.spike"].sum() + rec["I.spike"].sum()

    def every(params, current):
        return (
            jax.grad(loss)(params, current),
            jax.jvp(partial(loss, params), (current,), (1.0,)),
            jax.vmap(loss, (None, 0))(params, jnp.array([700.0, 900.0])),
        )

    got, expected = (run(every, params, 900.0) for run in (with_kernels, with_reference))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-8, atol=1e-8), got, expected)
    weights = {path: edge.weight for path, edge in sx.merge(got[0], rest).edges.items()}
    assert all(np.mean(weight != 0) > 0.1 for weight in weights.values())


# Devices, and the plugin.

SHARDED = """
from functools import partial
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from spikax import ops
from spikax_cuda.interpret import interpreted

fmt = ops.CSR(jnp.array([0, 2, 4], jnp.int32), jnp.array([0, 2, 2, 1], jnp.int32), 3)
weight, x = jnp.arange(8.0).reshape(2, 4), jnp.array([1.0, 2.0])
delay, ring, t = jnp.array([1, 2, 1, 2], jnp.int32), jnp.zeros((3, 3)), jnp.int32(1)
mesh = Mesh(np.array(jax.devices()), ("n",))
OPERATORS = {
    "forward": lambda w, x: ops.forward(fmt, w, x),
    "scatter": lambda w, x: ops.scatter(fmt, w, x, delay, ring, t).ravel(),
    "transpose": lambda w, x: ops.transpose(fmt, w, jnp.concatenate([x, x[:1]])),
}

def on_two(operator, **more):
    split = dict(mesh=mesh, in_specs=(P("n"), P()), out_specs=P("n"), **more)
    local = jax.shard_map(lambda w, x: operator(w[0], x), **split)
    return jax.value_and_grad(lambda w: (local(w, x) ** 2).sum())(weight)

assert len(jax.devices()) == 2
for name, operator in OPERATORS.items():
    with ops.use_kernels("reference"):
        expected = jax.jit(lambda: on_two(operator))()
    with ops.use_kernels("gpu"), interpreted():
        # Pallas' interpreter does not say along which axes its own loops vary.
        value, gradient = jax.jit(lambda: on_two(operator, check_vma=False))()
    with ops.use_kernels("gpu"):
        assert "pallas_call" in str(jax.make_jaxpr(lambda: on_two(operator))()), name
    assert np.array_equal(value, expected[0]), name
    assert np.array_equal(gradient, expected[1]), name
    assert value > 0 and gradient.any(), name
"""


def run(program, **environment):
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_each_device_adds_to_its_own_targets():
    run(SHARDED, XLA_FLAGS="--xla_force_host_platform_device_count=2")


def test_discovery_imports_no_kernel():
    run(
        "import sys; from spikax.plugins import Kernel, registry\n"
        "assert 'cuda_forward_csr' in registry().records(Kernel)\n"
        "late = {'spikax_cuda.push', 'jax.experimental.pallas'} & set(sys.modules)\n"
        "assert not late, late"
    )


def test_core_finds_the_records_of_this_pack():
    records = [k for k in registry().records(Kernel).values() if k.platform == "gpu"]
    assert {record.op for record in records} == set(ops.REFERENCE)
    assert {record.origin.distribution for record in records} == {"spikax-cuda-ops"}
