"""Integrators against closed forms, eighty-digit arithmetic, scipy, and their own order."""

import decimal
from decimal import Decimal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from jax.test_util import check_grads

from spikax._integrate import (
    alpha_current_propagators,
    by_entry,
    exp_current_propagator,
    exp_euler,
    exp_euler_joint,
    expm_block,
    linearise,
    linearise_jointly,
    membrane_propagators,
    phi1,
    phi1_block,
    rk4,
)

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")


@pytest.fixture(autouse=True)
def _eighty_digits():
    with decimal.localcontext(prec=80):
        yield


def exact_phi1(x, derivative):
    """phi1 and its derivatives in closed form; eighty digits leave enough after cancellation."""
    if x == 0:
        return 1 / (derivative + 1)
    x = Decimal(float(x))
    polynomial = (Decimal(1), x - 1, x * x - 2 * x + 2)[derivative]
    constant = (-1, 1, -2)[derivative]
    return float((x.exp() * polynomial + constant) / x ** (derivative + 1))


NEAR_AND_FAR = [0.0, 1e-15, -1e-12, 1e-6, -1e-3, 0.1, -0.4999, 0.4999, 0.5, -0.5, 0.5001, -2.0]
NEAR_AND_FAR += [7.0, -40.0, 300.0, -800.0]


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (phi1, 0),
        (jax.grad(phi1), 1),
        (jax.jacfwd(phi1), 1),
        (jax.grad(jax.grad(phi1)), 2),
        (jax.jacfwd(jax.grad(phi1)), 2),
        (jax.jacfwd(jax.jacfwd(phi1)), 2),
    ],
)
def test_phi1_and_its_derivatives_are_exact_on_both_sides_of_the_switch(function, derivative):
    got = jax.vmap(function)(jnp.array(NEAR_AND_FAR))
    exact = [exact_phi1(x, derivative) for x in NEAR_AND_FAR]
    np.testing.assert_allclose(got, exact, rtol=1e-13)


def test_phi1_keeps_single_precision():
    x = jnp.array([0.0, -0.3, 0.6, -1e30], dtype=jnp.float32)
    got = phi1(x)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got[:3], [exact_phi1(v, 0) for v in x[:3]], rtol=2e-7)
    assert jnp.isfinite(jax.vmap(jax.grad(phi1))(x)).all()


def test_linearise_is_value_and_slope():
    y = jnp.array([-1.0, 0.0, 2.0])
    value, slope = linearise(lambda v: v**3 - jnp.sin(v), y)
    np.testing.assert_allclose(value, y**3 - jnp.sin(y), rtol=1e-15)
    np.testing.assert_allclose(slope, 3 * y**2 - jnp.cos(y), rtol=1e-15)


def test_linearise_jointly_is_the_jacobian_of_each_neuron():
    def f(y):
        return y[0] * y[1], y[1] ** 2 - y[0]

    a, b = jnp.array([1.0, 2.0]), jnp.array([3.0, -4.0])
    rates, block = linearise_jointly(f, (a, b))
    np.testing.assert_array_equal(rates, f((a, b)))
    np.testing.assert_array_equal(block, [[b, a], [-jnp.ones(2), 2 * b]])


@pytest.mark.parametrize("decay", [0.0, 0.05, 1e4])
def test_exp_euler_is_exact_for_a_linear_membrane(decay):
    V = jnp.array([-70.0, 30.0])
    got = exp_euler(lambda v: -decay * v + 3.0, V, 0.5)
    steady = 3.0 / decay if decay else 0.0
    exact = steady + (V - steady) * np.exp(-0.5 * decay) if decay else V + 1.5
    np.testing.assert_allclose(got, exact, rtol=1e-14, atol=1e-13)


def test_exp_euler_stays_finite_when_nothing_leaks():
    slope = jax.grad(lambda k: exp_euler(lambda v: -k * v + 1.0, jnp.float64(0.0), 0.1))(0.0)
    np.testing.assert_allclose(slope, -(0.1**2) / 2, rtol=1e-14)


# Compiled once for every shape; op by op they take a compilation each.
exponentiate, apply_phi1 = jax.jit(expm_block), jax.jit(phi1_block)


def blocks(d, norm, growing):
    """Random d x d blocks of a given norm for five neurons, shape (d, d, 5)."""
    a = np.random.default_rng(d).normal(size=(5, d, d))
    if not growing:
        fastest = np.linalg.eigvals(a).real.max(axis=1)
        a -= (fastest + 0.1)[:, None, None] * np.eye(d)
    a *= norm / np.linalg.norm(a, ord=2, axis=(1, 2), keepdims=True)
    return np.moveaxis(a, 0, -1)


def scipy_phi1(a, v):
    """phi1(A) v is a corner of the exponential of A with v as one more column."""
    d = len(v)
    bordered = np.zeros((d + 1, d + 1))
    bordered[:d, :d], bordered[:d, d] = a, v
    return scipy.linalg.expm(bordered)[:d, d]


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("norm", [1e-9, 1.0, 20.0, 200.0])
@pytest.mark.parametrize("d", [1, 3])
def test_block_exponentials_match_scipy(d, norm, growing):
    a = blocks(d, norm, growing)
    v = np.random.default_rng(9).normal(size=(d, 5))
    exponential, moved = exponentiate(jnp.asarray(a)), apply_phi1(jnp.asarray(a), jnp.asarray(v))
    for n in range(5):
        exact = scipy.linalg.expm(a[..., n])
        bound = 1e-10 * max(1.0, np.linalg.norm(exact))
        assert np.linalg.norm(exponential[..., n] - exact) < bound
        exact = scipy_phi1(a[..., n], v[:, n])
        assert np.linalg.norm(moved[:, n] - exact) < 1e-10 * np.linalg.norm(exact)


@pytest.mark.parametrize("norm", [1e-6, 1.0, 200.0])
def test_blocks_keep_single_precision(norm):
    a, v = blocks(3, norm, growing=False), np.random.default_rng(9).normal(size=(3, 5))
    moved = apply_phi1(jnp.asarray(a, jnp.float32), jnp.asarray(v, jnp.float32))
    assert moved.dtype == jnp.float32
    exact = np.stack([scipy_phi1(a[..., n], v[:, n]) for n in range(5)], axis=-1)
    assert np.linalg.norm(np.asarray(moved) - exact) < 2e-5 * np.linalg.norm(exact)
    assert jnp.isfinite(exponentiate(jnp.asarray(a, jnp.float32))).all()


def test_the_units_of_the_variables_do_not_matter_to_a_block():
    a, scale = blocks(3, 5.0, growing=False), np.array([1.0, 2.0**20, 2.0**-20])
    v = np.ones((3, 5))
    rescaled = a * (scale[:, None] / scale)[..., None]
    moved = apply_phi1(jnp.asarray(rescaled), jnp.asarray(v * scale[:, None]))
    same = apply_phi1(jnp.asarray(a), jnp.asarray(v)) * scale[:, None]
    np.testing.assert_allclose(moved, same, rtol=1e-14)


def test_blocks_differentiate_in_both_modes():
    # Neurons of different stiffness side by side, the second one without any dynamics.
    a = np.concatenate([blocks(2, norm, growing=False) for norm in (1.0, 50.0)], axis=-1)
    a[..., 1] = 0.0
    arguments = jnp.asarray(a), jnp.ones((2, 10))
    check_grads(apply_phi1, arguments, order=1, modes=["fwd", "rev"], rtol=1e-6)
    check_grads(exponentiate, arguments[:1], order=1, modes=["fwd", "rev"], rtol=1e-6)


def test_exp_euler_joint_is_exact_for_linear_dynamics_even_with_a_singular_block():
    a = np.array([[-3.0, 2.0, 0.5], [0.0, 0.0, 0.0], [1.0, -40.0, -7.0]])
    drive, start = np.array([1.0, 2.0, -3.0]), np.array([-1.0, 0.5, 4.0])

    def f(y):
        return tuple(sum(a[i, j] * y[j] for j in range(3)) + drive[i] for i in range(3))

    got = jax.jit(lambda y: exp_euler_joint(f, y, 1.5))(tuple(jnp.full(2, v) for v in start))
    exact = start + 1.5 * scipy_phi1(1.5 * a, a @ start + drive)
    np.testing.assert_allclose(got, np.stack([exact, exact], axis=1), rtol=1e-12)


def test_exp_euler_joint_of_one_variable_is_exp_euler():
    def f(v):
        return (-60.0 - v) / 20.0 + 0.01 * v**2

    V = jnp.linspace(-70.0, -40.0, 4)
    alone = jax.jit(lambda v: exp_euler(f, v, 0.3))(V)
    (joint,) = jax.jit(lambda v: exp_euler_joint(lambda y: (f(y[0]),), (v,), 0.3))(V)
    np.testing.assert_allclose(joint, alone, rtol=1e-13)


def test_a_stiff_decay_neither_rings_nor_explodes():
    def f(y):
        return -1e3 * (y[0] - jnp.cos(y[1])), -0.1 * y[1]

    start = (jnp.array([5.0]), jnp.array([1.0]))
    y = integrate(lambda y, k, dt: exp_euler_joint(f, y, dt))(start, 0.2, 50)
    np.testing.assert_allclose(y[0], jnp.cos(y[1]), rtol=1e-3)


@pytest.mark.parametrize("d", [2, 3])
def test_entry_by_entry_is_the_same(d):
    def f(y):
        return tuple(-(k + 1.0) * y[k] + jnp.sin(y[k - 1]) for k in range(d))

    start = tuple(jnp.linspace(-2.0, 3.0, 5) * (k + 1) for k in range(d))
    expected = jax.jit(lambda y: exp_euler_joint(f, y, 0.5))(start)
    with by_entry():
        got = jax.jit(lambda y: exp_euler_joint(f, y, 0.5))(start)
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    with by_entry():
        assert "concatenate" not in str(jax.make_jaxpr(lambda y: exp_euler_joint(f, y, 0.5))(start))


def adex(y, xp):
    """Adaptive exponential neuron (Brette & Gerstner 2005), driven below its upstroke."""
    V, w = y
    spike = 30.0 * 2.0 * xp.exp((V + 50.4) / 2.0)
    return (30.0 * (-70.6 - V) + spike - w + 500.0) / 281.0, (4.0 * (V + 70.6) - w) / 20.0


def hodgkin_huxley(y, xp):
    """Squid axon (Hodgkin & Huxley 1952) at 10 uA/cm2: one full spike within the run."""
    V, m, h, n = y

    def rate(x):
        return x / (1.0 - xp.exp(-x))

    sodium, potassium = 120.0 * m**3 * h * (50.0 - V), 36.0 * n**4 * (-77.0 - V)
    return (
        sodium + potassium + 0.3 * (-54.4 - V) + 10.0,
        rate((V + 40.0) / 10.0) * (1.0 - m) - 4.0 * xp.exp(-(V + 65.0) / 18.0) * m,
        0.07 * xp.exp(-(V + 65.0) / 20.0) * (1.0 - h) - h / (1.0 + xp.exp(-(V + 35.0) / 10.0)),
        0.1 * rate((V + 55.0) / 10.0) * (1.0 - n) - 0.125 * xp.exp(-(V + 65.0) / 80.0) * n,
    )


def integrate(step):
    """Compile `step(y, k, dt)` into a run of n steps: one compilation for every dt."""
    return jax.jit(lambda y, dt, n: jax.lax.fori_loop(0, n, lambda k, y: step(y, k, dt), y))


def order(errors, steps):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


def reference(f, start, duration):
    solution = scipy.integrate.solve_ivp(
        lambda _, y: f(y, np), (0.0, duration), start, method="DOP853", rtol=1e-13, atol=1e-13
    )
    return solution.y[:, -1]


@pytest.mark.parametrize(
    ("f", "start", "duration", "counts"),
    [
        (adex, (-70.6, 0.0), 30.0, (60, 120, 240, 480)),
        (hodgkin_huxley, (-64.9, 0.05, 0.6, 0.32), 4.0, (80, 160, 320, 640)),
    ],
)
def test_exp_euler_joint_has_order_two(f, start, duration, counts):
    run = integrate(lambda y, k, dt: exp_euler_joint(lambda y: f(y, jnp), y, dt))
    exact = reference(f, start, duration)
    y = tuple(jnp.array([v]) for v in start)
    errors = [abs(run(y, duration / n, n)[0][0] - exact[0]) for n in counts]
    measured = order(errors, duration / np.array(counts))
    assert 1.85 < measured < 2.3, (measured, errors)


RECEPTORS = {  # decay (ms), reversal (mV), jump (nS), arrivals (ms)
    "ampa": (3.0, 0.0, 6.0, (2.0, 9.0, 17.0)),
    "gaba": (8.0, -75.0, 4.0, (5.0, 9.0, 14.0)),
    "nmda": (60.0, 0.0, 5.0, (3.0, 12.0)),
}


def synaptic_membrane(V, g, xp):
    """Membrane with AMPA, GABA and NMDA conductances, the last under its magnesium block."""
    unblocked = {"nmda": 1.0 / (1.0 + xp.exp(-0.062 * V) / 3.57)}
    synaptic = sum(
        g[name] * unblocked.get(name, 1.0) * (reversal - V)
        for name, (_, reversal, _, _) in RECEPTORS.items()
    )
    return (16.0 * (-65.0 - V) + synaptic + 120.0) / 250.0


def flow(g, h, xp):
    return {name: g[name] * xp.exp(-h / RECEPTORS[name][0]) for name in RECEPTORS}


def synaptic_reference(duration):
    """Tight solution from arrival to arrival, with the conductances in closed form."""
    arrivals = sorted({t for *_, times in RECEPTORS.values() for t in times} | {duration})
    V, g, t = -65.0, dict.fromkeys(RECEPTORS, 0.0), 0.0
    for arrival in arrivals:
        V = scipy.integrate.solve_ivp(
            lambda s, V, g=g: synaptic_membrane(V, flow(g, s, np), np),
            (0.0, arrival - t), [V], method="DOP853", rtol=1e-13, atol=1e-13,
        ).y[0, -1]  # fmt: skip
        g, t = flow(g, arrival - t, np), arrival
        g = {k: g[k] + RECEPTORS[k][2] * (arrival in RECEPTORS[k][3]) for k in g}
    return V


def mid_step(V, g, dt):
    return exp_euler(lambda v: synaptic_membrane(v, flow(g, dt / 2, jnp), jnp), V, dt)


def within_step(V, g, dt):
    return rk4(lambda v, tau: synaptic_membrane(v, flow(g, tau, jnp), jnp), V, dt)


@pytest.mark.parametrize(("method", "expected"), [(mid_step, 2), (within_step, 4)])
def test_receptors_within_the_step_keep_the_order(method, expected):
    def step(y, k, dt):
        V, g = y
        V, g = method(V, g, dt), flow(g, dt, jnp)
        now = jnp.round((k + 1) * dt * 1024.0)
        arrived = {
            name: jnp.where(jnp.isin(now, jnp.array(times) * 1024.0), jump, 0.0)
            for name, (_, _, jump, times) in RECEPTORS.items()
        }
        return V, {name: g[name] + arrived[name] for name in g}

    duration, run = 24.0, integrate(step)
    start = (jnp.array([-65.0]), {name: jnp.zeros(1) for name in RECEPTORS})
    exact, steps = synaptic_reference(duration), np.array([1.0, 0.5, 0.25, 0.125, 0.0625])
    errors = [abs(run(start, dt, round(duration / dt))[0][0] - exact) for dt in steps]
    measured = order(errors, steps)
    assert abs(measured - expected) < 0.15, (measured, errors)


def test_rk4_has_order_four_on_a_pytree_with_an_explicit_time():
    # y'' = -y + 3 cos 2t from rest: y = cos t - cos 2t.
    def step(y, k, dt):
        t = k * dt
        return rk4(
            lambda y, tau: {"x": y["v"], "v": -y["x"] + 3.0 * jnp.cos(2.0 * (t + tau))}, y, dt
        )

    run, counts = integrate(step), np.array([16, 32, 64, 128])
    start = {"x": jnp.zeros(1), "v": jnp.zeros(1)}
    exact = np.cos(3.0) - np.cos(6.0)
    errors = [abs(run(start, 3.0 / n, n)["x"][0] - exact) for n in counts]
    measured = order(errors, 3.0 / counts)
    assert 3.85 < measured < 4.2, (measured, errors)


def exact_effects(tau_m, tau_syn, C_m, dt):
    """(of dI, of I) on V after dt, in eighty digits; equal rates have their own closed form."""
    a, b, C, h = 1 / Decimal(tau_m), 1 / Decimal(tau_syn), Decimal(C_m), Decimal(dt)
    x = (a - b) * h
    scale = (-a * h).exp() * h / C
    if x == 0:
        return h * scale / 2, scale
    return h * scale * (x.exp() * (x - 1) + 1) / x**2, scale * (x.exp() - 1) / x


GAPS = [0.0, 1e-15, 1e-12, -1e-9, 1e-7, -1e-6, 1e-4, 1e-3, -0.01, 0.1, -1.0, 1.0]


@pytest.mark.parametrize("dt", [0.1, 20.0])
def test_propagators_lose_nothing_near_equal_time_constants(dt):
    tau_m = 2.0
    tau_syn = tau_m + np.array(GAPS)
    exact = np.array([exact_effects(tau_m, tau, 250.0, dt) for tau in tau_syn], dtype=float).T
    of_slope, of_current = alpha_current_propagators(tau_m, tau_syn, 250.0, dt)
    np.testing.assert_allclose(of_slope, exact[0], rtol=1e-12)
    np.testing.assert_allclose(of_current, exact[1], rtol=1e-12)
    exponential = exp_current_propagator(tau_m, tau_syn, 250.0, dt)
    np.testing.assert_allclose(exponential, exact[1], rtol=1e-12)


@pytest.mark.parametrize("tau_syn", [2.0, 2.0 + 1e-12, 2.1, 1.0, 10.0])
def test_propagators_are_the_matrix_exponential_of_the_neuron(tau_syn):
    tau_m, C_m, dt = 2.0, 250.0, 0.5
    # Variables: dI, I, V and a constant current.
    system = np.zeros((4, 4))
    system[0, 0] = system[1, 1] = -1.0 / tau_syn
    system[2, 2] = -1.0 / tau_m
    system[1, 0], system[2, 1], system[2, 3] = 1.0, 1.0 / C_m, 1.0 / C_m
    exact = scipy.linalg.expm(system * dt)[2]
    of_slope, of_current = alpha_current_propagators(tau_m, tau_syn, C_m, dt)
    of_itself, of_constant = membrane_propagators(tau_m, C_m, dt)
    np.testing.assert_allclose([of_slope, of_current, of_itself, of_constant], exact, rtol=1e-13)


def test_propagators_of_extreme_time_constants_stay_finite():
    tau_m, tau_syn = jnp.array([0.01, 1e4]), jnp.array([1e4, 0.01])
    exact = [exact_effects(m, s, 1.0, 50.0) for m, s in [(0.01, 1e4), (1e4, 0.01)]]
    got = jnp.stack(alpha_current_propagators(tau_m, tau_syn, 1.0, 50.0), axis=1)
    np.testing.assert_allclose(got, np.array(exact, dtype=float), rtol=1e-11)


def test_a_membrane_without_leak_integrates_its_current():
    np.testing.assert_array_equal(membrane_propagators(jnp.inf, 250.0, 0.5), [1.0, 0.5 / 250.0])
    # An exponential current then leaves all its charge: tau (1 - e^(-dt/tau)) / C.
    got = exp_current_propagator(jnp.inf, 2.0, 250.0, 0.5)
    np.testing.assert_allclose(got, -2.0 * np.expm1(-0.25) / 250.0, rtol=1e-14)


def exact_slopes(tau_m, tau_syn):
    """First and second derivatives of both effects by the time constants, by tiny differences."""
    h = Decimal("1e-15")

    def moved(by_m, by_syn):
        taus = Decimal(tau_m) + by_m * h, Decimal(tau_syn) + by_syn * h
        return np.array(exact_effects(*taus, 1.0, 0.7))

    def slope(f, i, j):
        return lambda p, q: (f(p + i, q + j) - f(p - i, q - j)) / (2 * h)

    first = [slope(moved, 1, 0), slope(moved, 0, 1)]
    second = [[slope(f, 1, 0)(0, 0), slope(f, 0, 1)(0, 0)] for f in first]
    return np.array([f(0, 0) for f in first], dtype=float), np.array(second, dtype=float)


@pytest.mark.parametrize("slope", [jax.jacfwd, jax.jacrev])
def test_propagators_differentiate_by_both_time_constants(slope):
    def effects(taus):
        return jnp.stack(alpha_current_propagators(taus[0], taus[1], 1.0, 0.7))

    taus = [(2.0, 2.0 + gap) for gap in GAPS]
    first = jax.jit(jax.vmap(slope(effects)))(jnp.array(taus))
    second = jax.jit(jax.vmap(jax.jacfwd(slope(effects))))(jnp.array(taus))
    for n, pair in enumerate(taus):
        exact = exact_slopes(*pair)
        np.testing.assert_allclose(np.moveaxis(first[n], 0, -1), exact[0], rtol=1e-11)
        np.testing.assert_allclose(np.moveaxis(second[n], 0, -1), exact[1], rtol=1e-9)


def test_propagators_keep_single_precision():
    tau_m, tau_syn = jnp.float32(10.0), jnp.full(3, 2.0, jnp.float32)
    for effect in alpha_current_propagators(tau_m, tau_syn, 250.0, 0.1):
        assert effect.dtype == jnp.float32
        assert effect.shape == (3,)
    for effect in membrane_propagators(tau_syn, jnp.float32(250.0), 0.1):
        assert effect.dtype == jnp.float32
