"""Adaptive substeps against scipy, a scalar controller in plain Python, and finite differences."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from spikax import _rkf45 as rkf45
from spikax._rkf45 import ERROR, ORDER_FIVE, STAGES, StepControl, evolve
from spikax.errors import ConfigError, ShapeError

pytestmark = pytest.mark.usefixtures("x64")

TIGHT = StepControl(1e-11, 1e-11, a_y=1.0)
ADEX = StepControl(1e-6, 1e-6, a_y=0.0, a_dydt=1.0)
LOG = 16  # the substeps of each step whose ends the tests note
BOUND = 96


def adex(y, args):
    """Adaptive exponential neuron of conductances, in NEST's form: V is held while refractory."""
    held = args["refractory"] > 0
    V = jnp.where(held, -60.0, jnp.minimum(y["V"], 0.0))
    synaptic = -y["g"] * V - y["w"] + args["drive"]
    dV = (30.0 * (-70.6 - V) + 60.0 * jnp.exp((V + 50.4) / 2.0) + synaptic) / 281.0
    return {
        "V": jnp.where(held, 0.0, dV),
        "g": -y["g"] / args["tau_syn"],
        "w": (4.0 * (V + 70.6) - y["w"]) / 144.0,
        "clock": jnp.ones_like(V),
    }


def fire(y, args):
    """Reset at the peak, count the spike, and note when every substep ended."""
    held = args["refractory"] > 0
    hit = (y["V"] >= 0.0) & ~held
    V = jnp.where(hit | held, -60.0, y["V"])
    w = jnp.where(hit, y["w"] + 80.5, y["w"])
    count = args["count"]
    args = args | {
        "refractory": jnp.where(hit, 3, args["refractory"]),
        "spikes": args["spikes"] + hit.astype(V.dtype),
        "count": count + 1,
        "ends": tuple(jnp.where(count == k, y["clock"], e) for k, e in enumerate(args["ends"])),
    }
    return y | {"V": V, "w": w}, args


DRIVE = np.array([0.0, 500.0, 800.0, 2500.0])
N = len(DRIVE)


def at_rest():
    zeros = jnp.zeros(N)
    y = {"V": zeros - 70.6, "g": zeros, "w": zeros, "clock": zeros}
    args = {
        "drive": jnp.asarray(DRIVE),
        "tau_syn": jnp.float64(0.2),
        "refractory": jnp.zeros(N, jnp.int32),
        "spikes": zeros,
        "count": jnp.zeros(N, jnp.int32),
        "ends": (zeros,) * LOG,
    }
    return y, args


def one_step(carry, arrived, control, max_substeps, dt=0.1):
    """A step as a NEST model takes it: evolve, count refractoriness down, add the arrivals."""
    y, args, h = carry
    y = y | {"clock": jnp.zeros(N)}
    args = args | {"count": jnp.zeros(N, jnp.int32), "ends": (jnp.zeros(N),) * LOG}
    y, args, h, overflow = evolve(
        adex, fire, y, args, h, dt, control=control, max_substeps=max_substeps
    )
    args = args | {"refractory": jnp.maximum(args["refractory"] - 1, 0)}
    y = y | {"g": y["g"] + arrived}
    seen = {"V": y["V"], "w": y["w"], "h": h, "count": args["count"], "ends": args["ends"]}
    return (y, args, h), seen | {"overflow": overflow}


@jax.jit
def run_while(carry, arrivals):
    return jax.lax.scan(lambda c, x: one_step(c, x, ADEX, None), carry, arrivals)


@jax.jit
def run_replay(carry, arrivals):
    return jax.lax.scan(lambda c, x: one_step(c, x, ADEX, BOUND), carry, arrivals)


def arrivals(steps):
    """A conductance jump of 40 nS in every neuron each 2 ms."""
    return jnp.asarray(np.where(np.arange(steps) % 20 == 7, 40.0, 0.0)[:, None] * np.ones(N))


def start():
    y, args = at_rest()
    return y, args, jnp.full(N, 0.1)


# The scalar method, from Hairer, Norsett & Wanner (Solving Ordinary Differential Equations I,
# table 5.1) and the documentation of GSL's step control.
A = [
    [],
    [1 / 4],
    [3 / 32, 9 / 32],
    [1932 / 2197, -7200 / 2197, 7296 / 2197],
    [439 / 216, -8, 3680 / 513, -845 / 4104],
    [-8 / 27, 2, -3544 / 2565, 1859 / 4104, -11 / 40],
]
B = [16 / 135, 0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55]
E = [1 / 360, 0, -128 / 4275, -2197 / 75240, 1 / 50, 2 / 55]


def scalar_adex(y, held, drive):
    V = -60.0 if held else min(y[0], 0.0)
    dV = 30.0 * (-70.6 - V) + 60.0 * math.exp((V + 50.4) / 2.0) - y[1] * V - y[2] + drive
    return [0.0 if held else dV / 281.0, -y[1] / 0.2, (4.0 * (V + 70.6) - y[2]) / 144.0]


def scalar_substep(y, h, left, f):
    """Retry until a substep passes: (y, its length, next length)."""
    while True:
        length = left if h > left else h
        k = []
        for row in A:
            k.append(f([v + length * sum(a * s[i] for a, s in zip(row, k, strict=True))
                        for i, v in enumerate(y)]))  # fmt: skip
        new = [v + length * sum(b * s[i] for b, s in zip(B, k, strict=True))
               for i, v in enumerate(y)]  # fmt: skip
        rate = f(new)
        worst = max(
            abs(length * sum(e * s[i] for e, s in zip(E, k, strict=True)))
            / (1e-6 + 1e-6 * abs(length * rate[i]))
            for i in range(len(y))
        )
        if worst > 1.1:
            h = length * max(0.9 / worst**0.2, 0.2)
            continue
        if worst < 0.5:
            return new, length, length * min(max(0.9 / max(worst, 1e-300) ** (1 / 6), 1.0), 5.0)
        return new, length, length


def scalar_run(drive, jumps, dt=0.1):
    """One neuron, step by step: V, w, next length and the ends of the substeps of each step."""
    y, h, held, trace = [-70.6, 0.0, 0.0], dt, 0, []
    for jump in jumps:
        t, ends = 0.0, []
        while t < dt:
            y, length, h = scalar_substep(
                y, h, dt - t, lambda y, held=held: scalar_adex(y, held, drive)
            )
            t = dt if length == dt - t else t + length
            if held:
                y[0] = -60.0
            elif y[0] >= 0.0:
                y[0], y[2], held = -60.0, y[2] + 80.5, 3
            ends.append(t)
        held, y[1] = max(held - 1, 0), y[1] + jump
        trace.append((y[0], y[2], h, ends))
    return trace


def test_the_tableau_meets_its_order_conditions():
    a = np.zeros((6, 6))
    for i, row in enumerate(STAGES, start=1):
        a[i, : len(row)] = row
    c = a.sum(axis=1)
    np.testing.assert_allclose(c, [0, 1 / 4, 3 / 8, 12 / 13, 1, 1 / 2], atol=1e-15)
    five = np.array(ORDER_FIVE)
    for b, degree in ((five, 5), (five - np.array(ERROR), 4)):
        for k in range(degree):
            np.testing.assert_allclose(b @ c**k, 1 / (k + 1), rtol=1e-13)
            np.testing.assert_allclose(b @ np.linalg.matrix_power(a, k) @ np.ones(6),
                                       1 / math.factorial(k + 1), rtol=1e-13)  # fmt: skip
        np.testing.assert_allclose(b @ (c * (a @ c)), 1 / 8, rtol=1e-13)


@pytest.mark.parametrize("neuron", range(N))
@pytest.mark.parametrize("run", [run_while, run_replay])
def test_the_substeps_are_those_of_a_scalar_controller(run, neuron):
    steps = 120
    _, seen = run(start(), arrivals(steps))
    trace = scalar_run(DRIVE[neuron], np.asarray(arrivals(steps))[:, neuron])
    assert not seen["overflow"].any()
    counts = [len(ends) for *_, ends in trace]
    np.testing.assert_array_equal(seen["count"][:, neuron], counts)
    for k, (V, w, h, ends) in enumerate(trace):
        np.testing.assert_allclose([seen["V"][k, neuron], seen["w"][k, neuron]], [V, w], rtol=1e-9)
        # The error estimate is what rounding leaves of a difference, so lengths agree less well.
        got = [e[k, neuron] for e in seen["ends"][: len(ends)]]
        np.testing.assert_allclose(got, ends[:LOG], rtol=2e-3)
        np.testing.assert_allclose(seen["h"][k, neuron], h, rtol=2e-3)
    # It is worth something only if substeps are split and, under strong drive, the neuron spikes.
    assert max(counts) > (50 if DRIVE[neuron] > 500.0 else 4)


def test_a_longer_run_is_its_parts():
    jumps = arrivals(120)
    whole, seen = run_while(start(), jumps)
    middle, _ = run_while(start(), jumps[:50])
    parts, _ = run_while(middle, jumps[50:])
    jax.tree.map(np.testing.assert_array_equal, parts, whole)
    # The lengths are what the parts hand over: they are not what they were at the start.
    assert (np.abs(middle[2] - 0.1) > 1e-3).all()
    assert whole[1]["spikes"][2:].min() >= 1.0
    assert not seen["overflow"].any()


def test_too_low_a_bound_is_flagged_where_it_is_too_low():
    y, args = at_rest()
    y = y | {"V": jnp.array([-70.6, -70.0, -38.0, -65.0])}  # the third is about to spike

    def step(max_substeps):
        evolved = jax.jit(
            lambda y, args: evolve(
                adex, fire, y, args, jnp.full(N, 0.1), 0.1, control=ADEX, max_substeps=max_substeps
            )
        )
        return evolved(y, args)

    free, after, h, overflow = step(None)
    needed = after["count"]
    assert not overflow.any()
    assert needed[2] > 2 * jnp.delete(needed, 2).max()
    for bound in (int(needed[2]), int(needed[2]) - 1):
        bounded, _, bounded_h, overflow = step(bound)
        np.testing.assert_array_equal(overflow, np.arange(N) == 2 if bound < needed[2] else False)
        arrived = ~np.asarray(overflow)
        jax.tree.map(
            lambda a, b, kept=arrived: np.testing.assert_allclose(a[kept], b[kept], rtol=1e-12),
            (bounded, bounded_h),
            (free, h),
        )
        assert (bounded["clock"][overflow] < 0.1).all()


def fitzhugh(y, args):
    """FitzHugh-Nagumo: smooth, nonlinear, two variables; tau is shared by all neurons."""
    v, w = y
    return v - v**3 / 3.0 - w + args["I"], (v + 0.7 - 0.8 * w) / args["tau"]


def nothing(y, args):
    return y, args


def bounce(y, args):
    """Throw v back, count it in an integer and in a float that can be differentiated."""
    v, w = y
    hit = v > 1.0
    hits, paid = args["hits"] + hit.astype(jnp.int32), args["paid"] + jnp.where(hit, w, 0.0)
    return (jnp.where(hit, v - 1.5, v), jnp.where(hit, w + 0.2, w)), args | {
        "hits": hits,
        "paid": paid,
    }


CURRENTS = np.array([0.3, 0.5, 1.0])


def fitzhugh_run(y, args, *, event=nothing, control=TIGHT, max_substeps=None, steps=20, dt=0.5):
    def body(carry, _):
        y, args, h, failed = carry
        y, args, h, overflow = evolve(
            fitzhugh, event, y, args, h, dt, control=control, max_substeps=max_substeps
        )
        return (y, args, h, failed | overflow), None

    h = jnp.full_like(args["I"], dt)
    return jax.lax.scan(body, (y, args, h, jnp.zeros(h.shape, bool)), length=steps)[0]


def fitzhugh_start(dtype=jnp.float64):
    zeros = jnp.zeros(3, dtype)
    args = {
        "I": jnp.asarray(CURRENTS, dtype),
        "tau": jnp.asarray(12.5, dtype),
        "hits": jnp.zeros(3, jnp.int32),
        "paid": zeros,
    }
    return (zeros - 1.0, zeros), args


def test_the_error_follows_the_tolerance():
    exact = [
        scipy.integrate.solve_ivp(
            lambda _, y, I=I: [y[0] - y[0] ** 3 / 3 - y[1] + I, (y[0] + 0.7 - 0.8 * y[1]) / 12.5],
            (0.0, 10.0), [-1.0, 0.0], method="DOP853", rtol=1e-13, atol=1e-13,
        ).y[0, -1]
        for I in CURRENTS
    ]  # fmt: skip
    y, args = fitzhugh_start()
    run = jax.jit(lambda tolerance: fitzhugh_run(y, args, control=StepControl(tolerance, 0.0))[0])
    errors = [
        float(np.abs(run(tolerance)[0] - jnp.array(exact)).max())
        for tolerance in (1e-4, 1e-6, 1e-8, 1e-10)
    ]
    for error, tolerance in zip(errors, (1e-4, 1e-6, 1e-8, 1e-10), strict=True):
        assert error < 10.0 * tolerance, errors
    assert errors[0] > 100.0 * errors[2], errors


def test_a_substep_has_order_five():
    # So loose a tolerance takes every step at once.
    y, args = fitzhugh_start()

    @jax.jit
    def run(dt, steps):
        def body(_, carry):
            y, h = carry
            y, _, h, _ = evolve(fitzhugh, nothing, y, args, h, dt, control=StepControl(1e9, 0.0))
            return y, h

        return jax.lax.fori_loop(0, steps, body, (y, jnp.full(3, dt)))[0][0]

    exact, counts = run(4.0 / 4096, 4096), np.array([48, 96, 192, 384])
    errors = [np.abs(run(4.0 / n, int(n)) - exact).max() for n in counts]
    order = np.polyfit(np.log(4.0 / counts), np.log(errors), 1)[0]
    assert 4.7 < order < 5.3, (order, errors)


def outcome(event, max_substeps):
    """Loss by drive, shared time constant and start, for one way of integrating."""

    def loss(values):
        y, args = fitzhugh_start()
        v0, w0 = y
        args = args | {"I": values["I"], "tau": values["tau"]}
        (v, w), args, _, failed = fitzhugh_run(
            (v0 + values["v0"], w0), args, event=event, max_substeps=max_substeps
        )
        return (jnp.array([1.0, -2.0, 0.5]) * v + w + args["paid"]).sum(), failed.any()

    return loss


@pytest.mark.parametrize("event", [nothing, bounce])
def test_both_modes_agree_with_each_other_and_with_finite_differences(event):
    values = {"I": jnp.asarray(CURRENTS), "tau": jnp.float64(12.5), "v0": jnp.zeros(3)}
    forward, _ = jax.jit(jax.jacfwd(outcome(event, None), has_aux=True))(values)
    replayed, failed = jax.jit(jax.jacfwd(outcome(event, 40), has_aux=True))(values)
    reverse, _ = jax.jit(jax.jacrev(outcome(event, 40), has_aux=True))(values)
    assert not failed
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), forward, replayed)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), forward, reverse)

    if event is nothing:  # a bounce moves to another substep, and the difference with it
        loss, h = jax.jit(outcome(event, None)), 1e-5
        for name, k in [("I", 0), ("I", 2), ("tau", ()), ("v0", 1)]:
            up, down = (
                loss(values | {name: values[name].at[k].add(sign * h)})[0] for sign in (1, -1)
            )
            np.testing.assert_allclose(reverse[name][k], (up - down) / (2 * h), rtol=1e-5)


def test_parameters_closed_over_are_differentiated_too():
    y, args = fitzhugh_start()

    def loss(tau, closed):
        def rhs(y, args):
            return fitzhugh(y, args | {"tau": tau})

        h, shared = jnp.full(3, 0.5), args | ({} if closed else {"tau": tau})
        (v, _), *_ = evolve(
            rhs if closed else fitzhugh, nothing, y, shared, h, 0.5, control=TIGHT, max_substeps=20
        )
        return v.sum()

    by_closure, by_argument = (jax.jit(jax.grad(loss), static_argnums=1)(12.5, c) for c in (1, 0))
    assert by_closure != 0.0
    np.testing.assert_allclose(by_closure, by_argument, rtol=1e-12)


def test_events_count_substeps_and_leave_shared_values_alone():
    y, args = fitzhugh_start()
    (v, _), args, _, _ = jax.jit(lambda y, a: fitzhugh_run(y, a, event=bounce, steps=60))(y, args)
    assert args["hits"].dtype == jnp.int32
    assert args["hits"].min() == 0
    assert args["hits"].max() > 3
    assert args["tau"] == 12.5
    assert (v < 1.0).all()


def test_a_neuron_that_is_not_finite_ends_its_step_and_disturbs_no_other():
    y, args = fitzhugh_start()
    run = jax.jit(lambda y: fitzhugh_run(y, args, steps=2))
    healthy, *_ = run(y)
    (v, _), *_ = run((y[0].at[1].set(jnp.nan), y[1]))
    np.testing.assert_array_equal(jnp.isnan(v), [False, True, False])
    np.testing.assert_array_equal(v[::2], healthy[0][::2])


def test_a_jump_of_the_rate_is_passed():
    def rhs(y, args):
        return jnp.where(y < 0.35, 1.0, 1e4)

    y, _, _, overflow = evolve(
        rhs, nothing, jnp.zeros(2), (), jnp.full(2, 1.0), 1.0, control=StepControl(1e-6, 0.0)
    )
    np.testing.assert_allclose(y, 0.35 + 1e4 * 0.65, rtol=1e-5)
    assert not overflow.any()


@pytest.mark.parametrize("max_substeps", [None, 8])
def test_single_precision_is_kept(max_substeps):
    y, args = fitzhugh_start(jnp.float32)
    control = StepControl(1e-4, 1e-4)
    (v, w), args, h, _ = fitzhugh_run(y, args, control=control, max_substeps=max_substeps, steps=2)
    assert {x.dtype for x in (v, w, h, args["paid"], args["tau"])} == {jnp.dtype("float32")}
    (double, _), *_ = fitzhugh_run(*fitzhugh_start(), control=control, steps=2)
    np.testing.assert_allclose(v, double, rtol=1e-3)


def test_neurons_may_be_mapped_one_by_one():
    y, args = fitzhugh_start()
    axes = {"I": 0, "tau": None, "hits": 0, "paid": 0}

    def run(y, args):
        y, _, h, _ = fitzhugh_run(y, args, steps=3)
        return (*y, h)

    mapped, together = jax.jit(jax.vmap(run, (0, axes)))(y, args), jax.jit(run)(y, args)
    np.testing.assert_allclose(mapped, together, rtol=1e-12)


def test_a_variable_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match=r"shape \(3, 2\) beside step sizes of shape \(2,\)"):
        evolve(lambda y, _: y, nothing, jnp.ones((3, 2)), (), jnp.ones(2), 0.1, control=TIGHT)


@pytest.mark.parametrize("eps_abs", [0.0, -1e-3, math.nan])
def test_a_tolerance_that_is_never_met_is_refused(eps_abs):
    with pytest.raises(ConfigError, match=r"eps_abs is .* expected a number above 0"):
        StepControl(eps_abs, 1e-3)


def test_what_is_no_number_ends_the_step():
    """A trial that overflows is taken shorter; a state that is no number already is moved on."""

    def rhs(y, args):
        del args
        return {"V": jnp.exp(y["V"]), "bad": y["bad"]}

    y = {"V": jnp.array([600.0, 0.0]), "bad": jnp.array([1.0, jnp.nan])}
    with jax.enable_x64(True):
        after, _, h, overflow = jax.jit(
            lambda y: evolve(
                rhs, lambda y, a: (y, a), y, {}, jnp.ones(2), 1.0, control=StepControl(1e-3, 0.0)
            )
        )(jax.tree.map(lambda v: v.astype(float), y))
    assert not np.isfinite(after["V"][0])
    assert np.isnan(after["bad"][1])
    assert not np.any(overflow)
    assert np.all(np.asarray(h) > 0)


@pytest.mark.parametrize("stiff", [3, 60], ids=["few", "many"])
def test_neurons_that_need_many_substeps_go_on_alone(stiff, monkeypatch):
    """With a few of them the lanes are picked; with many, in two rounds and not at first."""
    monkeypatch.setattr(rkf45, "MANY", 8)
    n = 80
    rates = jnp.asarray(np.where(np.arange(n) * 7 % n < stiff, 50.0 + np.arange(n), 0.1))
    shared, drive = jnp.float64(0.3), jnp.linspace(-1.0, 1.0, n)

    def flow(rates):
        return lambda y, args: {"x": rates * (args["drive"] - y["x"]) + shared * y["x"] ** 2}

    def count(y, args):
        return y, args | {"substeps": args["substeps"] + 1}

    def run(rates, of_some):
        y, args = {"x": jnp.ones(n)}, {"drive": drive, "substeps": jnp.zeros(n), "shared": shared}
        control = StepControl(1e-8, 0.0)
        y, args, h, _ = evolve(
            *(flow(rates), count, y, args, jnp.full(n, 0.1), 0.1), control=control, of_some=of_some
        )
        return y["x"], h, args["substeps"]

    def alone(rates):
        return run(rates, lambda pick: (flow(pick(rates)), count, StepControl(1e-8, 0.0)))

    def together(rates):
        return run(rates, None)

    (expected, slopes), (found, picked) = (
        jax.jvp(f, (rates,), (jnp.ones(n),)) for f in (together, alone)
    )
    assert np.ptp(expected[2]) > 10
    for a, b in zip((*expected, *slopes), (*found, *picked), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12)
