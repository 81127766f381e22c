"""How near the gradients of rules are to those of backpropagation through time."""

import jax
import numpy as np
import pytest
from learning_networks import backwards, delta, gradient, half_square, network, task

import spikax as sx
from spikax.units import ms, mV, pA
from spikax_learning import DRTRL, OTTT, EProp, PPProp, Random, compare_gradients

pytestmark = pytest.mark.usefixtures("x64")

IN, BACK, OUT = (f"edges.{name}.weight" for name in ("in->E", "E->E", "E->out"))
RULES = {"D-RTRL": DRTRL(), "pp-prop": PPProp(), "random": EProp(feedback=Random(seed=1))}
NEURON = sx.LIF(I_e=80 * pA, t_ref=2 * ms)


def compared(given, rules=RULES, **more):
    """The comparison of one run, and its entries by rule and path."""
    batch = {"in.spike": given.spikes[None]}, given.targets[None]
    found = compare_gradients(given.net, rules, batch, half_square, **more)
    return found, {(c.rule, c.path): c for c in found}


@pytest.fixture(scope="module")
def forward():
    with jax.enable_x64(True):
        yield compared(task(network(NEURON, delta("in", "E", 2 * mV))))


@pytest.fixture(scope="module")
def recurrent():
    with jax.enable_x64(True):
        edges = delta("in", "E", 2 * mV), delta("E", "E", delay=3 * ms)
        yield compared(task(network(NEURON, *edges)))


def test_without_recurrence_the_exact_rule_is_backpropagation(forward):
    _, found = forward
    for path in (IN, OUT):
        assert abs(found["D-RTRL", path].cosine - 1) < 1e-10
        assert abs(found["D-RTRL", path].ratio - 1) < 1e-10
    assert found["pp-prop", IN].cosine < 1 - 1e-6


def test_with_recurrence_only_the_readout_is_exact(recurrent):
    _, found = recurrent
    for path in (IN, BACK):
        assert 0.3 < found["D-RTRL", path].cosine < 1 - 1e-4
        assert found["random", path].cosine < found["pp-prop", path].cosine < 1
    assert abs(found["D-RTRL", OUT].cosine - 1) < 1e-10


def test_figures_are_those_of_gradients_formed_apart_and_summed():
    net = network(NEURON, delta("in", "E", 2 * mV), delta("E", "E"))
    runs = [task(net, seed=1), task(net, seed=2)]
    runs[1].net = runs[0].net  # the same weights
    mine, truth = (summed(map(of_run, runs)) for of_run in (of_ottt, backwards))
    batch = {"in.spike": np.stack([r.spikes for r in runs])}, np.stack([r.targets for r in runs])
    for entry in compare_gradients(runs[0].net, {"OTTT": OTTT()}, batch, half_square):
        a, b = mine[entry.path], truth[entry.path]
        sizes = np.linalg.norm(a), np.linalg.norm(b)
        assert entry.cosine == pytest.approx((a * b).sum() / (sizes[0] * sizes[1]), rel=1e-10)
        assert entry.ratio == pytest.approx(sizes[0] / sizes[1], rel=1e-10)


def of_ottt(given):
    return gradient(OTTT(), given)


def summed(gradients):
    first, second = gradients
    return {path: first[path] + second[path] for path in first}


def test_what_has_no_gradient_has_no_angle():
    given = task(network(sx.LIF(), delta("in", "E", 0 * mV, 0 * mV)))  # silent
    _, found = compared(given, {"D-RTRL": DRTRL()}, train=sx.weights("E->out"))
    assert np.isnan(found["D-RTRL", OUT].cosine)


def test_a_comparison_prints_as_a_table(recurrent):
    table, found = recurrent
    lines = str(table).splitlines()
    assert len(lines) == 1 + len(RULES) * 3
    assert lines[0].split() == ["rule", "parameter", "cosine", "norm", "ratio"]
    assert f"{found['pp-prop', IN].cosine:.4f}" in str(table)
    assert table.cosine("pp-prop", IN) == found["pp-prop", IN].cosine
