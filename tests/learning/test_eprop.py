"""E-prop against backpropagation with cut recurrence, the textbook's formula, and itself.

The oracle differentiates `simulate` of the same network, in which the signals of all edges but
those to the readout pass through `stop_gradient`.
"""

import functools
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import spikax as sx
from spikax import Edge
from spikax._component import rebuild
from spikax.errors import ConfigError
from spikax.testing import count_compilations
from spikax.units import ms, mV, nS, pA
from spikax_learning import DRTRL, EProp

N_IN, N, N_OUT, T = 8, 12, 2, 40
RULE = EProp()


def half_square(y, target):
    return ((y - target) ** 2).sum() / 2


# Networks: between them every port, format, delay and reset. A rate of 1 to 50 % is tested.


def network(neuron, *projections, readout="input", readout_delay=None, **population):
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(neuron, N, **population),
            "out": sx.Population(sx.LeakyReadout(20 * ms), N_OUT),
        },
        [
            *projections,
            sx.Projection(
                "E", "out", readout, sx.all_to_all(), sx.Normal(0.0, 1.0), delay=readout_delay
            ),
        ],
    )


def from_inputs(port, rule, weight, delay=1 * ms):
    return sx.Projection("in", "E", port, rule, weight, delay)


def recurrent(port, rule, weight, delay, **more):
    return sx.Projection("E", "E", port, rule, weight, delay, **more)


def delta():
    """Jumps of the potential; dense, one step of delay, hard reset, refractory."""
    return network(
        sx.LIF(I_e=80 * pA, t_ref=2 * ms),
        from_inputs("delta", sx.all_to_all(), sx.Normal(1.5 * mV, 1 * mV)),
        recurrent("delta", sx.all_to_all(), sx.Normal(0 * mV, 1 * mV), 1 * ms),
    )


def current():
    """Exponential currents; sparse, inputs within the step, three steps of delay, soft reset."""
    return network(
        sx.Cell(sx.LIF(I_e=80 * pA, t_ref=0 * ms, reset="soft"), syn=_receptor(sx.CUBA())),
        from_inputs("syn", sx.pairwise_bernoulli(0.5), sx.Normal(60 * pA, 30 * pA), None),
        recurrent("syn", sx.pairwise_bernoulli(0.4), sx.Normal(0 * pA, 40 * pA), 3 * ms),
    )


def conductance():
    """Conductances; a delay for each synapse, fixed fan-out, two receptors, a delayed readout."""
    cell = sx.Cell(
        sx.LIF(I_e=60 * pA, t_ref=3 * ms),
        exc=_receptor(sx.COBA(0 * mV)),
        inh=_receptor(sx.COBA(-80 * mV)),
    )
    delays = sx.Uniform(1 * ms, 5 * ms)
    return network(
        cell,
        from_inputs("exc", sx.all_to_all(), sx.Uniform(0 * nS, 6 * nS), delays),
        recurrent("exc", sx.fixed_outdegree(5), sx.Uniform(0 * nS, 4 * nS), delays, name="rec"),
        recurrent("inh", sx.pairwise_bernoulli(0.3), sx.Uniform(0 * nS, 4 * nS), 2 * ms, name="i"),
        readout_delay=2 * ms,
    )


def adaptive():
    """Adaptation, depressing synapses, two ports at once, one weight for all synapses."""
    cell = sx.Cell(sx.ALIF(I_e=80 * pA), fast=_receptor(sx.CUBA()), slow=_receptor(sx.CUBA(), 30))
    ports = {"fast": 1.0, "slow": 0.3}
    return network(
        cell,
        from_inputs(ports, sx.pairwise_bernoulli(0.5), 40 * pA, sx.Uniform(1 * ms, 4 * ms)),
        recurrent("fast", sx.all_to_all(), 10 * pA, 2 * ms, signal="stp", name="rec"),
        readout={"input": 0.5},
        release={"stp": sx.STP(U=0.5, tau_d=50 * ms)},
    )


def computed(weight=1.5 * mV):
    """Procedural synapses, of which none is stored: one weight, a table of delays."""
    delays = sx.Uniform(1 * ms, 4 * ms)
    return network(
        sx.LIF(I_e=80 * pA),
        from_inputs("delta", sx.procedural(sx.fixed_outdegree(6)), weight, delays),
        recurrent("delta", sx.procedural(sx.fixed_outdegree(5)), 0.3 * mV, 2 * ms),
    )


def textbook():
    """The neuron of the textbook: a leak, jumps, a soft reset that carries no gradient."""
    return network(
        sx.LIF(I_e=80 * pA, t_ref=0 * ms, reset="soft", detach_reset=True),
        from_inputs("delta", sx.all_to_all(), sx.Normal(1.5 * mV, 1 * mV)),
        recurrent("delta", sx.all_to_all(), sx.Normal(0 * mV, 1 * mV), 1 * ms),
    )


def feed_forward():
    return network(
        sx.LIF(I_e=80 * pA), from_inputs("delta", sx.all_to_all(), sx.Normal(1.5 * mV, 1 * mV))
    )


def _receptor(coupling, tau=5):
    return sx.Receptor(sx.Expon(tau * ms), coupling)


# The oracle.


class CutEdge(Edge):
    """An edge through which no gradient passes."""

    def update(self, state, pre, post, mod, *, t, dt):
        return super().update(state, jax.lax.stop_gradient(pre), post, mod, t=t, dt=dt)


def with_cut_recurrence(net):
    edges = {
        name: edge if edge.post == "out" else rebuild(CutEdge, edge.__dict__)
        for name, edge in net.edges.items()
    }
    return net.replace(edges=edges)


class Backward(NamedTuple):
    loss: jax.Array
    gradients: sx.BuiltNetwork
    rate: jax.Array
    end: sx.NetworkState


@jax.jit
def bptt(net, state, spikes, targets):
    trained, fixed = sx.select(net, "weight")

    def loss(trained):
        inputs, record = {"in.spike": spikes}, {"out": "y", "E": "spike"}
        end, rec = sx.simulate(
            sx.merge(trained, fixed), state, len(spikes) * ms, inputs=inputs, record=record
        )
        total = jax.vmap(half_square)(rec["out.y"].values, targets).sum()
        return total, (rec["E.spike"].values.mean(), end)

    (total, (rate, end)), gradients = jax.value_and_grad(loss, has_aux=True)(trained)
    return Backward(total, gradients, rate, end)


def task(make, seed=1):
    """A built network with spikes to react to and targets to reach."""
    rng, net = np.random.default_rng(seed), make().build(dt=1 * ms, seed=seed)
    spikes = jnp.asarray(rng.random((T, N_IN)) < 0.15, dtype=float)
    targets = jnp.asarray(rng.normal(0, 3, (T, N_OUT)), dtype=float)
    return SimpleNamespace(net=net, state=net.init_state(), spikes=spikes, targets=targets)


def eprop(task, loss=half_square, train="weight"):
    inputs = {"in.spike": task.spikes}
    return RULE.gradient(task.net, task.state, inputs, task.targets, loss, train)


def by_path(gradients):
    return {leaf.path: np.asarray(leaf.value) for leaf in sx.leaves(gradients)}


def difference(a, b):
    """The largest difference of two gradients relative to the largest entry, over parameters."""
    a, b = by_path(a), by_path(b)
    assert a.keys() == b.keys()
    return max(np.abs(a[path] - b[path]).max() / np.abs(b[path]).max() for path in a)


@pytest.fixture(scope="module", params=[delta, current, conductance, adaptive, computed])
def solved(request):
    """Gradients by both ways from the middle of a run, where spikes are on their way."""
    with jax.enable_x64(True):
        given = task(request.param)
        cut = with_cut_recurrence(given.net)
        given.state = bptt(cut, given.state, given.spikes, given.targets).end
        oracle = bptt(cut, given.state, given.spikes, given.targets)
        loss, gradients = eprop(given)
        return SimpleNamespace(given=given, oracle=oracle, loss=loss, gradients=gradients)


# Equality.


def test_gradient_is_that_of_bptt_with_cut_recurrence(x64, solved):
    np.testing.assert_allclose(solved.loss, solved.oracle.loss, rtol=1e-12)
    assert difference(solved.gradients, solved.oracle.gradients) < 1e-10


def test_every_parameter_is_alive(solved):
    assert 0.01 < float(solved.oracle.rate) < 0.5
    for path, gradient in by_path(solved.oracle.gradients).items():
        assert np.abs(gradient).max() > 1e-3, path


def test_gradient_has_the_structure_of_what_was_selected(solved):
    trained, _ = sx.select(solved.given.net, "weight")
    assert jax.tree.structure(solved.gradients) == jax.tree.structure(trained)
    assert jax.tree.map(jnp.shape, solved.gradients) == jax.tree.map(jnp.shape, trained)


def test_without_recurrence_it_is_plain_bptt(x64):
    given = task(feed_forward)
    plain = bptt(given.net, given.state, given.spikes, given.targets)
    assert 0.01 < plain.rate < 0.5
    assert difference(eprop(given)[1], plain.gradients) < 1e-10


def test_a_table_of_weights_has_no_synapse_to_learn():
    with pytest.raises(ConfigError, match="in->E is procedural"):
        eprop(task(lambda: computed(sx.Normal(1.5 * mV, 1 * mV))))


@pytest.mark.parametrize("edge", ["in->E", "E->out"])
def test_one_edge_alone_learns_as_among_others(x64, edge):
    given = task(feed_forward)
    _, alone = eprop(given, train=sx.weights(edge))
    together = by_path(eprop(given)[1])
    assert list(by_path(alone)) == [f"edges.{edge}.weight"]
    for path, gradient in by_path(alone).items():
        np.testing.assert_allclose(gradient, together[path], rtol=1e-12)


def test_recurrence_is_what_is_left_out(x64):
    given = task(delta)
    whole = by_path(bptt(given.net, given.state, given.spikes, given.targets).gradients)
    gradients = by_path(eprop(given)[1])
    exact = [path for path, g in whole.items() if np.allclose(g, gradients[path], rtol=1e-10)]
    assert exact == ["edges.E->out.weight"]


# The readout's filter.


def test_without_the_filter_of_the_readout_it_is_wrong(x64):
    given = task(feed_forward)
    expected = by_path(bptt(given.net, given.state, given.spikes, given.targets).gradients)
    unfiltered = DRTRL(filtered=False).gradient(
        given.net, given.state, {"in.spike": given.spikes}, given.targets, half_square
    )
    found = by_path(unfiltered[1])
    errors = {p: np.abs(found[p] - g).max() / np.abs(g).max() for p, g in expected.items()}
    assert errors["edges.in->E.weight"] > 0.1
    assert errors["edges.E->out.weight"] < 1e-10


# The textbook's formula, in NumPy and without any Jacobian.


def filtered(x, decay):
    """y(t) = decay y(t - 1) + x(t)."""
    y = np.zeros_like(x)
    for t in range(len(x)):
        y[t] = (decay * y[t - 1] if t else 0) + x[t]
    return y


@pytest.fixture(scope="module")
def lessons():
    """A run of the textbook's neuron: what was seen, and the gradients of e-prop."""
    with jax.enable_x64(True):
        given = task(textbook)
        inputs, record = {"in.spike": given.spikes}, {"E": ["spike", "V_m"], "out": "y"}

        @jax.jit
        def run(net, state):
            return sx.simulate(net, state, T * ms, inputs=inputs, record=record)[1]

        seen = {path: np.asarray(s.values) for path, s in run(given.net, given.state).items()}
        return given, seen, by_path(eprop(given)[1])


def textbook_gradients(given, seen, sent):
    """G_ij = sum_t L_j F_kappa(psi_j z_bar_i), z_bar a trace of what was sent a step before."""
    lif, readout = given.net.nodes["E"], given.net.nodes["out"]
    alpha, kappa = np.exp(-1 / lif.tau_m), np.exp(-1 / readout.tau)
    V = seen["E.V_m"] + seen["E.spike"] * (lif.V_th - lif.V_reset)
    psi = 1 / (1 + 10 * np.abs((V - lif.V_th) / lif.width)) ** 2 / lif.width
    z_bar = filtered(np.concatenate([np.zeros_like(sent[:1]), sent[:-1]]), alpha)
    e_bar = filtered(psi[:, None, :] * z_bar[:, :, None], kappa)
    error = seen["out.y"] - given.targets
    signal = error @ given.net.edges["E->out"].weight.T
    return np.einsum("tj,tij->ij", signal, e_bar), np.einsum(
        "tk,tj->jk", error, filtered(seen["E.spike"], kappa)
    )


def test_it_is_the_textbooks_rule(x64, lessons):
    given, seen, gradients = lessons
    assert 0.01 < seen["E.spike"].mean() < 0.5
    from_in, out = textbook_gradients(given, seen, np.asarray(given.spikes))
    between, _ = textbook_gradients(given, seen, seen["E.spike"])
    np.testing.assert_allclose(gradients["edges.in->E.weight"], from_in, rtol=1e-10)
    np.testing.assert_allclose(gradients["edges.E->E.weight"], between, rtol=1e-10)
    np.testing.assert_allclose(gradients["edges.E->out.weight"], out, rtol=1e-10)


# Step by step.


def test_steps_sum_to_the_gradient_of_the_run(lessons):
    given, seen, gradients = lessons
    with jax.enable_x64(True):
        carry, step = RULE.init(given.net, given.state, half_square), jax.jit(RULE.step)
        for t in range(T):
            carry, metrics = step(carry, {"in.spike": given.spikes[t]}, given.targets[t])
        np.testing.assert_allclose(metrics["y"], seen["out.y"][-1], rtol=1e-12)
    for path, gradient in by_path(carry.gradients).items():
        np.testing.assert_allclose(gradient, gradients[path], rtol=1e-12)


def test_a_batch_is_its_members(lessons):
    given, _, gradients = lessons
    with jax.enable_x64(True):

        def of(spikes):
            return eprop(SimpleNamespace(**vars(given) | {"spikes": spikes}))[1]

        batch = jax.vmap(of)(jnp.stack([given.spikes, 0 * given.spikes]))
    for path, gradient in by_path(batch).items():
        np.testing.assert_allclose(gradient[0], gradients[path], rtol=1e-10)
        assert not np.allclose(gradient[1], gradients[path])


def test_a_learner_lowers_its_loss():
    """Online, in float32: Adam changes the weights after every step of a stream."""
    given, adam = task(delta), optax.adam(0.003)
    targets = jnp.broadcast_to(jnp.asarray([[2.0, -1.0]]), (T, N_OUT))

    def step(learner, row):
        carry, memory = learner
        carry, metrics = RULE.step(carry, {"in.spike": row[0]}, row[1])
        with jax.numpy_dtype_promotion("standard"):  # what optax needs
            updates, memory = adam.update(carry.gradients, memory)
        return (carry.learned(optax.apply_updates(carry.weights, updates)), memory), metrics["loss"]

    carry = RULE.init(given.net, given.state, half_square)
    learner, stream, losses = (carry, adam.init(carry.weights)), (given.spikes, targets), []
    scan = jax.jit(lambda learner: jax.lax.scan(step, learner, stream))
    for _ in range(10):
        learner, rows = scan(learner)
        losses.append(float(rows.mean()))
    assert losses[-1] < losses[0] / 10, losses


# Cost.


def temporary_bytes(gradient, given, steps):
    rows = [jax.ShapeDtypeStruct((steps, n), given.spikes.dtype) for n in (N_IN, N_OUT)]
    compiled = jax.jit(gradient).lower(given.net, given.state, *rows).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_memory_does_not_grow_with_the_run():
    def online(net, state, spikes, targets, chunk=20):
        rule = EProp(chunk=chunk)
        return rule.gradient(net, state, {"in.spike": spikes}, targets, half_square)

    given = task(feed_forward)
    short, long = (temporary_bytes(online, given, steps) for steps in (100, 100_000))
    assert long <= 1.01 * short
    chosen = functools.partial(online, chunk=None)
    assert temporary_bytes(chosen, given, 1_000_000) < 200e6
    backwards = [temporary_bytes(bptt, given, steps) for steps in (1_000, 10_000)]
    assert backwards[1] > 9 * backwards[0]


def test_other_weights_and_targets_compile_nothing():
    given = task(feed_forward)
    eprop(given)
    other = SimpleNamespace(**vars(given) | {"targets": jnp.zeros_like(given.targets)})
    with count_compilations() as seen:
        eprop(other)
    assert seen.count == 0
