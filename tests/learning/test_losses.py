"""Losses against optax, SciPy and closed forms, and what they refuse."""

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
import optax
import pytest
import scipy.special

from spikax.errors import ConfigError, ShapeError, UnitError
from spikax.units import ms, mV
from spikax_learning import (
    count_cross_entropy,
    count_mse,
    cross_entropy,
    first_spike_cross_entropy,
    first_spike_mse,
    l1_rate,
    max_cross_entropy,
    mse,
    rate_mse,
    squared_error,
    van_rossum,
    voltage_regulariser,
)
from spikax_learning.losses import first_spikes

RNG = np.random.default_rng(1)
Y, WANTED = jnp.asarray(RNG.normal(size=(2, 5)), float)
SERIES = jnp.asarray(RNG.normal(size=(7, 5)), float)
SPIKES = jnp.asarray(RNG.random((7, 5)) < 0.3, float)


def of_label(logits, label):
    return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.int32(label))


def nothing(label, n=5):
    return -scipy.special.log_softmax(np.zeros(n))[label]


# Formulas.

STEP_LOSSES = {
    "label": (cross_entropy("out"), Y, 3, lambda: of_label(Y, 3)),
    "probabilities": (
        cross_entropy("out"),
        Y,
        jax.nn.softmax(WANTED),
        lambda: optax.softmax_cross_entropy(Y, jax.nn.softmax(WANTED)),
    ),
    "mse": (mse("out"), Y, WANTED, lambda: np.mean((np.asarray(Y) - WANTED) ** 2)),
    "squared error": (squared_error("out"), Y, WANTED, lambda: optax.l2_loss(Y, WANTED).sum()),
    # 3 of 4 neurons in 0.5 ms are 1500 spikes per second and neuron.
    "rate": (rate_mse("E", 0.5 * ms), jnp.asarray([1.0, 1, 0, 1]), 1400.0, lambda: 100.0**2),
}
RUN_LOSSES = {
    "count label": (count_cross_entropy("E"), SPIKES, 2, lambda: of_label(SPIKES.sum(0), 2)),
    "count mse": (
        count_mse("E"),
        SPIKES,
        jnp.arange(5.0),
        lambda: np.mean((np.asarray(SPIKES).sum(0) - np.arange(5)) ** 2),
    ),
    "max label": (max_cross_entropy("out"), SERIES, 1, lambda: of_label(SERIES.max(0), 1)),
    "silence is equal": (count_cross_entropy("E"), 0 * SPIKES, 4, lambda: nothing(4)),
}
ALL = STEP_LOSSES | RUN_LOSSES


@pytest.mark.parametrize(("loss", "y", "target", "expected"), ALL.values(), ids=ALL)
def test_formula(loss, y, target, expected):
    np.testing.assert_allclose(loss(y, target), expected(), rtol=1e-6)


@pytest.mark.parametrize(("loss", "y", "target", "_"), STEP_LOSSES.values(), ids=STEP_LOSSES)
def test_a_weight_scales_a_step(loss, y, target, _):
    np.testing.assert_allclose(loss(y, (target, 0.25)), loss(y, target) / 4, rtol=1e-6)
    assert loss(y, (target, 0)) == 0


@pytest.mark.parametrize(("loss", "y", "target", "_"), ALL.values(), ids=ALL)
def test_gradient_is_that_of_finite_differences(x64, loss, y, target, _):
    """In both modes; the values of a spike are real numbers here, the surrogate comes before."""
    y = jnp.asarray(y, jnp.float64) + (0.1 if loss is not RUN_LOSSES["max label"][0] else 0)
    jax.test_util.check_grads(lambda y: loss(y, target), (y,), 1, rtol=1e-5, atol=1e-6)


def test_cross_entropy_moves_by_softmax_minus_one_hot():
    slope = jax.grad(cross_entropy("out"))(Y, 2)
    np.testing.assert_allclose(slope, scipy.special.softmax(Y) - np.eye(5)[2], atol=1e-6)


# First spikes.

TRAINS = jnp.asarray([[0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]], float)


def test_first_spikes_and_their_slope():
    np.testing.assert_array_equal(first_spikes(TRAINS), [1, 0, 3])
    slope = jax.jacobian(first_spikes)(TRAINS)  # of time k by (step, neuron)
    expected = np.zeros((3, 4, 3))
    for neuron, step in enumerate([1, 0, 3]):
        expected[neuron, step, neuron] = -1
    np.testing.assert_array_equal(slope, expected)
    np.testing.assert_array_equal(jax.jacfwd(first_spikes)(TRAINS), expected)


def test_losses_of_first_spikes():
    first = jnp.asarray([1.0, 0, 3])
    found = first_spike_cross_entropy("E")(TRAINS, 2)
    np.testing.assert_allclose(found, of_label(-first, 2), rtol=1e-6)
    loss, wanted = first_spike_mse("E"), jnp.asarray([0.0, 2, 3])
    np.testing.assert_allclose(loss(TRAINS, wanted), (1 + 4 + 0) / 3, rtol=1e-6)
    # dL/dz_k(t_k) = -2 (t_k - t*_k) / 3: the first neuron is late, the second early.
    slope = jax.grad(loss)(TRAINS, wanted)
    np.testing.assert_allclose([slope[1, 0], slope[0, 1], slope[3, 2]], [-2 / 3, 4 / 3, 0])
    assert jnp.count_nonzero(slope) == 2


# Van Rossum.


@pytest.mark.parametrize(("first", "second"), [(0, 0), (2, 3), (0, 9), (9, 4)])
def test_distance_of_two_spikes(x64, first, second):
    one, other = np.zeros((2, 10, 1))
    one[first] = other[second] = 1
    distance = van_rossum("E", 7 * ms, 0.5 * ms)(jnp.asarray(one), jnp.asarray(other))
    np.testing.assert_allclose(distance, 1 - np.exp(-abs(first - second) * 0.5 / 7), atol=1e-14)


def test_distance_of_a_spike_from_none_and_of_two_neurons(x64):
    one, loss = jnp.zeros((6, 2)).at[3].set(1.0), van_rossum("E", 7 * ms, 0.5 * ms)
    np.testing.assert_allclose(loss(one, 0 * one), 2 * 0.5, rtol=1e-14)
    jax.test_util.check_grads(lambda z: loss(z, one), (one + 0.3,), 1, rtol=1e-6)


# What they read, and sums.


def test_a_population_alone_stands_for_its_usual_signal():
    assert cross_entropy("out").reads == "out.y"
    assert cross_entropy("out.V_m").reads == "out.V_m"
    assert count_cross_entropy("E").reads == "E.spike"
    assert voltage_regulariser("E", -80 * mV, -50 * mV, 1).reads == "E.V_m"


def test_losses_are_values():
    assert cross_entropy("out") == cross_entropy("out") != cross_entropy("E")
    assert cross_entropy("out") != mse("out")
    assert len({cross_entropy("out"), cross_entropy("out"), mse("out")}) == 2
    assert repr(van_rossum("E", 7 * ms, 1 * ms)) == "VanRossum(signal='E', tau=7.0, dt=1.0)"


def test_a_sum_reads_each_signal_once():
    total = cross_entropy("out") + l1_rate("E", 0.5) + l1_rate("I", 2) + mse("out")
    assert total.reads == ("out.y", "E.spike", "I.spike")
    assert total.takes_target
    assert not total.whole_run
    signals = Y, SPIKES[0], SPIKES[1]
    by_hand = of_label(Y, 1) + 0.5 * SPIKES[0].sum() + 2 * SPIKES[1].sum()
    by_hand += np.mean((np.asarray(Y) - WANTED) ** 2)
    np.testing.assert_allclose(total(signals, (1, WANTED)), by_hand, rtol=1e-6)
    weighted = total(signals, ((1, 0.0), WANTED))
    np.testing.assert_allclose(weighted, by_hand - of_label(Y, 1), rtol=1e-6)


def test_a_sum_with_a_whole_run_is_of_a_whole_run():
    total = count_cross_entropy("E") + l1_rate("E", 0.5) + squared_error("out")
    assert total.whole_run
    targets = 2, jnp.ones_like(SERIES)
    expected = of_label(SPIKES.sum(0), 2) + 0.5 * SPIKES.sum() + ((SERIES - 1) ** 2).sum() / 2
    np.testing.assert_allclose(total((SPIKES, SERIES), targets), expected, rtol=1e-6)
    one = count_cross_entropy("E") + l1_rate("E", 0.5)
    np.testing.assert_allclose(one((SPIKES,), 2), of_label(SPIKES.sum(0), 2) + 0.5 * SPIKES.sum())


# What they refuse.

REFUSED = {
    "wrong shape": (lambda: mse("out")(Y, WANTED[:3]), ShapeError, r"MSE.*\(5,\).*\(3,\)"),
    "one number for many": (lambda: squared_error("out")(Y, 1.0), ShapeError, r"shape \(\)"),
    "probabilities of others": (lambda: cross_entropy("out")(Y, WANTED[:3]), ShapeError, r"\(3,\)"),
    "a label that is no integer": (lambda: cross_entropy("out")(Y, 1.0), ConfigError, "float32"),
    "a missing target": (
        lambda: (mse("out") + mse("out"))((Y,), WANTED),
        ShapeError,
        "tuple of 2",
    ),
    "a step of a whole run": (
        lambda: count_cross_entropy("E")(SPIKES[0], 1),
        ConfigError,
        r"CountCrossEntropy\(signal='E'\).*Online rules.*cross_entropy\(\"count",
    ),
    "no unit": (lambda: van_rossum("E", 7, 1 * ms), UnitError, r"7\*ms"),
    "no time": (lambda: van_rossum("E", 0 * ms, 1 * ms), ConfigError, "above 0"),
    "no loss": (lambda: mse("out") + len, ConfigError, "cannot be added"),
}


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_misuse_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("label", [-1, 5])
def test_a_label_that_is_no_class_is_nan_and_not_another_class(label):
    assert jnp.isnan(cross_entropy("out")(Y, label))
