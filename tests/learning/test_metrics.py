"""Metrics against counting by hand and core's statistics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, ShapeError, UnknownNameError
from spikax.units import Hz, ms, mV
from spikax_learning import metrics

RNG = np.random.default_rng(1)
SPIKES = jnp.asarray(RNG.random((3, 40, 4)) < 0.1, float)


def test_accuracy_is_of_the_largest_sum():
    y = jnp.asarray([[[3.0, 0], [0, 2]], [[1, 0], [0, 2]], [[1, 1], [1, 1]]])  # answers 0, 1, 0
    labels = jnp.asarray([0, 0, 0])
    np.testing.assert_allclose(metrics.accuracy(y, labels), 2 / 3, rtol=1e-6)
    in_every_step = jnp.broadcast_to(labels[:, None], (3, 2))
    assert metrics.accuracy(y, in_every_step) == metrics.accuracy(y, labels)
    only_the_last = jnp.zeros((3, 2)).at[:, 1].set(1.0)  # answers 1, 1, 0
    found = metrics.accuracy(y, (in_every_step, only_the_last))
    np.testing.assert_allclose(found, 1 / 3, rtol=1e-6)
    assert metrics.accuracy(y[0], jnp.int32(0)) == 1


def test_latency_accuracy_is_of_the_first_spike():
    trains = np.zeros((3, 5, 2))
    trains[0, 1, 1] = trains[0, 2, 0] = trains[0, 3, 0] = 1  # 1 first, 0 more often
    trains[1, 4, 0] = 1  # the last step; the other never
    found = metrics.latency_accuracy(jnp.asarray(trains, float), jnp.asarray([1, 0, 0]))
    np.testing.assert_allclose(found, 2 / 3, rtol=1e-6)  # the third is silent
    assert metrics.accuracy(jnp.asarray(trains[:1], float), jnp.asarray([0])) == 1


def test_the_last_step_of_one_neuron_beats_the_silence_of_another():
    trains = jnp.zeros((1, 5, 2)).at[0, 4, 1].set(1.0)
    assert metrics.latency_accuracy(trains, jnp.asarray([1])) == 1


def test_rates_and_intervals_are_those_of_a_recording():
    net = sx.Network({"in": sx.Population(sx.Relay(), 4)}).build(dt=0.5 * ms)
    _, events = sx.simulate(
        net, net.init_state(), 20 * ms, inputs={"in.spike": SPIKES[0]}, record={"in": "spike"}
    )
    seen = events["in.spike"]
    np.testing.assert_allclose(metrics.rate(SPIKES[0], 0.5 * ms) / Hz, seen.rates() / Hz, rtol=1e-6)
    np.testing.assert_allclose(metrics.isi_cv(SPIKES[0]), seen.isi_cv(), rtol=1e-6)
    assert len(seen.isi_cv()) > 1
    np.testing.assert_allclose(metrics.sparsity(SPIKES), 1 - np.mean(SPIKES), rtol=1e-6)


RULES = {
    "dense": sx.all_to_all(),
    "csr": sx.pairwise_bernoulli(0.4),
    "fan-out": sx.fixed_outdegree(2),
    "one to one": sx.one_to_one(),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_synaptic_operations_are_counted_one_by_one(rule):
    weights = sx.Normal(0 * mV, 1 * mV)
    net = sx.Network(
        {"in": sx.Population(sx.Relay(), 4), "E": sx.Population(sx.LIF(), 4)},
        [
            sx.Projection("in", "E", "delta", rule, weights),
            sx.Projection("in", "E", "delta", sx.all_to_all(), 1 * mV, name="more"),
        ],
    ).build(dt=0.5 * ms, seed=1)
    edge = net.edges["in->E"].format
    sender = np.asarray(sx.ops.forward(edge, jnp.ones(()), jnp.ones(4))).sum()  # all synapses
    by_pre = [float(sx.ops.forward(edge, jnp.ones(()), jnp.eye(4)[i]).sum()) for i in range(4)]
    assert sum(by_pre) == sender > 0

    def seen(spikes):
        return sx.simulate(
            net, net.init_state(), 20 * ms, inputs={"in.spike": spikes}, record={"in": "spike"}
        )[1]

    expected = [sum(z * n for z, n in zip(s.sum(0), by_pre, strict=True)) for s in SPIKES]
    expected = np.asarray(expected) + 4 * np.asarray(SPIKES).sum((1, 2))
    found = metrics.synaptic_operations(net, jax.vmap(seen)(SPIKES))
    np.testing.assert_allclose(found, expected)
    one = metrics.synaptic_operations(net, seen(SPIKES[1]))  # from events
    np.testing.assert_allclose(one, expected[1])
    with pytest.raises(UnknownNameError, match=r"in\.spike"):
        metrics.synaptic_operations(net, sx.Recording({}))


def test_cosine_of_gradients():
    net = sx.Network(
        {"in": sx.Population(sx.Relay(), 2), "E": sx.Population(sx.LIF(), 2)},
        [sx.Projection("in", "E", "delta", sx.all_to_all(), sx.Normal(0 * mV, 1 * mV))],
    ).build(dt=1 * ms)
    weights, _ = sx.select(net, "weight")

    def filled(values):
        return jax.tree.map(lambda _: jnp.asarray(values, float), weights)

    a, path = filled([[3, 0], [0, 0]]), "edges.in->E.weight"
    np.testing.assert_allclose(metrics.gradient_cosine(a, filled([[4, 3], [0, 0]]))[path], 0.8)
    np.testing.assert_allclose(metrics.gradient_cosine(a, filled([[-1, 0], [0, 0]]))[path], -1)
    assert np.isnan(metrics.gradient_cosine(a, filled(np.zeros((2, 2))))[path])
    with pytest.raises(ConfigError, match="same parameters"):
        metrics.gradient_cosine(a, net)


def test_labels_of_another_number_are_named():
    with pytest.raises(ShapeError, match=r"\(2,\); expected one for each example, \(3,\)"):
        metrics.accuracy(SPIKES, jnp.zeros(2, int))
