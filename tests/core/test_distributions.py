"""Distributions: their laws against closed forms, their bounds, their errors."""

import jax
import numpy as np
import pytest
from scipy import stats

from spikax._distributions import Each, Exponential, LogNormal, Normal, Uniform, each
from spikax.errors import ConfigError, ShapeError, UnitError
from spikax.units import kHz, ms, mV, nS, pA, second, volt

SIZE = 20_000


def in_mV(quantity):
    return np.asarray(quantity.to_decimal(mV), dtype=np.float64)


def truncated(mean, std, low, high):
    return stats.truncnorm((low - mean) / std, (high - mean) / std, loc=mean, scale=std)


LAWS = [
    (Normal(-55 * mV, 2 * mV), stats.norm(-55, 2)),
    (Normal(-0.055 * volt, 2 * mV), stats.norm(-55, 2)),
    (Normal(1 * mV, 1 * mV, low=0 * mV), truncated(1, 1, 0, np.inf)),
    (Normal(1 * mV, 2 * mV, high=1 * mV), truncated(1, 2, -np.inf, 1)),
    (Normal(0 * mV, 1 * mV, low=-0.5 * mV, high=2 * mV), truncated(0, 1, -0.5, 2)),
    (Uniform(-60 * mV, -50 * mV), stats.uniform(-60, 10)),
    (Exponential(3 * mV), stats.expon(scale=3)),
]


@pytest.mark.parametrize(("law", "truth"), LAWS, ids=lambda value: repr(value)[:40])
def test_values_follow_the_law(law, truth):
    values = law.sample(np.random.default_rng(1), (SIZE // 100, 100), in_mV)
    assert values.shape == (SIZE // 100, 100)
    assert values.dtype == np.float64
    assert stats.kstest(values.ravel(), truth.cdf).pvalue > 0.01
    assert np.array_equal(values, law.sample(np.random.default_rng(1), (SIZE // 100, 100), in_mV))


def test_log_normal_has_the_mean_and_deviation_it_states():
    values = LogNormal(6 * mV, 3 * mV).sample(np.random.default_rng(2), SIZE, in_mV)
    logs = np.log(values)
    assert values.mean() == pytest.approx(6, abs=4 * 3 / np.sqrt(SIZE))
    assert values.std() == pytest.approx(3, rel=0.05)
    assert stats.kstest((logs - logs.mean()) / logs.std(), "norm").pvalue > 0.01


@pytest.mark.parametrize(
    "law", [Each(4 * mV), Normal(4 * mV, 0 * mV, low=4 * mV), Exponential(0 * mV)]
)
def test_laws_without_spread(law):
    values = law.sample(np.random.default_rng(0), (3, 2), in_mV)
    assert np.array_equal(values, np.full((3, 2), 0.0 if isinstance(law, Exponential) else 4.0))


def test_each_of_a_distribution_is_the_distribution():
    assert each(6 * nS) == Each(6 * nS)
    assert each(Normal(0.5, 0.1)) == Normal(0.5, 0.1)


def test_plain_numbers_need_no_unit():
    values = Uniform(0.2, 0.4).sample(np.random.default_rng(0), 100, np.asarray)
    assert np.all((values >= 0.2) & (values < 0.4))


def test_compare_by_what_they_state():
    assert Uniform(0.5 * ms, 1 * second) == Uniform(0.0005 * second, 1000 * ms)
    assert hash(Uniform(0.5 * ms, 1 * second)) == hash(Uniform(0.0005 * second, 1000 * ms))
    assert Uniform(1 * ms, 2 * ms) != Uniform(1 * mV, 2 * mV)
    assert Normal(1 * ms, 2 * ms) != Normal(1 * ms, 2 * ms, low=0 * ms)
    assert Exponential(1 * ms) != Each(1 * ms)
    assert repr(Normal(-55 * mV, 2 * mV)) == "Normal(mean=-55 mV, std=2 mV)"


def test_check_hands_every_argument_to_the_converter():
    seen = []
    Normal(0 * mV, 1 * mV, high=2 * mV).check(lambda value: seen.append(str(value)))
    assert seen == ["0 mV", "1 mV", "2 mV"]


def test_are_leaves_of_a_description():
    law = Normal(1 * mV, 2 * mV)
    assert jax.tree_util.tree_leaves({"V_init": law}) == [law]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Normal(0 * mV, -1 * mV), ConfigError, "std is below 0"),
        (lambda: LogNormal(1 * mV, -1 * mV), ConfigError, "std is below 0"),
        (lambda: LogNormal(0 * mV, 1 * mV), ConfigError, "mean is not above 0"),
        (lambda: Exponential(-1 * ms), ConfigError, "scale is below 0"),
        (lambda: Uniform(2 * ms, 1000 * kHz**-1 / 1e6), ConfigError, "low is above high"),
        (lambda: Normal(0 * mV, 1 * mV, low=1 * mV, high=0 * mV), ConfigError, "low is above high"),
        (lambda: Normal(0 * mV, float("nan") * mV), ConfigError, r"Normal\.std .* finite"),
        (lambda: Uniform(0.0, float("inf")), ConfigError, r"Uniform\.high .* finite"),
        (lambda: each(np.ones(3) * nS), ShapeError, r"Each\.value has shape \(3,\)"),
        (lambda: Normal(0 * mV, 1 * pA), UnitError, r"Normal\.std"),
        (lambda: Normal(0 * mV, 1.0), UnitError, r"Normal\.std"),
    ],
)
def test_what_makes_no_law_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_bounds_that_keep_almost_nothing_are_refused():
    with pytest.raises(ConfigError, match=r"use Uniform\(low, high\)"):
        Normal(0 * mV, 1 * mV, low=5 * mV).sample(np.random.default_rng(0), 3, in_mV)
