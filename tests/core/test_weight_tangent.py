"""Weight gradients through a long simulation cost with the spikes, and stay what they were.

The truth is the plain rule of JAX, which touches every synapse in every step.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import _event_driven
from spikax import _ops as ops
from spikax._connectivity import fixed_outdegree, pairwise_poisson
from spikax._formats import from_pairs
from spikax._weight_tangent import link
from spikax.units import ms, mV, pA

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")
N, STEPS = 90, 12
RULES = {"csr": pairwise_poisson(0.8), "fan": fixed_outdegree(70)}
DELAYS = {"none": (1, 0), "one": (5, 3), "each": (5, None)}


def equal(got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    scale = np.abs(expected).max()
    assert scale > 0
    # The same products; where several are summed, in another order.
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12 * scale)


def problem(rule, delays, seed=0):
    """A loss of weights and of what is sent in each step, plain and linked."""
    rng = np.random.default_rng(seed)
    fmt = from_pairs(RULES[rule].sample(N, N, rng))
    assert _event_driven.large(fmt)
    length, delay = DELAYS[delays]
    delay = jnp.asarray(rng.integers(1, 6, fmt.shape) if delay is None else delay, jnp.int32)
    weight = jnp.asarray(rng.normal(size=fmt.shape))
    sent = jnp.asarray((rng.random((STEPS, N)) < 0.1) * rng.integers(1, 4, (STEPS, N)) * 1.0)
    seen = jnp.asarray(rng.normal(size=(STEPS, N)))

    def plain(w, sent):
        def step(ring, each):
            t, x, see = each
            ring = ops.REFERENCE["scatter"](fmt, w, x, delay, ring * 0.9, t)
            return ring, jnp.sum(jnp.sin(ring[(t + 1) % length]) * see)

        times = jnp.arange(STEPS, dtype=jnp.int32)
        return jnp.sum(jax.lax.scan(step, jnp.zeros((length, N)), (times, sent, seen))[1])

    def linked(w, sent):
        held = jax.lax.stop_gradient(w)

        def step(carry, each):
            (ring, w), (t, x, see) = carry, each
            ring = ops.REFERENCE["scatter"](fmt, held, x, delay, ring * 0.9, t)
            ring, w = link(fmt, x, delay, t, ring, w)
            return (ring, w), jnp.sum(jnp.sin(ring[(t + 1) % length]) * see)

        times = jnp.arange(STEPS, dtype=jnp.int32)
        return jnp.sum(jax.lax.scan(step, (jnp.zeros((length, N)), w), (times, sent, seen))[1])

    return plain, linked, weight, sent


@pytest.mark.parametrize("delays", DELAYS)
@pytest.mark.parametrize("rule", RULES)
def test_every_derivative_is_that_of_the_plain_rule(rule, delays):
    plain, linked, w, sent = problem(rule, delays)
    v = jnp.cos(jnp.arange(w.size, dtype=float)).reshape(w.shape)
    gradients = [jax.jit(jax.grad(f, (0, 1)))(w, sent) for f in (linked, plain)]
    for got, expected in zip(*gradients, strict=True):
        equal(got, expected)
    forward = jax.jit(lambda w: jax.jvp(lambda w: linked(w, sent), (w,), (v,))[1])(w)
    equal(forward, jnp.sum(gradients[1][0] * v))
    second = [
        jax.jit(jax.grad(lambda w, s, f=f: jnp.sum(jax.grad(f)(w, s) * v), (0, 1)))(w, sent)
        for f in (linked, plain)
    ]
    for got, expected in zip(*second, strict=True):
        equal(got, expected)


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
@pytest.mark.parametrize("delays", ["none", "each"])
def test_a_batch_has_the_gradient_of_its_members(delays, shared):
    plain, linked, w, sent = problem("csr", delays)
    batch = jnp.stack([sent, sent[::-1], 2.0 * jnp.roll(sent, 1, axis=1)])
    weights = w if shared else jnp.stack([w, 1.1 * w, -w])
    axes = (None if shared else 0, 0)

    def both(f):
        per_trial = jax.vmap(jax.grad(f, (0, 1)), axes)(weights, batch)
        return per_trial, jax.grad(lambda w: jnp.sum(jax.vmap(f, axes)(w, batch)))(weights)

    (each, total), (each_plain, total_plain) = (
        jax.jit(both, static_argnums=0)(f) for f in (linked, plain)
    )
    for got, expected in zip((*each, total), (*each_plain, total_plain), strict=True):
        equal(got, expected)


def test_several_directions_at_once():
    plain, linked, w, sent = problem("fan", "one")
    directions = jnp.stack([jnp.ones_like(w), w])
    got, expected = (
        jax.jit(jax.vmap(lambda v, f=f: jax.jvp(lambda w: f(w, sent), (w,), (v,))[1]))(directions)
        for f in (linked, plain)
    )
    equal(got, expected)


def network(rule, delay, immediate=False):
    """Two large projections of one source into one port, and one within the step."""
    rng = np.random.default_rng(3)
    lif = sx.LIF(I_e=np.linspace(0.9, 1.4, N) * 110 * pA, V_init=np.linspace(-60, -50, N) * mV)
    weight = rng.normal(1, 5, (N, N)) * pA
    edges = [
        sx.Projection("E", "E", "current", RULES[rule], weight, delay, name=name)
        for name in ("a", "b")
    ]
    out = sx.Projection("E", "out", "input", RULES[rule], rng.normal(size=(N, N)), name="read")
    return sx.Network(
        {"E": sx.Population(lif, N), "out": sx.Population(sx.LeakyReadout(), N)}, [*edges, out]
    ).build(dt=0.1 * ms, seed=2)


def gradient(model, steps, chunk=None, **kwargs):
    params, rest = sx.select(model, "weight")

    def loss(params):
        built = sx.merge(params, rest)
        _, rec = sx.simulate(
            built,
            built.init_state(),
            steps * 0.1 * ms,
            record={"E": ["V_m"], "out": ["y"]},
            chunk=chunk,
        )
        return jnp.mean(rec["E.V_m"].values ** 2) + jnp.sum(rec["out.y"].values ** 2)

    return params, loss


DELAY = {"one": 0.5 * ms, "each": np.random.default_rng(1).integers(1, 9, (N, N)) * 0.1 * ms}


@pytest.mark.parametrize(
    ("rule", "delay", "chunk"), [("csr", "one", None), ("csr", "each", 40), ("fan", "one", 30)]
)
def test_a_simulation_has_the_gradient_it_had(rule, delay, chunk):
    """Several edges into one ring, one within the step; kept whole and in checkpoints."""
    model = network(rule, DELAY[delay])
    params, loss = gradient(model, 100, chunk)
    got, moved = jax.jit(
        lambda p: (jax.grad(loss)(p), jax.jvp(loss, (p,), (jax.tree.map(jnp.ones_like, p),))[1])
    )(params)
    with ops.use_kernels("reference"):
        expected = jax.jit(jax.grad(lambda p: loss(p)))(params)
    leaves = jax.tree.leaves(expected)
    assert [leaf.size > 4096 for leaf in leaves] == [True] * 3
    for a, b in zip(jax.tree.leaves(got), leaves, strict=True):
        equal(a, b)
    equal(moved, sum(jnp.sum(leaf) for leaf in leaves))


def compiled(model, steps, chunk=None):
    params, loss = gradient(model, steps, chunk)
    return jax.jit(jax.grad(lambda p: loss(p))).lower(params).compile(), params


def test_no_step_of_the_backward_pass_adds_or_copies_all_weights():
    model = network("csr", DELAY["one"])

    def dense():
        """Additions and copies of arrays as large as the weights, anywhere in the program."""
        program, params = compiled(model, 100)
        sizes = {int(leaf.size) for leaf in jax.tree.leaves(params)}
        lines = re.findall(r"= f64\[(\d+)\]\S* (?:add|copy)\(", program.as_text())
        return sum(int(size) in sizes for size in lines)

    assert dense() == 0
    with ops.use_kernels("reference"):
        assert dense() >= 3


@pytest.mark.parametrize("chunk", [None, 50])
def test_what_is_kept_for_the_backward_pass_does_not_grow_by_synapses(chunk):
    model = network("csr", DELAY["one"])

    def kept(steps):
        return compiled(model, steps, chunk)[0].memory_analysis().temp_size_in_bytes

    per_step = (kept(400) - kept(200)) / 200
    synapses = min(e.format.n_synapses for e in model.edges.values())
    assert 0 < per_step < 8 * synapses / 2


def test_trials_in_a_batch_have_the_gradient_of_their_sum():
    model = network("csr", DELAY["one"])
    params, rest = sx.select(model, "weight")

    def loss(params, V):
        built = sx.merge(params, rest)
        state = built.init_state()
        E = state.nodes["E"].replace(V_m=V)
        state = state.replace(nodes={**state.nodes, "E": E})
        end, _ = sx.simulate(built, state, 8 * ms)
        return jnp.sum(end.nodes["E"].V_m ** 2)

    V = jnp.asarray(np.random.default_rng(5).uniform(-60, -50, (3, N)))
    got = jax.jit(jax.grad(lambda p: jnp.sum(jax.vmap(loss, (None, 0))(p, V))))(params)
    one = jax.jit(jax.grad(loss))
    expected = jax.tree.map(lambda *g: sum(g), *(one(params, v) for v in V))
    for name in ("a", "b"):
        equal(got.edges[name].weight, expected.edges[name].weight)
