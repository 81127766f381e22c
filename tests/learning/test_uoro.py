"""UORO is RTRL on average: a mean over many seeds."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import spikax as sx
from spikax.plugins import LearningRule, registry
from spikax.units import ms, mV, pA
from spikax_learning import RTRL, UORO, explain

N_IN, N, T, SEEDS = 2, 3, 12, 100_000


def half_square(V, target):
    """Of all potentials; a target above them all lets the errors of the steps add up."""
    return ((V - target) ** 2).sum() / 2


half_square.reads = "E.V_m"


@pytest.fixture(scope="module")
def given():
    """A recurrent network of three neurons with two steps of delay."""
    network = sx.Network(
        {
            "in": sx.Population(sx.Relay(), N_IN),
            "E": sx.Population(sx.LIF(I_e=150 * pA, t_ref=2 * ms), N),
            "out": sx.Population(sx.LeakyReadout(20 * ms), 1),
        },
        [
            sx.Projection("in", "E", "delta", sx.all_to_all(), sx.Normal(4 * mV, 1 * mV), 1 * ms),
            sx.Projection("E", "E", "delta", sx.all_to_all(), sx.Normal(0 * mV, 3 * mV), 2 * ms),
            sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0.0, 1.0)),
        ],
    )
    with jax.enable_x64(True):
        net, rng = network.build(dt=1 * ms, seed=1), np.random.default_rng(0)
        return SimpleNamespace(
            net=net,
            state=net.init_state(),
            inputs={"in.spike": jnp.asarray(1.0 * (rng.random((T, N_IN)) < 0.5))},
            targets=jnp.full((T, N), -40.0),
        )


def moving(leaf):
    """Weights into neurons and time constants."""
    return leaf.path.endswith(("->E.weight", "tau_m"))


def gradient(rule, given):
    data = given.net, given.state, given.inputs, given.targets
    return ravel_pytree(rule.gradient(*data, half_square, moving)[1])[0]


def estimates(given):
    """By seed, (SEEDS, P)."""

    @jax.jit
    def of(seeds):
        return jax.lax.map(lambda s: gradient(UORO(s), given), seeds, batch_size=10_000)

    return np.asarray(of(jnp.arange(SEEDS)))


@pytest.fixture(scope="module")
def exact(given):
    with jax.enable_x64(True):
        return np.asarray(jax.jit(lambda: gradient(RTRL(), given))())


# On average.


def test_its_mean_over_seeds_is_rtrl(x64, given, exact):
    record = {"E": "spike"}
    run = jax.jit(lambda s: sx.simulate(given.net, s, T * ms, inputs=given.inputs, record=record))
    assert 0.01 < run(given.state)[1]["E.spike"].values.mean() < 0.5
    found = estimates(given)
    error = found.std(axis=0, ddof=1) / np.sqrt(SEEDS)
    assert np.all(error > 0)
    assert np.linalg.norm(error) < 0.05 * np.linalg.norm(exact)  # so the mean says something
    assert np.abs((found.mean(axis=0) - exact) / error).max() < 3


def test_without_signs_it_is_biased(x64, given, exact, monkeypatch):
    monkeypatch.setattr("jax.random.rademacher", lambda key, shape, dtype: jnp.ones(shape, dtype))
    found = np.asarray(jax.jit(lambda: gradient(UORO(), given))())
    assert np.linalg.norm(found - exact) > 0.5 * np.linalg.norm(exact)


# Step by step.


def test_steps_sum_to_the_estimate_of_the_run(x64, given):
    rule = UORO(seed=4)
    arguments = given.net, given.state
    carry = rule.init(*arguments, half_square, moving)
    assert carry.memory.left.shape == (N_IN + 2 * N + 1 + 2 * N,)  # spikes, potentials, y, ring
    assert carry.memory.right.shape == (N_IN * N + N * N + 1,)
    step = jax.jit(rule.step)
    for t in range(T):
        carry, metrics = step(carry, {"in.spike": given.inputs["in.spike"][t]}, given.targets[t])
    np.testing.assert_allclose(metrics["y"], given.net.read(carry.state, "E.V_m"))
    same, other = jax.jit(lambda seeds: jax.lax.map(lambda s: gradient(UORO(s), given), seeds))(
        jnp.array([4, 5])
    )
    found = ravel_pytree(carry.gradients)[0]
    np.testing.assert_allclose(found, same, rtol=1e-10, atol=1e-12)
    assert not np.allclose(found, other)


# What it says.


@pytest.mark.smoke
def test_it_is_registered():
    assert registry().records(LearningRule)["uoro"].load() is UORO


def test_every_parameter_is_exact_on_average_alone(given):
    told = explain(given.net, UORO(), moving)
    assert {entry.path for entry in told} == {
        "nodes.E.tau_m",
        "edges.in->E.weight",
        "edges.E->E.weight",
    }
    assert all(not entry.exact and "on average" in entry.why for entry in told)
