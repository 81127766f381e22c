"""Gap junctions: currents by the difference of two potentials, both taken at t."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, UnitError, UnknownNameError
from spikax.units import ms, mV, nS, pA, pF

pytestmark = pytest.mark.usefixtures("x64")
TAU, C, G, REST, T = 20.0, 200.0, 3.0, -65.0, 12.0


def passive(V):
    """Membranes that start at `V` and never reach a threshold."""
    V = np.atleast_1d(V)
    # Else the surrogate of spikes that never come would be part of the gradient.
    model = sx.LIF(
        tau_m=TAU * ms,
        C_m=C * pF,
        E_L=REST * mV,
        V_reset=REST * mV,
        V_th=1e3 * mV,
        V_init=V * mV,
        detach_reset=True,
    )
    return sx.Population(model, len(V))


def ends(net, dt, weight=None):
    """The potentials at T of all populations, one after the other."""
    model = net.build(dt=dt * ms, seed=3)
    picked, rest = sx.select(model, sx.weights())
    picked = picked if weight is None else jax.tree.map(lambda w: w * 0 + weight, picked)
    model = sx.merge(picked, rest)
    state, _ = sx.simulate(model, model.init_state(), T * ms)
    return jnp.concatenate([state.nodes[n].V_m for n in net.populations])


def two_populations(**more):
    junction = sx.gap_junction("a", "b", sx.one_to_one(), G * nS, **more)
    return sx.Network({"a": passive(-50.0), "b": passive(-60.0)}, [junction])


def one_population(rule):
    return sx.Network({"a": passive([-50.0, -60.0])}, [sx.gap_junction("a", "a", rule, G * nS)])


def closed_form():
    """Sum and difference of the two, each with its own time constant."""
    a, b = -50.0 - REST, -60.0 - REST
    total = (a + b) * np.exp(-T / TAU)
    difference = (a - b) * np.exp(-T * (1 / TAU + 2 * G / C))
    return REST + np.array([total + difference, total - difference]) / 2


NETWORKS = {
    "two populations": two_populations(),
    "each pair": one_population(sx.all_to_all()),
    "symmetric rule": one_population(sx.symmetric_pairwise_bernoulli(1.0)),
    "a list, one order": one_population(sx.explicit([1], [0])),
    "a list, both orders": one_population(sx.explicit([1, 0], [0, 1])),
}


@pytest.mark.parametrize("net", NETWORKS.values(), ids=NETWORKS)
def test_two_membranes_relax_as_the_closed_form(net):
    """The current is that at t, held for a step: of order one, and exact in the limit."""
    coarse, fine = ends(net, 0.2), ends(net, 0.1)
    errors = [np.abs(V - closed_form()).max() for V in (coarse, fine)]
    assert 1.9 < errors[0] / errors[1] < 2.1
    assert np.abs(2 * fine - coarse - closed_form()).max() < 0.02 * errors[1]


def test_a_rectifying_junction_acts_one_way():
    V = np.asarray(ends(two_populations(symmetric=False), 0.1))
    assert V[0] == pytest.approx(REST + 15 * np.exp(-T / TAU), rel=1e-12)
    assert abs(V[1] - closed_form()[1]) > 0.05


def dense(edge, n_pre, n_post, values=None):
    """The conductances of an edge as a matrix."""
    values = edge.weight if values is None else values
    total = np.zeros((n_pre, n_post))
    source = np.asarray(edge.format.pre_values(jnp.arange(n_pre)))
    np.add.at(total, (source, np.asarray(edge.format.targets)), np.asarray(values))
    return total


N, M = 7, 4
RANDOM = sx.Uniform(1 * nS, 5 * nS)
CASES = {
    "bernoulli": ("a", sx.pairwise_bernoulli(0.4), RANDOM),
    "symmetric": ("a", sx.symmetric_pairwise_bernoulli(0.5), RANDOM),
    "multapses": ("a", sx.fixed_indegree(3), RANDOM),
    "two populations": ("b", sx.pairwise_bernoulli(0.5), RANDOM),
    "two, all": ("b", sx.all_to_all(), RANDOM),
    "a list": ("a", sx.explicit([3, 0, 6, 2], [1, 2, 0, 6]), np.arange(1.0, 5.0) * nS),
    "two, a list": ("b", sx.explicit([3, 0, 6, 2], [1, 2, 0, 3]), np.arange(1.0, 5.0) * nS),
    "two, a matrix": ("b", sx.all_to_all(), np.arange(1.0, 1 + N * M).reshape(N, M) * nS),
}


@pytest.mark.parametrize(("other", "rule", "weight"), CASES.values(), ids=CASES)
def test_junctions_are_the_same_both_ways_and_conserve_current(other, rule, weight):
    rng = np.random.default_rng(0)
    sizes = {"a": N, "b": M}
    net = sx.Network(
        {n: passive(rng.uniform(-70, -40, k)) for n, k in sizes.items()},
        [sx.gap_junction("a", other, rule, weight)],
    )
    model = net.build(dt=0.1 * ms, seed=5)
    there = dense(model.edges[f"a->{other}"], N, sizes[other])
    back = dense(model.edges[f"{other}->a"], sizes[other], N)
    assert np.array_equal(there, back.T)
    assert np.count_nonzero(there) > 3
    V = {n: model.nodes[n].V_init for n in sizes}
    flows = [
        edge.update(edge.init_state(), {"V_m": V[edge.pre]}, {"V_m": V[edge.post]}, {}, t=0, dt=0.1)
        for edge in model.edges.values()
    ]
    currents = np.concatenate([arrived for _, arrived in flows])
    assert abs(currents.sum()) < 1e-12 * np.abs(currents).sum()
    expected = there.T @ V["a"] - there.sum(0) * V[other]
    assert np.allclose(flows[0][1], expected, rtol=1e-12, atol=1e-11)


def test_small_differences_survive_single_precision():
    """Potentials of -65 mV that differ by microvolts, on a thousand junctions of one neuron."""
    with jax.enable_x64(False):
        V = np.float32(-65 + 1e-3 * np.random.default_rng(0).random(1001))
        net = sx.Network(
            {"a": passive(V[:1000]), "b": passive(V[1000:])},
            [sx.gap_junction("a", "b", sx.all_to_all(), 1 * nS, symmetric=False)],
        )
        edge = net.build(dt=0.1 * ms).edges["a->b"]
        ends = ({"V_m": jnp.asarray(v)} for v in (V[:1000], V[1000:]))
        _, arrived = edge.update(edge.init_state(), *ends, {}, t=0, dt=0.1)
    exact = (V[:1000].astype(float) - float(V[1000])).sum()
    assert float(arrived[0]) == pytest.approx(exact, rel=1e-5)


def test_a_symmetric_projection_has_the_same_delays_both_ways():
    """Not of gap junctions alone: any synapses, with what is drawn for each."""
    delay = sx.Uniform(0.1 * ms, 2 * ms)
    net = sx.Network(
        {"a": passive(np.full(N, REST)), "b": passive(np.full(M, REST))},
        [
            sx.Projection(
                "a", "b", "delta", sx.pairwise_bernoulli(0.6), 1 * mV, delay, symmetric=True
            )
        ],
    )
    edges = net.build(dt=0.1 * ms).edges
    pairs = [
        dense(e, n, m, e.delays) for e, n, m in zip(edges.values(), (N, M), (M, N), strict=True)
    ]
    assert list(edges) == ["a->b", "b->a"]
    assert len(np.unique(pairs[0])) > 5
    assert np.array_equal(pairs[0], pairs[1].T)


def test_a_pair_is_joined_once_whatever_the_rule():
    net = sx.Network(
        {"a": passive(np.full(N, REST))},
        [sx.gap_junction("a", "a", sx.symmetric_pairwise_bernoulli(1.0), 2 * nS)],
    )
    edge = net.build(dt=0.1 * ms).edges["a->a"]
    assert edge.format.n_synapses == N * (N - 1)


@pytest.mark.parametrize("net", [two_populations(), one_population(sx.all_to_all())])
def test_gradient_by_the_weight_is_the_finite_difference(net):
    def loss(g):
        return jnp.sum(ends(net, 0.5, g) ** 2 * jnp.array([1.0, 0.3]))

    width = 1e-5
    difference = (loss(G + width) - loss(G - width)) / (2 * width)
    reverse = jax.grad(loss)(G)
    forward = jax.jvp(loss, (G,), (1.0,))[1]
    assert np.isclose(reverse, difference, rtol=1e-7)
    assert np.isclose(reverse, forward, rtol=1e-12)


def test_potentials_diffuse_into_a_potential():
    """The weight's unit is that of the port over that of the signal: here a plain number."""
    projection = sx.Projection(
        "a", "b", "delta", sx.one_to_one(), 0.25, signal="V_m", diffusive=True
    )
    net = sx.Network({"a": passive(-50.0), "b": passive(-60.0)}, [projection])
    model = net.build(dt=1 * ms)
    state, _ = sx.simulate(model, model.init_state(), 1 * ms)
    expected = REST + 5 * np.exp(-1 / TAU) + 2.5
    assert float(state.nodes["b"].V_m[0]) == pytest.approx(expected, rel=1e-12)


class Channels(sx.Dynamics):
    """Has a potential and a port of two channels."""

    ports = {"syn": sx.Port(pA, ("a", "b"))}

    class State(sx.State):
        V_m: jax.Array = sx.cell(mV)

    def update(self, state, inputs, *, t, dt):
        return self.State(V_m=state.V_m + 0 * inputs["syn"][0])


class Bare(sx.Dynamics):
    """Calls a current V_m."""

    ports = {"current": sx.Port(pA)}

    class State(sx.State):
        V_m: jax.Array = sx.cell(pA)

    def update(self, state, inputs, *, t, dt):
        return state


def joined(post=None, weight=G * nS, port="current", **more):
    a, b = passive(-50.0), post or passive(-60.0)
    more = {"signal": "V_m", "diffusive": True} | more
    return sx.Network(
        {"a": a, "b": b}, [sx.Projection("a", "b", port, sx.one_to_one(), weight, **more)]
    )


WRONG = {
    "a delay": (lambda: joined(delay=1 * ms), ConfigError, "has a delay of .*; leave it out"),
    "delays": (lambda: joined(delay=RANDOM), ConfigError, "leave it out: both ends are read at t"),
    "weight": (lambda: joined(weight=G * pA), UnitError, "weight of edge 'a->b' needs .* nS"),
    "port": (lambda: joined(port="delta"), UnitError, "needs a plain number"),
    "no signal": (
        lambda: joined(sx.Population(sx.Relay(), 1), port="spike", weight=1 / mV),
        UnknownNameError,
        "signal of population 'b' 'V_m'",
    ),
    "units": (
        lambda: joined(sx.Population(Bare(), 1)),
        UnitError,
        r"a\.V_m is in mV and b\.V_m in pA",
    ),
    "channels": (
        lambda: joined(sx.Population(Channels(), 1), port="syn"),
        ConfigError,
        r"one channel of port 'syn'; name it, 'syn\.a'",
    ),
}


@pytest.mark.parametrize(("make", "error", "match"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_named_channel_takes_a_junction():
    model = joined(sx.Population(Channels(), 1), port="syn.b").build(dt=1 * ms)
    edge = model.edges["a->b"]
    arrived = edge.update(
        edge.init_state(), {"V_m": jnp.array([2.0])}, {"V_m": jnp.array([1.0])}, {}, t=0, dt=1.0
    )[1]
    assert edge.channel == 1
    assert np.array_equal(edge.at_ports(arrived)["syn"], [G])
