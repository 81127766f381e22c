"""Gating synapses and depression against closed forms, per-synapse variables, general solvers."""

from itertools import pairwise

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spikax as sx
from spikax.errors import ConfigError
from spikax.units import mM, ms, mV, nS

pytestmark = pytest.mark.usefixtures("quick_compiler")

DT = 0.1


def released(release, spikes, record, dt=DT):
    """Cells of a release, by step, for given spikes (steps, neurons)."""

    def step(state, x):
        state = release.update(state, {"spike": x}, t=0, dt=dt)
        return state, {name: state.__dict__[name] for name in record}

    release = jax.tree.map(jax.numpy.asarray, release)
    state = release.init_state(spikes.shape[1], key=0, dt=dt)
    return jax.lax.scan(step, state, jax.numpy.asarray(spikes))[1]


def at(times, steps, dt=DT):
    """One train of spikes stamped with these times (ms): (steps, 1)."""
    spikes = np.zeros((steps, 1))
    np.add.at(spikes[:, 0], np.round(np.asarray(times) / dt).astype(int) - 1, 1.0)
    return spikes


def time_since(spike, steps):
    return DT * np.arange(1, steps + 1) - spike


def binding(gate):
    return float(gate.alpha * gate.T), float(gate.beta)


def bound_after(since, a, b, pulse):
    """r for one pulse: r_inf (1 - exp(-t / tau_r)), then exp(-beta t)."""
    on = np.clip(since, 0, pulse)
    return a / (a + b) * -np.expm1(-(a + b) * on) * np.exp(-b * np.clip(since - pulse, 0, None))


@pytest.mark.parametrize("gate", [sx.AMPA(), sx.GABAa(), sx.AMPA(T=3 * mM, duration=0.4 * ms)])
@pytest.mark.usefixtures("x64")
def test_one_pulse_is_the_closed_form(gate):
    out = released(gate, at([2.0], 200), ("r", "release"))
    since = time_since(2.0, 200)
    r = bound_after(since, *binding(gate), float(gate.duration))
    assert r.max() > 0.2
    assert np.allclose(out["r"][:, 0], r, rtol=1e-12, atol=1e-14)
    silent = (since < 1e-9) | (since > float(gate.duration) + 1e-9)
    assert (np.asarray(out["release"])[silent, 0] == 0).all()


@pytest.mark.usefixtures("x64")
def test_further_spikes_prolong_a_pulse_up_to_saturation():
    """Spikes 0.6 ms apart keep the transmitter: r goes to r_inf = alpha T / (alpha T + beta)."""
    gate, times = sx.AMPA(), 2 + 0.6 * np.arange(15)
    r = np.asarray(released(gate, at(times, 200), ("r",))["r"])[:, 0]
    one = bound_after(time_since(2.0, 200), *binding(gate), times[-1] - times[0] + 1)
    assert np.allclose(r, one, rtol=1e-12, atol=1e-14)
    assert r.max() == pytest.approx(1.1 / 1.29, rel=1e-4)


@pytest.mark.parametrize("gate", [sx.AMPA(), sx.GABAa()])
@pytest.mark.usefixtures("x64")
def test_200_hz_settles_at_the_fixed_point_of_pulse_and_decay(gate):
    """Peak p = r_inf + (p exp(-beta (5 - 1) ms) - r_inf) exp(-(alpha T + beta) 1 ms)."""
    (a, b), steps = binding(gate), 2000
    r = np.asarray(released(gate, at(np.arange(5, 200, 5.0), steps), ("r",))["r"])[:, 0]
    on, r_inf = np.exp(-(a + b)), a / (a + b)
    peak = r_inf * (1 - on) / (1 - on * np.exp(-4 * b))
    assert r[-100:].max() == pytest.approx(peak, rel=1e-10)
    unsaturated = r[60] / (1 - np.exp(-5 * b))
    assert peak < 0.85 * unsaturated


PRE, POST, STEPS = 6, 4, 300
RNG = np.random.default_rng(0)
SPIKES = (RNG.random((STEPS, PRE)) < 0.03).astype(float)
WEIGHT = RNG.uniform(0.1, 2.0, (PRE, POST))
DELAY = RNG.integers(1, 25, (PRE, POST))


def through_network(gate):
    """The conductance of each target, from a population that releases through the gate."""
    cell = sx.Cell(sx.LIF(V_th=1e3 * mV), syn=gate.receptor())
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), PRE, {"gate": gate}), "post": sx.Population(cell, POST)},
        [
            sx.Projection(
                *("pre", "post", "syn", sx.all_to_all()),
                weight=WEIGHT * nS,
                delay=DELAY * DT * ms,
                signal="gate",
            )
        ],
    ).build(dt=DT * ms)
    inputs, duration = {"pre.spike": SPIKES}, STEPS * DT * ms
    recorded = sx.simulate(net, net.init_state(), duration, inputs=inputs, record={"post": "syn"})[
        1
    ]
    return recorded["post.syn"].values


def gate_per_synapse(gate):
    """The gate at every synapse, in NumPy, from its solution within a step."""
    a, b = binding(gate)
    r, until = np.zeros((PRE, POST)), np.full((PRE, POST), -1)
    total = np.zeros((STEPS, POST))
    for t in range(STEPS):
        on = np.where(until >= t, a, 0.0)
        r = on / (on + b) + (r - on / (on + b)) * np.exp(-(on + b) * DT)
        total[t] = (WEIGHT * r).sum(0)
        for i, j in np.ndindex(PRE, POST):
            s = t - DELAY[i, j]
            if s >= 0 and SPIKES[s, i]:
                until[i, j] = t + round(float(gate.duration) / DT)
    return total


@pytest.mark.parametrize("gate", [sx.AMPA(), sx.GABAa()])
@pytest.mark.usefixtures("x64")
def test_receptor_sums_what_gates_at_every_synapse_would(gate):
    expected = gate_per_synapse(gate)
    assert expected.max() > 1
    assert np.abs(through_network(gate) - expected).max() <= 1e-12 * expected.max()


@pytest.mark.parametrize(("gate", "own"), [(sx.GABAb(K_d=1.0), "release"), (sx.NMDA(), "s")])
@pytest.mark.usefixtures("x64")
def test_receptor_has_the_weighted_gates_of_its_sources(gate, own):
    value = np.asarray(released(gate, SPIKES, (own,))[own])
    expected = np.zeros((STEPS, POST))
    for i, j in np.ndindex(PRE, POST):
        expected[DELAY[i, j] :, j] += WEIGHT[i, j] * value[: STEPS - DELAY[i, j], i]
    assert expected.max() > 0.01
    assert np.abs(through_network(gate) - expected).max() <= 1e-12 * expected.max()


@pytest.mark.usefixtures("x64")
def test_gabab_is_the_solution_of_its_equations():
    """A burst of ten spikes; Destexhe & Sejnowski: one spike hardly opens what a burst opens."""
    burst, steps = 5.0 + 4 * np.arange(10), 4000
    g = np.asarray(released(sx.GABAb(), at(burst, steps), ("release",))["release"])[:, 0]

    def rhs(t, y):
        T = float(((t > burst) & (t <= burst + 1)).any())
        return 0.09 * T * (1 - y[0]) - 0.0012 * y[0], 0.18 * y[0] - 0.034 * y[1]

    times, y = DT * np.arange(1, steps + 1), [0.0, 0.0]
    edges = np.unique([0.0, *burst, *(burst + 1), times[-1]])
    expected = np.zeros(steps)
    for start, end in pairwise(edges):
        piece = solve_ivp(rhs, (start + 1e-12, end), y, rtol=1e-11, atol=1e-14, dense_output=True)
        inside = (times > start) & (times <= end + 1e-9)
        s = piece.sol(times[inside])[1]
        expected[inside], y = s**4 / (s**4 + 100), piece.y[:, -1]
    assert np.abs(g - expected).max() < 1e-8 * expected.max()
    one = released(sx.GABAb(), at([5.0], steps), ("release",))["release"]
    assert expected.max() > 1000 * float(one.max())


def nmda_ode(times, steps):
    """The gate of both variables (Wang 2002) at the end of each step."""

    def rhs(_, y):
        s, x = y
        return -s / 100 + 0.5 * x * (1 - s), -x / 2

    grid, y, s = DT * np.arange(1, steps + 1), [0.0, 0.0], np.zeros(steps)
    edges = [0.0, *times, grid[-1]]
    for start, end in pairwise(edges):
        piece = solve_ivp(rhs, (start, end), y, rtol=1e-9, atol=1e-12, dense_output=True)
        inside = (grid > start + 1e-9) & (grid <= end + 1e-9)
        s[inside], y = piece.sol(grid[inside])[0], piece.y[:, -1] + [0, 1]
    return s


@pytest.mark.usefixtures("x64")
def test_nmda_jump_leaves_what_one_spike_leaves():
    """Long after one spike, or one that finds the gate half open, nothing of the rise is left."""
    for times in ([1.0], [1.0, 61.0]):
        jumps = np.asarray(released(sx.NMDA(), at(times, 1500), ("s",))["s"])[:, 0]
        assert jumps[-1] == pytest.approx(nmda_ode(times, 1500)[-1], rel=1e-8)


@pytest.mark.usefixtures("x64")
def test_nmda_error_is_what_the_docstring_states():
    """Poisson trains with a dead time of 2 ms, 2 s each."""
    steps, rates, rng = 20000, [5, 10, 20, 50], np.random.default_rng(5)
    trains = [np.cumsum(2 + rng.exponential(1000 / rate - 2, 3 * rate)) for rate in rates]
    trains = [np.round(times[times < steps * DT - 1], 1) for times in trains]
    exact = np.stack([nmda_ode(times, steps) for times in trains], axis=1)
    spikes = np.concatenate([at(times, steps) for times in trains], axis=1)
    jumps = np.asarray(released(sx.NMDA(), spikes, ("s",))["s"])
    mean, rms = jumps.mean(0) / exact.mean(0) - 1, np.sqrt(((jumps - exact) ** 2).mean(0))
    assert (exact.mean(0) > [0.2, 0.3, 0.5, 0.7]).all()
    assert ((mean > 0.017) & (mean < 0.019)).all(), mean
    assert ((rms > 0.034) & (rms < 0.042)).all(), rms


@pytest.mark.parametrize(
    ("release", "slope"), [(sx.AMPA(), 1.1), (sx.STP(0.6), 0.6), (sx.STP(0.6, tau_f=50 * ms), 0.6)]
)
@pytest.mark.usefixtures("x64")
def test_gradient_of_a_silent_neuron_is_that_of_a_spike(release, slope):
    """What a small part of a spike releases in all: alpha T duration, or U."""

    def total(x):
        spikes = jax.numpy.zeros((60, 1)).at[0].set(x)
        return released(release, spikes, ("release",))["release"].sum()

    value, gradient = jax.value_and_grad(total)(0.0)
    assert value == 0
    assert float(gradient) == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("make", [
    lambda: sx.AMPA(beta=sx.Uniform(0.1 / ms, 0.2 / ms)).receptor(),
    lambda: sx.NMDA(tau_decay=[80, 100] * ms).receptor(),
])  # fmt: skip
def test_receptor_has_one_decay_for_all_sources(make):
    with pytest.raises(ConfigError, match="one number"):
        make()


@pytest.mark.usefixtures("x64")
def test_depression_settles_for_a_regular_train():
    """Before a spike x = (1 - e) / (1 - (1 - U) e) with e = exp(-T / tau_d)."""
    x = np.asarray(
        released(sx.STD(0.4, 150 * ms), at(np.arange(10, 1000, 20.0), 10000), ("x",))["x"]
    )
    e = np.exp(-20 / 150)
    before = 1 + (x[9699, 0] - 1) * np.exp(-20 / 150)
    assert before == pytest.approx((1 - e) / (1 - 0.6 * e), rel=1e-12)


@pytest.mark.usefixtures("x64")
def test_std_is_stp_without_facilitation():
    std, stp = (released(m(0.4, 150 * ms), SPIKES, ("x", "release")) for m in (sx.STD, sx.STP))
    assert all(np.array_equal(std[name], stp[name]) for name in std)
