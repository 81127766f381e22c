"""Neurons and synapses against closed forms, published figures and a general-purpose solver."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import spikax as sx
from spikax.units import ms, mV, nS, pA

pytestmark = pytest.mark.usefixtures("x64", "quick_compiler")


def simulate(model, duration, dt, record, size=1, inputs=None):
    net = sx.Network({"E": sx.Population(model, size)}).build(dt=dt * ms)
    _, rec = sx.simulate(net, net.init_state(), duration * ms, record={"E": record}, inputs=inputs)
    return rec


def test_lif_below_threshold_is_exact():
    """V(t) = E_L + R I (1 - exp(-t / tau)) for a constant current, at any dt."""
    for dt in (0.1, 1.0, 2.0):
        rec = simulate(sx.LIF(I_e=90 * pA), 50, dt, "V_m")
        t = rec["E.V_m"].times / ms
        expected = -60 + 90 * 20 / 200 * (1 - np.exp(-t / 20))
        assert np.allclose(rec["E.V_m"].values[:, 0], expected, rtol=1e-13)


@pytest.mark.parametrize("t_ref", [0.0, 2.0, 5.0])
def test_lif_rate_is_that_of_the_formula(t_ref):
    """Period t_ref + tau ln(R I / (R I - (V_th - V_reset))), rounded up to the grid."""
    current = np.linspace(120, 600, 9)
    rec = simulate(sx.LIF(I_e=current * pA, t_ref=t_ref * ms), 800, 0.1, "spike", size=9)
    period = 20 * np.log(current * 0.1 / (current * 0.1 - 10))
    on_grid = np.ceil(period / 0.1 - 1e-9) * 0.1 + t_ref
    for train, expected in zip(rec["E.spike"].spike_trains(), on_grid, strict=True):
        assert np.allclose(np.diff(train / ms), expected, atol=1e-9)


def test_reset_soft_keeps_what_exceeds_the_threshold():
    jump = np.zeros((1, 2))
    jump[0] = [13.0, 7.0]
    for reset, expected in (("soft", [-57.0, -53.0]), ("hard", [-60.0, -53.0])):
        rec = simulate(sx.LIF(reset=reset), 1, 1.0, "V_m", size=2, inputs={"E.delta": jump * mV})
        assert np.allclose(rec["E.V_m"].values[0], expected)


def test_lif_is_held_for_its_refractory_period():
    rec = simulate(sx.LIF(I_e=2000 * pA, t_ref=3 * ms), 20, 0.5, ["V_m", "spike"])
    first = rec["E.spike"].steps[0]
    V = rec["E.V_m"].values[:, 0]
    assert np.all(V[first - 1 : first + 6] == -60)
    assert V[first + 6] > -60


def test_alif_threshold_rises_by_beta_and_decays():
    """With a = exp(-dt / tau_a) a + z the threshold is V_th + beta a (Bellec et al. 2020)."""
    rec = simulate(sx.ALIF(I_e=400 * pA, tau_a=50 * ms, beta=5 * mV), 300, 0.5, ["a", "spike"])
    a, z = 0.0, np.zeros(601)
    z[rec["E.spike"].steps] = 1
    for t in range(600):
        a = a * np.exp(-0.5 / 50) + z[t]
        assert rec["E.a"].values[t, 0] == pytest.approx(a, rel=1e-12)
    gaps = np.diff(rec["E.spike"].steps)
    assert gaps[-1] > 1.5 * gaps[0], "it adapts"


def test_adexif_spike_time_converges_to_the_solution():
    """First spike of the published model, from a tight solver; late by less than 1.5 steps."""
    p = dict(C=281.0, g=30.0, E=-70.6, T=-50.4, D=2.0, a=4.0, tw=144.0, current=900.0, peak=-40.4)

    def rhs(_, y):
        V, w = y
        up = p["g"] * p["D"] * np.exp((V - p["T"]) / p["D"])
        dV = (p["g"] * (p["E"] - V) + up - w + p["current"]) / p["C"]
        return dV, (p["a"] * (V - p["E"]) - w) / p["tw"]

    def peak(_, y):
        return y[0] - p["peak"]

    peak.terminal = True
    solution = solve_ivp(rhs, (0, 100), (-70.6, 0), rtol=1e-11, atol=1e-11, events=peak)
    exact = solution.t_events[0][0]
    for dt in (0.2, 0.1, 0.05):
        spikes = simulate(sx.AdExIF(I_e=900 * pA), 40, dt, "spike")["E.spike"]
        assert exact <= spikes.steps[0] * dt <= exact + 1.5 * dt


def test_hh_rests_where_the_currents_cancel():
    """Rest of the published constants: -65.0 mV within 0.01, and it stays there."""
    model = sx.HH()

    @jax.jit
    def total(V):
        gates = [alpha(V) / (alpha(V) + beta(V)) for alpha, beta in model._gates()]
        return model._channels(V, *gates)

    rest = brentq(lambda V: float(total(V)), -80, -50)
    assert rest == pytest.approx(-65.0, abs=0.01)
    rec = simulate(sx.HH(), 100, 0.05, "V_m")
    assert rec["E.V_m"].values[-1, 0] == pytest.approx(rest, abs=1e-6)


def test_hh_fires_at_the_published_rate():
    """10 uA/cm^2 (1000 pA for 100 pF) makes the squid axon fire at 68 to 69 Hz; 5 makes it rest."""
    current = np.array([1000.0, 500.0])
    rec = simulate(sx.HH(I_e=current * pA), 1100, 0.05, "spike", size=2)
    trains = [t / ms for t in rec["E.spike"].spike_trains()]
    late = trains[0][trains[0] > 100]
    assert 1e3 / np.diff(late).mean() == pytest.approx(68.4, abs=0.7)
    assert len(trains[1]) <= 1


def test_hh_equals_a_general_solver():
    model = sx.HH(I_e=700 * pA)

    @jax.jit
    def slopes(y):
        V, *gates = y
        rates = zip(model._gates(), gates, strict=True)
        current = model._channels(V, *gates) + 700
        return jnp.stack([current / 100, *(a(V) * (1 - x) - b(V) * x for (a, b), x in rates)])

    def rhs(_, y):
        return np.asarray(slopes(y))

    start = [-65.0, *(float(a(-65.0) / (a(-65.0) + b(-65.0))) for a, b in model._gates())]
    samples = np.arange(1.0, 13)
    exact = solve_ivp(rhs, (0, 12), start, rtol=1e-9, atol=1e-9, t_eval=samples).y[0]
    errors = []
    for dt in (0.1, 0.05, 0.025):
        rec = simulate(model, 12, dt, sx.every(1 * ms, "V_m"))
        errors.append(np.abs(rec["E.V_m"].values[:, 0] - exact).max())
    order = np.polyfit(np.log([0.1, 0.05, 0.025]), np.log(errors), 1)[0]
    assert 1.7 < order < 2.4, (order, errors)


KINETICS = {"e": sx.Expon(3 * ms), "d": sx.DualExpon(2 * ms, 30 * ms), "a": sx.Alpha(4 * ms)}
COUPLINGS = {"e": sx.COBA(), "d": sx.MgBlock(), "a": sx.COBA(-80 * mV)}


@pytest.mark.parametrize("neuron", ["LIF", "AdExIF"])
def test_order_two_with_several_receptors(neuron):
    """AMPA, NMDA with its block and GABA together: the error falls as dt squared."""
    model = sx.model(neuron)(**{"V_th": 0 * mV})
    cell = sx.Cell(model, **{k: sx.Receptor(v, COUPLINGS[k]) for k, v in KINETICS.items()})
    dts = np.array([1.0, 0.5, 0.25, 0.125, 1 / 64])
    ends = []
    for dt in dts:
        n = round(40 / dt)
        arrivals = {name: np.zeros((n, 1)) for name in KINETICS}
        for name, at, g in (("e", 4, 6.0), ("d", 8, 9.0), ("a", 15, 8.0), ("e", 20, 5.0)):
            arrivals[name][round(at / dt) - 1] += g
        inputs = {f"E.{k}": v * nS for k, v in arrivals.items()}
        ends.append(simulate(cell, 40, dt, "V_m", inputs=inputs)["E.V_m"].values[-1, 0])
    errors = np.abs(np.array(ends[:-1]) - ends[-1])
    order = np.polyfit(np.log(dts[:-1]), np.log(errors), 1)[0]
    assert 1.8 < order < 2.5, (order, errors)


@pytest.mark.parametrize(
    ("kinetics", "response"),
    [
        (sx.Expon(4 * ms), lambda t: np.exp(-t / 4)),
        (sx.Alpha(3 * ms), lambda t: t / 3 * np.exp(1 - t / 3)),
        (
            sx.DualExpon(1 * ms, 6 * ms),
            lambda t: (np.exp(-t / 6) - np.exp(-t)) / _peak(1.0, 6.0),
        ),
    ],
)
def test_response_to_one_spike_is_the_closed_form(kinetics, response):
    """Peak 1 for a weight of 1, exact at any dt."""
    cell = sx.Cell(sx.LIF(), r=sx.Receptor(kinetics, sx.CUBA()))
    for dt in (0.1, 2.0):
        arrivals = np.zeros((round(40 / dt), 1))
        arrivals[0] = 1
        rec = simulate(cell, 40, dt, "r", inputs={"E.r": arrivals * pA})
        t = rec["E.r"].times / ms - dt
        assert np.allclose(rec["E.r"].values[:, 0], response(t), rtol=1e-12, atol=1e-14)
    fine = np.linspace(0, 40, 400001)
    assert response(fine).max() == pytest.approx(1, abs=1e-8)


def _peak(rise, decay):
    t = np.log(decay / rise) * rise * decay / (decay - rise)
    return np.exp(-t / decay) - np.exp(-t / rise)


def test_stp_reaches_the_published_steady_state():
    """Depression alone at rate r: release U (1 - e) / (1 - (1 - U) e), e = exp(-1 / (r tau_d))."""
    train = np.arange(20.0, 4000, 25)
    net = sx.Network(
        {"S": sx.Population(sx.SpikeTimes(train * ms), 1, {"stp": sx.STP(0.5, 200 * ms)})}
    )
    model = net.build(dt=1 * ms)
    _, rec = sx.simulate(model, model.init_state(), 4000 * ms, record={"S": ["stp", "spike"]})
    e = np.exp(-25 / 200)
    released = rec["S.stp"].values[rec["S.spike"].steps - 1, 0]
    assert released[0] == 0.5
    assert released[-1] == pytest.approx(0.5 * (1 - e) / (1 - 0.5 * e), rel=1e-10)


def test_stp_releases_two_spikes_of_one_step_one_after_the_other():
    """The same as two steps that no time lies between."""
    stp, spikes = sx.STP(0.6, 100 * ms, 50 * ms), [1.0, 1.0]
    state, both = (stp.init_state(1, key=0, dt=1.0) for _ in range(2))
    for _ in range(3):
        both = stp.update(both, {"spike": np.full(1, 2.0)}, t=0, dt=1.0)
        released = 0.0
        for i, spike in enumerate(spikes):
            state = stp.update(state, {"spike": np.full(1, spike)}, t=0, dt=1.0 if i == 0 else 0.0)
            released += float(state.release[0])
        assert float(both.release[0]) == pytest.approx(released, rel=1e-12)
        assert float(both.x[0]) == pytest.approx(float(state.x[0]), rel=1e-12)
    five = stp.update(state, {"spike": np.full(1, 5.0)}, t=0, dt=1.0)
    assert 0 <= float(five.x[0]) <= 1


def test_spike_times_and_step_current_keep_their_times():
    table = sx.SpikeTimes.from_trains([[0.5, 2.0, 2.0] * ms, [1.5] * ms, [] * ms])
    net = sx.Network(
        {
            "S": sx.Population(table, 3),
            "I": sx.Population(sx.StepCurrent([2.0, 5.0] * ms, [10.0, -4.0] * pA), 1),
            "E": sx.Population(sx.LIF(tau_m=1e9 * ms), 1),
        },
        [sx.Projection("I", "E", "current", sx.all_to_all(), 1.0, signal="current")],
    )
    model = net.build(dt=0.5 * ms)
    _, rec = sx.simulate(model, model.init_state(), 8 * ms, record={"S": "spike", "E": "V_m"})
    assert [list(t / ms) for t in rec["S.spike"].spike_trains()] == [[0.5, 2.0, 2.0], [1.5], []]
    t = rec["E.V_m"].times / ms
    charge = 10 * np.clip(t - 2, 0, 3) - 4 * np.clip(t - 5, 0, None)
    assert np.allclose(rec["E.V_m"].values[:, 0], -60 + charge / 200, atol=1e-6)


def test_poisson_has_its_rate_and_independent_trains():
    rec = simulate(sx.Poisson(80 * sx.units.Hz), 5000, 1.0, "spike", size=200)
    counts = np.array([len(t) for t in rec["E.spike"].spike_trains()])
    assert counts.mean() == pytest.approx(400, abs=4 * 20 / np.sqrt(200))
    assert counts.var() == pytest.approx(400, rel=0.45)
    assert rec["E.spike"].isi_cv().mean() == pytest.approx(1, abs=0.05)
