"""SnAp between cut and full backpropagation: what is kept is told apart by edges that are cut."""

import functools
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax import Edge
from spikax._component import rebuild
from spikax.errors import ConfigError
from spikax.plugins import LearningRule, registry
from spikax.units import UNITLESS, ms, mV, pA
from spikax_learning import BPTT, RTRL, SnAp, explain

N_IN, N, N_OUT, T = 3, 5, 2, 40
ONE_BY_ONE = np.arange(N)


def half_square(y, target):
    return ((y - target) ** 2).sum() / 2


def network(*recurrent, readout_delay=None):
    """in -> E -> out, and projections within E."""
    lif = sx.LIF(I_e=80 * pA, t_ref=2 * ms, tau_m=np.linspace(8, 16, N) * ms)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(lif, N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            sx.Projection("in", "E", "delta", sx.all_to_all(), sx.Normal(2 * mV, 1 * mV), 1 * ms),
            *recurrent,
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0), readout_delay),
        ],
    )


def within(rule, name, delay=2 * ms):
    return sx.Projection("E", "E", "delta", rule, sx.Normal(0 * mV, 3 * mV), delay, name=name)


OTHERS = within(sx.all_to_all(allow_autapses=False), "others", sx.Uniform(1 * ms, 4 * ms))
AUTAPSES = within(sx.one_to_one(), "autapses", 4 * ms)  # longer than a neuron is refractory
CIRCLE = within(sx.explicit(ONE_BY_ONE, (ONE_BY_ONE + 1) % N), "circle")


def task(net):
    net, rng = net.build(dt=1 * ms, seed=2), np.random.default_rng(0)
    return SimpleNamespace(
        net=net,
        state=net.init_state(),
        inputs={"in.spike": jnp.asarray(1.0 * (rng.random((T, N_IN)) < 0.3))},
        targets=jnp.asarray(rng.normal(size=(T, N_OUT))),
    )


class CutEdge(Edge):
    """An edge through which no gradient passes."""

    def update(self, state, pre, post, mod, *, t, dt):
        return super().update(state, jax.lax.stop_gradient(pre), post, mod, t=t, dt=dt)


def with_cut(net, *names):
    cut = {name: rebuild(CutEdge, vars(net.edges[name])) for name in names}
    return net.replace(edges={**net.edges, **cut})


def moving(leaf):
    """Weights and time constants: one number for all synapses or neurons, and one for each."""
    return leaf.kind == "weight" or leaf.path.endswith(("tau_m", ".tau", "V_th"))


@functools.partial(jax.jit, static_argnames="rule")
def gradient(rule, net, state, inputs, targets):
    return rule.gradient(net, state, inputs, targets, half_square, moving)[1]


@jax.jit
def stepped(carry, inputs, targets):
    """SnAp of every n is one program: what is kept is data."""

    def step(carry, row):
        return SnAp().step(carry, {"in.spike": row[0]}, row[1])

    return jax.lax.scan(step, carry, (inputs["in.spike"], targets))[0].gradients


def forward(given, rule):
    return stepped(rule.init(given.net, given.state, half_square, moving), *data(given))


def data(given):
    return given.inputs, given.targets


def backward(given, *cut):
    return gradient(BPTT(), with_cut(given.net, *cut), given.state, *data(given))


@jax.jit
def rate(net, state, inputs):
    record = {"E": "spike"}
    return sx.simulate(net, state, T * ms, inputs=inputs, record=record)[1]["E.spike"].values.mean()


def assert_alive(given, gradients):
    assert 0.01 < rate(given.net, given.state, given.inputs) < 0.5
    assert all(np.abs(leaf.value).max() > 1e-3 for leaf in sx.leaves(gradients))


def difference(found, expected):
    """The largest of all leaves, relative to the leaf's largest value."""
    found, expected = sx.leaves(found), sx.leaves(expected)
    assert [leaf.path for leaf in found] == [leaf.path for leaf in expected]
    return max(
        float(jnp.abs(f.value - e.value).max() / jnp.abs(e.value).max())
        for f, e in zip(found, expected, strict=True)
    )


# n = 1.


@pytest.mark.parametrize("readout_delay", [None, 2 * ms], ids=["at once", "delayed readout"])
def test_without_autapses_one_step_is_backpropagation_without_recurrence(x64, readout_delay):
    given = task(network(OTHERS, readout_delay=readout_delay))
    found, cut = forward(given, SnAp()), backward(given, "others")
    assert_alive(given, found)
    # V_th is one number for all neurons, so it is credited with what it does to all.
    assert difference(weights_of(found), weights_of(cut)) < 1e-10
    assert difference(weights_of(found), weights_of(backward(given))) > 0.01


def weights_of(gradients):
    """Those of which every number is of one neuron."""
    return sx.select(gradients, "weight", "nodes.E.tau_m", "nodes.out.tau")[0]


def test_one_step_follows_a_neuron_onto_itself(x64):
    given = task(network(OTHERS, AUTAPSES))
    found = forward(given, SnAp())
    assert_alive(given, found)
    assert difference(weights_of(found), weights_of(backward(given, "others"))) < 1e-10
    without = backward(given, "others", "autapses")
    assert difference(weights_of(found), weights_of(without)) > 0.01


def test_a_parameter_of_all_neurons_is_credited_with_all_that_they_do(x64):
    given = task(network(OTHERS))
    found, whole = forward(given, SnAp()), backward(given)
    assert_alive(given, whole)
    pick = lambda gradients: sx.select(gradients, "nodes.E.V_th")[0]  # noqa: E731
    assert difference(pick(found), pick(whole)) < 1e-10
    assert difference(pick(backward(given, "others")), pick(whole)) > 0.01


# Larger n.


def test_once_all_neurons_are_reached_it_is_rtrl(x64):
    given = task(network(CIRCLE))
    exact = gradient(RTRL(), given.net, given.state, *data(given))
    assert_alive(given, exact)
    assert difference(exact, backward(given)) < 1e-10
    # Round a circle of N neurons the last is N - 1 hops away; the weight's own step comes first.
    apart = [difference(forward(given, SnAp(n)), exact) for n in range(1, N + 2)]
    assert all(error > 1e-6 for error in apart[: N - 1]), apart
    assert all(error < 1e-10 for error in apart[N - 1 :]), apart


def test_it_keeps_what_n_hops_reach():
    """Counted by hand: a circle, and a readout that hears all of it."""
    given = task(network(CIRCLE))
    variables = 2 + 2  # of a neuron: V_m and spike, and two steps of what is on its way to it
    for n in range(1, N + 1):
        carry = SnAp(n).init(given.net, given.state, half_square, "weight")
        counts = np.asarray(carry.memory.entries.sum(axis=1))
        rows = [leaf.value.size for leaf in sx.leaves(carry.weights)]
        into = {
            leaf.path: c
            for leaf, c in zip(
                sx.leaves(carry.weights), np.split(counts, np.cumsum(rows)[:-1]), strict=True
            )
        }
        assert set(into["edges.E->out.weight"]) == {1}
        assert set(into["edges.in->E.weight"]) == {n * variables + N_OUT}
        assert set(into["edges.circle.weight"]) == {n * variables + N_OUT}


def chain(delay):
    """in -> A -> B -> out."""
    lif = sx.LIF(I_e=120 * pA, t_ref=2 * ms)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "A": sx.Population(lif, N),
            "E": sx.Population(lif, N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            sx.Projection("in", "A", "delta", sx.all_to_all(), sx.Normal(2 * mV, 1 * mV), delay),
            sx.Projection("A", "E", "delta", sx.all_to_all(), sx.Normal(2 * mV, 1 * mV), delay),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0), 1 * ms),
        ],
    )


def test_layers_within_a_step_are_no_hops(x64):
    given = task(chain(None))
    found = gradient(SnAp(), given.net, given.state, *data(given))
    assert_alive(given, found)
    assert difference(found, backward(given)) < 1e-10
    assert all(entry.exact for entry in explain(given.net, SnAp()))


# What it says, what it refuses.


@pytest.mark.smoke
def test_it_is_registered():
    assert registry().records(LearningRule)["snap"].load() is SnAp


def told(net, n, train="weight"):
    return {entry.path: entry.exact for entry in explain(net, SnAp(n), train)}


def test_it_tells_what_is_exact():
    net = network(CIRCLE).build(dt=1 * ms)
    everything = dict.fromkeys(told(net, N), True)
    assert told(net, N) == everything
    assert told(net, N - 1) == everything | {
        "edges.in->E.weight": False,
        "edges.circle.weight": False,
    }
    assert told(net, 1, "nodes.E.*_m") == {"nodes.E.C_m": True, "nodes.E.tau_m": False}


def test_a_weight_that_no_hops_lead_from_to_the_loss_is_refused():
    net = chain(1 * ms).build(dt=1 * ms)
    with pytest.raises(
        ConfigError, match=r"SnAp\(n=1.* would leave out edges\.in->A\.weight: from 'A'"
    ):
        SnAp().init(net, net.init_state(), half_square)
    with pytest.raises(ConfigError, match="there is no way of 0 hops"):
        explain(net, SnAp())
    assert all(told(net, 2).values())
    assert told(net, 1, sx.weights("A->E")) == {"edges.A->E.weight": True}


class Mean(sx.System):
    """A population whose neurons are not independent: each sends the mean of what arrives."""

    ports = {"delta": sx.Port(mV)}
    signals = {"spike": UNITLESS}

    def init_state(self, size, *, key, dt):
        return jnp.zeros(size)

    def update(self, state, inputs, *, t, dt):
        return jnp.full_like(state, inputs["delta"].mean())

    def read(self, state, name):
        return state


def test_what_belongs_to_no_neuron_is_refused():
    plain = network()
    plastic = sx.Projection(
        *("E", "E", "delta", sx.all_to_all(), sx.each(1 * mV), 1 * ms),
        plasticity=sx.PairSTDP(w_max=2 * mV),
    )
    mean = sx.Network(plain.populations | {"E": sx.Population(Mean(), N)}, plain.projections)
    for net, message in (
        (network(plastic), "edge 'E->E' is plastic: its variables belong to synapses"),
        (mean, r"population 'E' are of: it is Mean\(\), a System that is not a Dynamics"),
    ):
        built = net.build(dt=1 * ms)
        with pytest.raises(ConfigError, match=message):
            SnAp().init(built, built.init_state(), half_square, sx.weights("in->E"))
        with pytest.raises(ConfigError, match=message):
            explain(built, SnAp(), sx.weights("in->E"))


def test_no_steps_are_refused():
    with pytest.raises(ConfigError, match="n is 0 steps"):
        SnAp(0)
