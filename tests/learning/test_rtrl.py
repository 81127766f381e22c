"""RTRL against backpropagation through time: forward and reverse mode share no code."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, ShapeError
from spikax.plugins import LearningRule, registry
from spikax.units import ms, mV, nS, pA
from spikax_learning import BPTT, RTRL, explain

N_IN, N, N_OUT, T = 4, 5, 2, 30


def half_square(y, target):
    return ((y - target) ** 2).sum() / 2


def rich():
    """Conductances, adaptation, a reset that carries gradient, depression, delays of all kinds."""
    receptor = {
        name: sx.Receptor(sx.Expon(tau * ms), sx.COBA(E * mV))
        for name, tau, E in (("exc", 5, 0), ("inh", 8, -80))
    }
    neuron = sx.ALIF(I_e=60 * pA, t_ref=2 * ms, tau_m=np.linspace(8, 16, N) * ms)
    depression = {"stp": sx.STP(U=0.5, tau_d=50 * ms)}
    strong = sx.Uniform(0 * nS, 8 * nS)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(sx.Cell(neuron, **receptor), N, release=depression),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            sx.Projection("in", "E", "exc", sx.all_to_all(), strong, sx.Uniform(1 * ms, 4 * ms)),
            sx.Projection(
                "E", "E", "exc", sx.fixed_outdegree(3), strong, 3 * ms, "stp", name="rec"
            ),
            sx.Projection("E", "E", "inh", sx.pairwise_bernoulli(0.5), strong, 2 * ms, name="inh"),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0)),
        ],
    )


class Channelled(sx.LIF):
    """Two channels, of which one counts twice."""

    ports = {"syn": sx.Port(mV, channels=("one", "two")), "current": sx.Port(pA)}

    def update(self, state, inputs, *, t, dt):
        one, two = inputs["syn"]
        return super().update(
            state, {"delta": one + 2 * two, "current": inputs["current"]}, t=t, dt=dt
        )


def odd():
    """What no trace of a neuron could follow.

    Plastic synapses, gap junctions, a parameter that two populations share, channels of a port.
    """
    channelled, lif = Channelled(I_e=80 * pA, t_ref=2 * ms), sx.LIF(I_e=120 * pA, t_ref=2 * ms)
    stdp = sx.PairSTDP(w_max=4 * mV)
    return sx.Network(
        {
            "in": sx.Population(channelled, N_IN),
            "E": sx.Population(lif, N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            sx.Projection("in", "in", "syn.two", sx.all_to_all(), 0.5 * mV, 2 * ms),
            sx.Projection(
                "in",
                "E",
                "delta",
                sx.all_to_all(),
                sx.Uniform(1 * mV, 3 * mV),
                2 * ms,
                plasticity=stdp,
            ),
            sx.gap_junction("E", "E", sx.symmetric_pairwise_bernoulli(0.7), 1 * nS),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0), 1 * ms),
        ],
        share=[("in.tau_m", "E.tau_m")],
    )


def task(network, inputs):
    net, rng = network().build(dt=1 * ms, seed=1), np.random.default_rng(0)
    return SimpleNamespace(
        net=net,
        state=net.init_state(),
        inputs=jax.tree.map(jnp.asarray, inputs(rng)),
        targets=jnp.asarray(rng.normal(size=(T, N_OUT))),
    )


def spikes(rng):
    return {"in.spike": 1.0 * (rng.random((T, N_IN)) < 0.3)}


def jumps(rng):
    return {"in.syn": rng.uniform(0, 4, (T, 2, N_IN)) * mV}


@functools.partial(jax.jit, static_argnames=("rule", "loss", "train"))
def gradient(rule, net, state, inputs, targets, train, loss=half_square):
    return rule.gradient(net, state, inputs, targets, loss, train)


@jax.jit
def rate(net, state, inputs):
    record = {"E": "spike"}
    if "in.syn" in inputs:  # as `simulate` takes channels
        rows = inputs["in.syn"]
        inputs = {f"in.syn.{name}": rows[:, i] for i, name in enumerate(("one", "two"))}
    return sx.simulate(net, state, T * ms, inputs=inputs, record=record)[1]["E.spike"].values.mean()


def by_path(tree):
    return {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(tree)}


def difference(found, expected):
    """The largest of all leaves, relative to the leaf's largest value."""
    found, expected = by_path(found), by_path(expected)
    assert found.keys() == expected.keys()
    scale = {path: np.abs(e).max() for path, e in expected.items()}
    return max(np.abs(found[p] - e).max() / (scale[p] or 1.0) for p, e in expected.items())


def both(given, train, rules):
    arguments = given.net, given.state, given.inputs, given.targets, train
    return [gradient(rule, *arguments) for rule in rules]


# The same gradient.


def test_it_is_backpropagation_by_every_number_of_a_rich_network(x64):
    given = task(rich, spikes)
    backward, forward, cut = both(given, sx.floats, [BPTT(), RTRL(), BPTT(truncate=15)])
    assert 0.01 < rate(given.net, given.state, given.inputs) < 0.5
    np.testing.assert_allclose(forward[0], backward[0], rtol=1e-12)
    assert difference(forward[1], backward[1]) < 1e-10
    gradients = by_path(forward[1])
    for path in ("edges.rec.weight", "nodes.E.node.neuron.tau_m", "nodes.E.releases.stp.U"):
        assert np.abs(gradients[path]).max() > 1e-3
    assert difference(cut[1], backward[1]) > 0.01


def moving(leaf):
    """What changes a run: not the weights that plastic ones begin with, nor potentials."""
    begins = leaf.path == "edges.in->E.weight" or leaf.path.endswith(("V_init", "t_ref"))
    return sx.floats(leaf) and not begins


def test_it_follows_what_no_trace_of_a_neuron_can(x64):
    given = task(odd, jumps)
    backward, forward = both(given, moving, [BPTT(), RTRL()])
    assert 0.01 < rate(given.net, given.state, given.inputs) < 0.5
    assert difference(forward[1], backward[1]) < 1e-10
    gradients = by_path(forward[1])
    assert gradients.keys() >= {"nodes.in.tau_m", "edges.E->E.weight", "edges.in->E.rule.A_plus"}
    assert all(np.abs(g).max() > 0 for g in gradients.values()), gradients


# Step by step.


def light():
    """Jumps of the potential, recurrent with two steps of delay."""
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(sx.LIF(I_e=80 * pA, t_ref=2 * ms), N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            sx.Projection("in", "E", "delta", sx.all_to_all(), sx.Normal(2 * mV, 1 * mV), 1 * ms),
            sx.Projection("E", "E", "delta", sx.all_to_all(), sx.Normal(0 * mV, 2 * mV), 2 * ms),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0)),
        ],
    )


def both_read(y, target):
    """A loss that reads a readout and the potentials."""
    out, V = y
    return ((out - target) ** 2).sum() / 2 + 1e-3 * ((V + 60) ** 2).sum()


both_read.reads = "out.y", "E.V_m"


def test_a_loss_may_read_several_signals(x64):
    given = task(light, spikes)
    arguments = given.net, given.state, given.inputs, given.targets, "weight", both_read
    backward, forward = (gradient(rule, *arguments) for rule in (BPTT(), RTRL()))
    np.testing.assert_allclose(forward[0], backward[0], rtol=1e-12)
    assert difference(forward[1], backward[1]) < 1e-10
    alone = gradient(RTRL(), *arguments[:-1])[1]
    assert difference(alone, backward[1]) > 0.01


def test_steps_sum_to_the_gradient_of_the_run(x64):
    given, rule = task(light, spikes), RTRL()
    total, gradients = gradient(rule, given.net, given.state, given.inputs, given.targets, "weight")
    carry, step, losses = rule.init(given.net, given.state, half_square), jax.jit(rule.step), []
    for t in range(T):
        row = {path: rows[t] for path, rows in given.inputs.items()}
        carry, metrics = step(carry, row, given.targets[t])
        losses.append(metrics["loss"])
    np.testing.assert_allclose(sum(losses), total, rtol=1e-12)
    np.testing.assert_allclose(metrics["y"], given.net.read(carry.state, "out.y"))
    assert difference(carry.gradients, gradients) < 1e-12
    learnt = carry.learned(jax.tree.map(lambda w: w + 1, carry.weights))
    assert not any(g.any() for g in by_path(learnt.gradients).values())
    np.testing.assert_array_equal(learnt.memory.matrix, carry.memory.matrix)
    assert carry.memory.matrix.any()


def test_memory_does_not_grow_with_the_run():
    given = task(light, spikes)

    def bytes_of(steps):
        rows = [jax.ShapeDtypeStruct((steps, n), float) for n in (N_IN, N_OUT)]
        lowered = gradient.lower(
            RTRL(), given.net, given.state, {"in.spike": rows[0]}, rows[1], "weight"
        )
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert bytes_of(100_000) <= 1.01 * bytes_of(100)


# What it says, what it refuses.


@pytest.mark.smoke
def test_it_is_registered():
    assert registry().records(LearningRule)["rtrl"].load() is RTRL


def test_every_parameter_is_exact():
    net = light().build(dt=1 * ms)
    told = explain(net, RTRL(), sx.floats)
    assert all(entry.exact for entry in told)
    assert {"nodes.E.V_th", "edges.E->E.weight"} <= {entry.path for entry in told}


def test_a_network_too_large_is_refused_with_its_bytes(x64):
    net = light().build(dt=1 * ms)
    n_weights, n_variables = N_IN * N + N * N + N * N_OUT, N_IN + 2 * N + N_OUT + 2 * N
    size = 8 * n_weights * n_variables
    assert RTRL(size).init(net, net.init_state(), half_square).memory.matrix.nbytes == size
    with pytest.raises(ConfigError, match=rf"{size:,} bytes; max_bytes is {size - 1:,}"):
        RTRL(max_bytes=size - 1).init(net, net.init_state(), half_square)


def test_what_would_be_left_out_is_refused():
    net = odd().build(dt=1 * ms)
    for rule in (RTRL(), BPTT()):
        with pytest.raises(ConfigError, match=r"leave out edges\.in->E\.weight: this edge is plas"):
            explain(net, rule, "weight")
        with pytest.raises(
            ConfigError, match=r"leave out edges\.E->E\.format\.indptr: it is int32"
        ):
            explain(net, rule, "index")


def test_a_loss_of_many_numbers_is_named():
    given = task(light, spikes)
    for rule in (RTRL(), BPTT()):
        with pytest.raises(ShapeError, match=r"has shape \(2,\); expected a scalar"):
            rule.gradient(
                given.net, given.state, given.inputs, given.targets, lambda y, target: y - target
            )
