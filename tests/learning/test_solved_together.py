"""Populations solved together within a step: rules that see through, and what others say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError
from spikax.units import Hz, ms
from spikax_learning import BPTT, DRTRL, RTRL, EProp, EventProp, SnAp

STEPS = 20


def network():
    """A few rate units among which everything acts within the step, and a readout."""
    feed = {"connectivity": sx.all_to_all(), "signal": "rate"}
    some = sx.each(sx.Normal(0, 0.2))
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), 3),
            "E": sx.Population(sx.RateUnit(), 4),
            "out": sx.Population(sx.LeakyReadout(), 2),
        },
        [
            sx.Projection("in", "E", "input", sx.all_to_all(), sx.each(sx.Normal(0 * Hz, 3 * Hz))),
            sx.Projection("E", "E", "input", weight=some, solve="fixed_point", **feed),
            sx.Projection("E", "out", "input", weight=sx.each(sx.Normal(0 / Hz, 1 / Hz)), **feed),
        ],
        fixed_point=sx.FixedPoint(tolerance=1e-12, max_iterations=40),
    ).build(dt=1 * ms, seed=2)


def loss(y, target):
    return ((y - target) ** 2).sum()


loss.reads = "out.y"


def gradient(rule):
    net = network()
    inputs = {"in.spike": jnp.asarray(np.random.default_rng(0).random((STEPS, 3)) < 0.5, float)}
    return rule.gradient(net, net.init_state(), inputs, jnp.ones((STEPS, 2)), loss, sx.weights())


def test_backwards_and_forwards_agree(x64):
    (value, back), (same, forward) = gradient(BPTT()), gradient(RTRL())
    np.testing.assert_allclose(value, same, rtol=1e-12)
    pairs = zip(jax.tree.leaves(back), jax.tree.leaves(forward), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-9)
        assert np.abs(a).max() > 0


@pytest.mark.parametrize("rule", [DRTRL(), EProp(), SnAp(1), EventProp()], ids=repr)
def test_rules_that_take_neurons_one_by_one_name_those_that_do_not(rule):
    with pytest.raises(ConfigError):
        gradient(rule)


@pytest.mark.parametrize("rule", [DRTRL(), EProp(), SnAp(1)], ids=repr)
def test_they_say_what_to_do(rule):
    with pytest.raises(ConfigError, match=r"BPTT\(\) or RTRL\(\)"):
        gradient(rule)
