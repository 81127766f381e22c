"""Surrogate gradients against their papers' formulas, written out once more in numpy."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from spikax._surrogate import (
    ATan,
    Boxcar,
    Exponential,
    Gaussian,
    MultiGaussian,
    Sigmoid,
    Smooth,
    SuperSpike,
    Surrogate,
    Triangular,
    heaviside,
)
from spikax.errors import ConfigError


def logistic(x, slope):
    return scipy.stats.logistic.pdf(x, scale=1.0 / slope)


def multi_gaussian(x, sigma, h, s):
    density = scipy.stats.norm.pdf
    sides = density(x, sigma, s * sigma) + density(x, -sigma, s * sigma)
    return (1.0 + h) * density(x, 0.0, sigma) - h * sides


@dataclasses.dataclass
class Case:
    """A surrogate, its derivative by the paper, and the integral of that."""

    surrogate: Surrogate
    derivative: object
    integral: float


CASES = [
    Case(SuperSpike(), lambda x: (1.0 + 10.0 * abs(x)) ** -2.0, 0.2),
    Case(SuperSpike(beta=2.0, height=0.5), lambda x: 0.5 / (1.0 + 2.0 * abs(x)) ** 2, 0.5),
    Case(ATan(), lambda x: scipy.stats.cauchy.pdf(x, scale=1.0 / np.pi), 1.0),
    Case(ATan(alpha=5.0), lambda x: scipy.stats.cauchy.pdf(x, scale=0.4 / np.pi), 1.0),
    Case(Triangular(), lambda x: np.interp(x, [-1, 0, 1], [0, 0.3, 0]), 0.3),
    Case(
        Triangular(height=1.5, width=0.5),
        lambda x: np.interp(x, [-0.5, 0, 0.5], [0, 1.5, 0]),
        0.75,
    ),
    Case(Sigmoid(), lambda x: logistic(x, 4.0), 1.0),
    Case(Sigmoid(slope=9), lambda x: logistic(x, 9.0), 1.0),
    Case(Boxcar(), lambda x: scipy.stats.uniform.pdf(x, -0.5, 1.0), 1.0),
    Case(Boxcar(width=4.0), lambda x: scipy.stats.uniform.pdf(x, -2.0, 4.0), 1.0),
    Case(Gaussian(), lambda x: scipy.stats.norm.pdf(x, scale=0.5), 1.0),
    Case(Gaussian(sigma=2.0), lambda x: scipy.stats.norm.pdf(x, scale=2.0), 1.0),
    Case(MultiGaussian(), lambda x: multi_gaussian(x, 0.5, 0.15, 6.0), 0.85),
    Case(
        MultiGaussian(sigma=1.0, h=0.2, s=3.0, height=0.5),
        lambda x: 0.5 * multi_gaussian(x, 1.0, 0.2, 3.0),
        0.4,
    ),
    Case(Exponential(), lambda x: np.exp(-abs(x)), 2.0),
    Case(Exponential(beta=4.0, height=0.3), lambda x: 0.3 * np.exp(-4.0 * abs(x)), 0.15),
    Case(Smooth(4.0), lambda x: logistic(x, 4.0), 1.0),
]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.surrogate))
spiking = [case for case in CASES if not isinstance(case.surrogate, Smooth)]

# No kink of any case lies here, and none within reach of a finite difference.
X = np.array([-7.3, -1.7, -0.77, -0.31, -0.04, 0.03, 0.21, 0.63, 1.13, 5.9])


def test_every_surrogate_has_a_case():
    # Others may define surrogates of their own; ours are those of the module.
    ours = {s for s in Surrogate.__subclasses__() if s.__module__ == Surrogate.__module__}
    assert ours == {type(case.surrogate) for case in CASES}


def test_the_step_is_one_from_zero_on():
    x = jnp.array([-jnp.inf, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, jnp.inf])
    np.testing.assert_array_equal(heaviside(x), [0, 0, 0, 1, 1, 1, 1, 1])


@pytest.mark.parametrize("case", spiking, ids=lambda case: repr(case.surrogate))
def test_it_spikes_at_and_above_threshold_alone(case):
    x = jnp.array([-3.0, -1e-6, 0.0, 1e-6, 3.0])
    np.testing.assert_array_equal(case.surrogate(x), [0, 0, 1, 1, 1])
    np.testing.assert_array_equal(jax.jit(jax.vmap(case.surrogate))(x), [0, 0, 1, 1, 1])


@every
def test_both_modes_and_their_second_derivatives_are_the_formula(case, x64):
    x = jnp.asarray(X)
    forward = jax.jit(jax.vmap(jax.jacfwd(case.surrogate)))(x)
    reverse = jax.jit(jax.vmap(jax.grad(case.surrogate)))(x)
    np.testing.assert_allclose(forward, case.derivative(X), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(reverse, forward)

    h = 1e-5
    slope = (case.derivative(X + h) - case.derivative(X - h)) / (2.0 * h)
    for second in (jax.grad(jax.grad(case.surrogate)), jax.jacfwd(jax.grad(case.surrogate))):
        np.testing.assert_allclose(jax.jit(jax.vmap(second))(x), slope, rtol=1e-7, atol=1e-8)


@every
def test_the_derivative_has_the_area_it_claims(case, x64):
    # The tangent takes the whole line to a finite one, so that the heavy tails count in full.
    n = 200_000
    angle = ((np.arange(n) + 0.5) / n - 0.5) * np.pi
    x = jnp.asarray(np.tan(angle))
    area = (case.surrogate.derivative(x) * (1.0 + x**2)).sum() * np.pi / n
    np.testing.assert_allclose(area, case.integral, rtol=1e-4)


@pytest.mark.parametrize(
    ("surrogate", "reach"),
    [(Triangular(), 1.0), (Triangular(width=0.2), 0.2), (Boxcar(), 0.5), (Boxcar(width=3.0), 1.5)],
)
def test_compact_surrogates_end_where_they_say(surrogate, reach):
    slopes = jax.vmap(jax.grad(surrogate))(reach * jnp.array([-1e3, -1.001, -0.99, 0.99, 1.001]))
    np.testing.assert_array_equal(slopes != 0.0, [False, False, True, True, False])


@pytest.mark.parametrize("case", spiking, ids=lambda case: repr(case.surrogate))
def test_no_spike_is_minus_zero_only_where_the_derivative_is_zero(case):
    near = min(case.surrogate.support, 10.0)
    x = near * jnp.linspace(-2.0, 2.0, 4001)
    spikes = jax.jit(case.surrogate)(x)
    dead = np.signbit(spikes)
    assert not np.any(spikes[dead])
    assert not np.any(case.surrogate.derivative(x[dead]))
    compact = case.surrogate.support < np.inf
    assert np.any(dead) == compact
    # Nor is a mark missing: what has no mark has a derivative, or is a spike.
    assert not compact or np.all(case.surrogate.derivative(x[~dead & (x < 0)]))


@every
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
def test_the_dtype_is_that_of_the_argument(case, dtype, x64):
    x = jnp.asarray(X, dtype)
    spike, tangent = jax.jvp(case.surrogate, (x,), (jnp.ones_like(x),))
    assert spike.dtype == tangent.dtype == x.dtype
    assert jax.vmap(jax.grad(case.surrogate))(x).dtype == x.dtype


@every
def test_nothing_overflows_far_from_threshold(case):
    x = jnp.array([-1e15, -1e4, 1e4, 1e15])
    assert jnp.isfinite(case.surrogate(x)).all()
    for slope in (jax.grad(case.surrogate), jax.grad(jax.grad(case.surrogate))):
        assert jnp.isfinite(jax.vmap(slope)(x)).all()


def test_a_plain_number_spikes_too():
    assert SuperSpike()(0.3) == 1.0
    assert jax.grad(SuperSpike())(0.1) == 0.25


def test_the_spike_differentiates_through_time_in_both_modes():
    def spikes(weight):
        def step(V, _):
            z = SuperSpike()(V - 1.0)
            return 0.9 * V + weight - z, z

        return jax.lax.scan(step, jnp.zeros(()), length=20)[1].sum()

    forward, reverse = jax.jacfwd(spikes)(0.3), jax.jit(jax.grad(spikes))(0.3)
    assert forward > 0.0
    np.testing.assert_allclose(forward, reverse, rtol=1e-5)


def test_smooth_is_differentiable_for_real(x64):
    x, h = jnp.asarray(X), 1e-6
    smooth = Smooth(3.0)
    np.testing.assert_allclose(smooth(x), 1.0 / (1.0 + np.exp(-3.0 * X)), rtol=1e-14)
    difference = (smooth(x + h) - smooth(x - h)) / (2.0 * h)
    np.testing.assert_allclose(jax.vmap(jax.grad(smooth))(x), difference, atol=1e-9)
    np.testing.assert_allclose(smooth.derivative(x), difference, atol=1e-9)


def test_surrogates_are_static():
    assert hash(SuperSpike(10)) == hash(SuperSpike(10.0))
    assert SuperSpike() != SuperSpike(beta=3.0)
    traced = []

    def run(surrogate, x):
        traced.append(surrogate)
        return surrogate(x)

    compiled = jax.jit(run, static_argnums=0)
    for surrogate in (SuperSpike(), SuperSpike(), ATan()):
        compiled(surrogate, jnp.ones(3))
    assert traced == [SuperSpike(), ATan()]


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), np.ones(2), "steep"])
def test_a_slope_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match=r"SuperSpike: beta is .*; expected .*such as 10\.0"):
        SuperSpike(beta=value)
