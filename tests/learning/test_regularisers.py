"""Regularisers: formulas, finite differences, and the equality of the two forms where they meet."""

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import optax
import pytest

from spikax.errors import ConfigError, UnitError
from spikax.units import Hz, ms, mV
from spikax_learning import (
    l1_rate,
    rate_regulariser,
    running_rate_regulariser,
    silence_regulariser,
    sparsity_regulariser,
    voltage_regulariser,
    weight_regulariser,
)
from spikax_learning.regularisers import weight_penalty

RNG = np.random.default_rng(1)
SPIKES = jnp.asarray(RNG.random((50, 4)) < 0.1, float)
COUNTS = np.asarray(SPIKES).sum(0)
ONE_STEP = SPIKES[SPIKES.sum(1).argmax()]
V = jnp.asarray([-90.0, -70.0, -45.0])


def huber(x):
    return optax.huber_loss(jnp.float32(x))


CASES = {
    # NEST's numbers: rates in spikes per ms, 10 Hz = 0.01, c_reg = 300.
    "rate": (
        rate_regulariser("E", 10 * Hz, 300, dt=1 * ms),
        SPIKES,
        150 * ((COUNTS / 50 - 0.01) ** 2).sum(),
    ),
    "rate at another dt": (
        rate_regulariser("E", 0.01 / ms, 300, dt=0.5 * ms),
        SPIKES,
        150 * ((COUNTS / 25 - 0.01) ** 2).sum(),
    ),
    "running rate": (
        running_rate_regulariser("R", 10 * Hz, 300),
        jnp.asarray([0.02, 0.0, 0.01]),
        150 * 2 * 0.01**2,
    ),
    "voltage": (voltage_regulariser("E", -80 * mV, -50 * mV, 2), V, 10**2 + 5**2),
    "sparsity below": (sparsity_regulariser("E", COUNTS.mean() + 1, 3), SPIKES, 0),
    "sparsity near": (sparsity_regulariser("E", COUNTS.mean() - 0.5, 3), SPIKES, 3 * huber(0.5)),
    "sparsity far": (sparsity_regulariser("E", COUNTS.mean() - 2.5, 3), SPIKES, 3 * huber(2.5)),
    "silence": (
        silence_regulariser("E", 6, 3),
        SPIKES,
        3 * (np.maximum(6 - COUNTS, 0) ** 2).mean(),
    ),
    "l1": (l1_rate("E", 0.25), ONE_STEP, 0.25 * np.asarray(ONE_STEP).sum()),
}


@pytest.mark.parametrize(("loss", "y", "expected"), CASES.values(), ids=CASES)
def test_formula(loss, y, expected):
    assert not loss.takes_target
    np.testing.assert_allclose(loss(y, None), expected, rtol=2e-6)


@pytest.mark.parametrize(("loss", "y", "_"), CASES.values(), ids=CASES)
def test_gradient_is_that_of_finite_differences(x64, loss, y, _):
    y = jnp.asarray(y, jnp.float64) + 0.013  # off the corners
    jax.test_util.check_grads(lambda y: loss(y, None), (y,), 1, rtol=1e-5, atol=1e-6)


def test_the_cases_are_alive():
    assert (COUNTS < 6).any()
    assert (COUNTS > 0).any()
    assert ONE_STEP.sum() > 0
    alive = [n for n, (loss, y, _) in CASES.items() if (jax.grad(loss)(y + 0.013, None) != 0).any()]
    assert set(CASES) - set(alive) == {"sparsity below"}


def test_a_constant_rate_costs_the_same_in_both_forms(x64):
    """Over T steps of a running average that has settled, T times the form of a sequence."""
    rates = jnp.asarray([0.03, 0.0, 0.2])
    of_step = running_rate_regulariser("R", 10 * Hz, 7)(rates, None)
    of_run = rate_regulariser("E", 10 * Hz, 7, dt=1 * ms)(jnp.tile(rates, (20, 1)), None)
    np.testing.assert_allclose(of_step, of_run, rtol=1e-12)


def test_weight_regulariser_is_the_gradient_of_the_penalty(x64):
    weights = {"a": jnp.asarray([1.0, -2.0]), "b": jnp.asarray([[0.5]])}
    np.testing.assert_allclose(weight_penalty(weights, l1=0.1, l2=0.4), 0.35 + 0.2 * 5.25)
    gradients = jax.tree.map(jnp.ones_like, weights)
    rule = weight_regulariser(l1=0.1, l2=0.4)
    found, _ = rule.update(gradients, rule.init(weights), weights)
    expected = jax.grad(lambda w: weight_penalty(w, l1=0.1, l2=0.4))(weights)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, 1 + e), found, expected)
    decayed, _ = (t := optax.add_decayed_weights(0.4)).update(gradients, t.init(weights), weights)
    found, _ = weight_regulariser(l2=0.4).update(gradients, rule.init(weights), weights)
    jax.tree.map(np.testing.assert_allclose, found, decayed)


def test_misuse_is_named():
    with pytest.raises(UnitError, match="target rate"):
        rate_regulariser("E", 10, 1, dt=1 * ms)
    with pytest.raises(ConfigError, match="must be 0 or more"):
        l1_rate("E", -1)
    with pytest.raises(ConfigError, match="from -50 to -80 mV is empty"):
        voltage_regulariser("E", -50 * mV, -80 * mV, 1)
    with pytest.raises(ConfigError, match=r"Online rules.*running_rate_regulariser"):
        rate_regulariser("E", 10 * Hz, 1, dt=1 * ms)(SPIKES[0], None)
