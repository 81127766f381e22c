"""Backpropagation through time against finite differences, and what it keeps of a run."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, ShapeError
from spikax.plugins import LearningRule, registry
from spikax.surrogates import Smooth
from spikax.units import ms, mV, nS, pA
from spikax_learning import BPTT, EProp, explain, max_cross_entropy

N_IN, N, N_OUT, T = 4, 5, 2, 40


def half_square(y, target):
    return ((y - target) ** 2).sum() / 2


def network(neuron, port, weight, recurrent):
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(neuron, N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            sx.Projection("in", "E", port, sx.all_to_all(), weight, sx.Uniform(1 * ms, 4 * ms)),
            sx.Projection("E", "E", port, sx.all_to_all(), recurrent, 3 * ms),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0)),
        ],
    )


def smooth():
    """Graded spikes, conductances, adaptation; no refractory period, which would be a switch."""
    neuron = sx.ALIF(I_e=60 * pA, t_ref=0 * ms, surrogate=Smooth())
    exc = sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV))
    weights = sx.Uniform(0 * nS, 4 * nS)
    return network(sx.Cell(neuron, exc=exc), "exc", weights, weights)


def spiking():
    neuron = sx.LIF(I_e=80 * pA, t_ref=2 * ms)
    return network(neuron, "delta", sx.Normal(2 * mV, 1 * mV), sx.Normal(0 * mV, 2 * mV))


def task(build):
    net, rng = build().build(dt=1 * ms, seed=1), np.random.default_rng(0)
    return SimpleNamespace(
        net=net,
        state=net.init_state(),
        spikes=jnp.asarray(1.0 * (rng.random((T, N_IN)) < 0.3)),
        targets=jnp.asarray(rng.normal(size=(T, N_OUT))),
    )


@functools.partial(jax.jit, static_argnames=("rule", "train"))
def gradient(rule, net, state, spikes, targets, train="weight"):
    return rule.gradient(net, state, {"in.spike": spikes}, targets, half_square, train)


def of(rule, given, train="weight"):
    return gradient(rule, given.net, given.state, given.spikes, given.targets, train)


def simulated(net, state, spikes, targets):
    """The loss and the rate, without any rule."""
    record = {"out": "y", "E": "spike"}
    _, rec = sx.simulate(net, state, T * ms, inputs={"in.spike": spikes}, record=record)
    return jax.vmap(half_square)(rec["out.y"].values, targets).sum(), rec["E.spike"].values.mean()


def assert_alive(given, gradients):
    rate = jax.jit(simulated)(given.net, given.state, given.spikes, given.targets)[1]
    assert 0.01 < rate < 0.5
    assert all(np.abs(leaf.value).max() > 1e-3 for leaf in sx.leaves(gradients))


def difference(found, expected):
    """The largest of all leaves, relative to the leaf's largest value."""
    found, expected = sx.leaves(found), sx.leaves(expected)
    assert [leaf.path for leaf in found] == [leaf.path for leaf in expected]
    return max(
        float(jnp.abs(f.value - e.value).max() / jnp.abs(e.value).max())
        for f, e in zip(found, expected, strict=True)
    )


# The truth.


def moving(leaf):
    """Real numbers that a run depends on: not where potentials begin, nor whole steps."""
    return sx.floats(leaf) and not leaf.path.endswith(("V_init", "t_ref"))


def slopes(given, width):
    """Central differences of the loss by each trained leaf, along random directions."""
    trained, fixed = sx.select(given.net, moving)
    leaves, structure = jax.tree.flatten(trained)
    rng = np.random.default_rng(1)
    along = [
        jnp.asarray(rng.choice([-1.0, 1.0], np.shape(v)) * np.maximum(np.abs(v), 0.1))
        for v in leaves
    ]
    each = jnp.eye(len(leaves))

    @jax.jit
    def moved(h):
        def loss(on):
            by = [v + h * on[i] * a for i, (v, a) in enumerate(zip(leaves, along, strict=True))]
            net = sx.merge(jax.tree.unflatten(structure, by), fixed)
            return simulated(net, given.state, given.spikes, given.targets)[0]

        return jax.lax.map(loss, each)

    return along, (moved(width) - moved(-width)) / (2 * width)


def test_it_is_the_slope_of_the_loss_where_spikes_are_smooth(x64):
    given = task(smooth)
    _, gradients = of(BPTT(), given, moving)
    assert_alive(given, gradients)
    # Two widths, combined so that the cubic term of the loss falls out.
    (along, wide), (_, narrow) = slopes(given, 2e-4), slopes(given, 1e-4)
    expected = (4 * narrow - wide) / 3

    def by_leaf(gradients):
        values = jax.tree.leaves(gradients)
        return np.array([(g * a).sum() for g, a in zip(values, along, strict=True)])

    paths = [leaf.path for leaf in sx.leaves(gradients)]
    assert {"nodes.E.neuron.tau_a", "nodes.E.receptors.exc.coupling.E", "edges.E->E.weight"} < {
        *paths
    }
    np.testing.assert_allclose(by_leaf(gradients), expected, rtol=1e-6)
    cut = by_leaf(of(BPTT(truncate=10), given, moving)[1])
    assert np.abs(cut / expected - 1).max() > 0.01


# What it keeps.


@pytest.fixture(scope="module")
def whole():
    with jax.enable_x64(True):
        given = task(spiking)
        total, gradients = of(BPTT(), given)
        assert_alive(given, gradients)
        return given, total, gradients


def test_checkpoints_change_nothing(x64, whole):
    given, total, gradients = whole
    found = of(BPTT(checkpoint=7), given)
    np.testing.assert_allclose(found[0], total, rtol=1e-12)
    assert difference(found[1], gradients) < 1e-12


def cut_backwards(given, length):
    """The loss of a scan of `update` whose state has no gradient at the begin of each piece."""
    trained, fixed = sx.select(given.net, "weight")

    def loss(trained):
        net = sx.merge(trained, fixed)

        def step(state, row):
            t, spikes, target = row
            cut = jax.tree.map(lambda a: jnp.where(t % length, a, jax.lax.stop_gradient(a)), state)
            state = net.update(cut, {"in.spike": spikes}, t=cut.t, dt=net.dt)
            return state, half_square(net.read(state, "out.y"), target)

        rows = jnp.arange(T), given.spikes, given.targets
        return jax.lax.scan(step, given.state, rows)[1].sum()

    return jax.jit(jax.value_and_grad(loss))(trained)


def test_a_truncated_run_is_cut_at_each_piece(x64, whole):
    given, total, gradients = whole
    found, expected = of(BPTT(truncate=7), given), cut_backwards(given, 7)  # 5 pieces and 5 steps
    np.testing.assert_allclose(found[0], total, rtol=1e-12)
    np.testing.assert_allclose(expected[0], total, rtol=1e-12)
    assert difference(found[1], expected[1]) < 1e-10
    assert difference(found[1], gradients) > 0.01


def test_a_piece_longer_than_the_run_is_the_run(x64, whole):
    given, _, gradients = whole
    assert difference(of(BPTT(checkpoint=3, truncate=T + 1), given)[1], gradients) < 1e-12


def temporary_bytes(rule, steps):
    given = task(spiking)
    rows = [jax.ShapeDtypeStruct((steps, n), float) for n in (N_IN, N_OUT)]
    compiled = gradient.lower(rule, given.net, given.state, *rows).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_it_keeps_no_more_than_it_says():
    everything = temporary_bytes(BPTT(), 10_000)
    assert temporary_bytes(BPTT(checkpoint=100), 10_000) < everything / 5
    piece = temporary_bytes(BPTT(truncate=100), 1_000)
    assert temporary_bytes(BPTT(truncate=100), 100_000) <= 1.01 * piece < everything / 20


# What it says, what it refuses.


@pytest.mark.smoke
def test_it_is_registered():
    assert registry().records(LearningRule)["bptt"].load() is BPTT


def test_only_whole_runs_are_exact():
    net = spiking().build(dt=1 * ms)
    assert all(entry.exact for entry in explain(net, BPTT(checkpoint=5), sx.floats))
    pieces = explain(net, BPTT(truncate=5), sx.floats)
    assert not any(entry.exact for entry in pieces)
    assert "pieces of 5 steps" in str(pieces)


def test_it_does_not_learn_step_by_step():
    net = spiking().build(dt=1 * ms)
    with pytest.raises(
        ConfigError, match=r"call gradient on the whole run .* EProp\(\), or RTRL\(\)"
    ):
        BPTT().init(net, net.init_state(), half_square)


@pytest.mark.parametrize("name", ["checkpoint", "truncate"])
def test_no_steps_are_refused(name):
    with pytest.raises(ConfigError, match=f"{name} is 0 steps"):
        BPTT(**{name: 0})


def test_ragged_targets_are_refused():
    given = task(spiking)
    targets = given.targets, given.targets[:2]
    with pytest.raises(ShapeError, match="rows"):
        BPTT().gradient(given.net, given.state, {"in.spike": given.spikes}, targets, half_square)


def test_a_loss_of_a_whole_run_sees_all_steps_at_once(x64, whole):
    """Of the potentials' maxima, which no sum over steps is."""
    (given, _, _), target = whole, jnp.int32(1)
    loss = max_cross_entropy("out")

    @jax.jit
    def directly(net, state, spikes):
        trained, fixed = sx.select(net, "weight")

        def total(trained):
            record, inputs = {"out": "y"}, {"in.spike": spikes}
            merged = sx.merge(trained, fixed)
            _, seen = sx.simulate(merged, state, T * ms, inputs=inputs, record=record)
            return -jax.nn.log_softmax(seen["out.y"].values.max(0))[target]

        return jax.value_and_grad(total)(trained)

    expected, by = directly(given.net, given.state, given.spikes)
    inputs = {"in.spike": given.spikes}
    found, gradients = BPTT(checkpoint=7).gradient(given.net, given.state, inputs, target, loss)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert difference(gradients, by) < 1e-10
    with pytest.raises(ConfigError, match="is a loss of a whole run, and BPTT"):
        BPTT(truncate=7).gradient(given.net, given.state, inputs, target, loss)
    with pytest.raises(ConfigError, match="sees one step at a time"):
        EProp().gradient(given.net, given.state, inputs, target, loss)
