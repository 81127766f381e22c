"""One test a neuron: its closed form, its published figures, or a general-purpose solver."""

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.optimize import minimize_scalar

import spikax as sx
from spikax.units import ms, mV, nS, pA

pytestmark = pytest.mark.usefixtures("x64")


def run(model, duration, dt, size, record="spike"):
    net = sx.Network({"E": sx.Population(model, size)}).build(dt=dt * ms)
    return sx.simulate(net, net.init_state(), duration * ms, record={"E": record})[1]


def trains(*args):
    return [times / ms for times in run(*args)["E.spike"].spike_trains()]


def test_if_period_is_charge_over_current():
    """Period t_ref + C_m (V_th - V_reset) / I, rounded up to the grid; none without current."""
    current = np.array([0.0, 97, 257, 397])
    silent, *firing = trains(sx.IF(I_e=current * pA), 100, 0.1, 4)
    assert len(silent) == 0
    for train, I in zip(firing, current[1:], strict=True):
        assert np.allclose(np.diff(train), 2 + 0.1 * np.ceil(200 * 10 / I / 0.1))


def test_expif_rheobase_and_period():
    """Rheobase g_L (V_T - E_L - Delta_T) = 16.2 pA; the period is the integral of dV / slope."""
    current = np.array([0.99 * 16.2, 1.05 * 16.2, 30, 80])
    silent, *firing = trains(sx.ExpIF(I_e=current * pA), 1000, 0.05, 4)
    assert len(silent) == 0

    def per_mV(V, I):
        return 10 / (-65 - V + 3.48 * np.exp((V + 59.9) / 3.48) + I / 10)

    for train, I in zip(firing, current[1:], strict=True):
        period = 2 + quad(per_mV, -68, -59.9 + 5 * 3.48, args=(I,))[0]
        assert np.diff(train).mean() == pytest.approx(period, rel=1e-3, abs=0.05)


def test_quaif_period_is_the_arc_tangent():
    """tau_m / (a_0 k) (atan((V_peak - m) / k) - atan((V_reset - m) / k)) above 37.5 pA."""
    current = np.array([0.99 * 37.5, 1.05 * 37.5, 60, 200])
    silent, *firing = trains(sx.QuaIF(I_e=current * pA), 800, 0.05, 4)
    assert len(silent) == 0
    for train, I in zip(firing, current[1:], strict=True):
        k = np.sqrt((I - 37.5) / 10 * 15)
        period = 2 + 10 * 15 / k * (np.arctan(57.5 / k) - np.arctan(-7.5 / k))
        assert np.diff(train).mean() == pytest.approx(period, rel=1e-3, abs=0.05)


def solved(rhs, start, event, duration):
    """Times at which `event` crosses zero upwards, from a general-purpose solver."""
    event.direction = 1
    return solve_ivp(
        rhs, (0, duration), start, "DOP853", events=event, rtol=1e-10, atol=1e-10, max_step=1.0
    )


def test_adquaif_adapts_like_a_general_solver():
    """Each of the first intervals, with the reset done by hand between two calls of the solver."""

    def rhs(_, y):
        V, w = y
        return (V + 65) * (V + 50) / 150 + (250 - w) / 100, (2 * (V + 65) - w) / 100

    def peak(_, y):
        return y[0]

    peak.terminal = True
    y, expected = (-65.0, 0.0), []
    for _ in range(8):
        solution = solved(rhs, y, peak, 200)
        expected.append(solution.t_events[0][0])
        y = (-65.0, solution.y_events[0][0][1] + 40)
    got = trains(sx.AdQuaIF(I_e=250 * pA, t_ref=0 * ms), 300, 0.02, 1)[0]
    assert np.allclose(np.diff(got)[:7], expected[1:], rtol=2e-3, atol=0.04)
    assert expected[-1] > 1.3 * expected[1], "it adapts"


def bursts(train, pause):
    """Spikes in each burst but the last, which may be cut; a pause ends a burst."""
    ends = np.flatnonzero(np.diff(train) > pause) + 1
    return np.diff([0, *ends])


def test_gif_fires_in_the_published_patterns():
    """Tonic, adapting, phasic, bursting: figure 1 of Mihalas & Niebur 2009."""
    volts_per_s = np.array([1.5, 2, 1.5, 2]) * 200 * pA
    model = sx.GIF(
        I_e=volts_per_s,
        a=np.array([0, 0.005, 0.005, 0.005]) / ms,
        A_1=np.array([0, 0, 0, 10]) * 200 * pA,
        A_2=np.array([0, 0, 0, -0.6]) * 200 * pA,
    )
    tonic, adapting, phasic, bursting = trains(model, 500, 0.05, 4)
    assert np.allclose(np.diff(tonic), 20 * np.log(30 / 10), atol=0.05)
    assert np.all(np.diff(np.diff(adapting)) > -0.06)
    assert np.diff(adapting)[-1] > 1.4 * np.diff(adapting)[0]
    assert 1 <= len(phasic) <= 6
    assert phasic[-1] < 250
    assert np.all(bursts(bursting, 30) >= 3)
    assert len(bursts(bursting, 30)) >= 3


PATTERNS = {"RS": (0.02, 0.2, -65, 8), "IB": (0.02, 0.2, -55, 4), "CH": (0.02, 0.2, -50, 2)}
PATTERNS |= {"FS": (0.1, 0.2, -65, 2), "LTS": (0.02, 0.25, -65, 2)}


def test_izhikevich_fires_in_the_published_patterns():
    """Figure 2 of Izhikevich 2003, current 10 from rest for half a second."""
    a, b, c, d = np.array(list(PATTERNS.values())).T
    model = sx.Izhikevich(
        a=a / ms, b=b / ms, V_reset=c * mV, d=d * mV / ms, V_init=-70 * mV, I_e=1000 * pA
    )
    gaps = {n: np.diff(t) for n, t in zip(PATTERNS, trains(model, 500, 0.1, 5), strict=True)}
    assert gaps["RS"][-1] > 1.5 * gaps["RS"][0], "regular spiking adapts"
    assert gaps["IB"][:2].max() < 10 < 25 < gaps["IB"][4:].min(), "one burst, then single spikes"
    assert np.ptp(gaps["IB"][6:]) < 0.5
    stops = np.flatnonzero(gaps["CH"] > 20)
    assert len(stops) >= 6, "chattering: burst after burst"
    assert np.median(gaps["CH"]) < 5
    assert np.ptp(gaps["FS"][5:]) < 0.5, "fast spiking: no adaptation"
    assert 1e3 / gaps["FS"][-1] > 100
    assert 1e3 / gaps["LTS"][0] > 150 > 100 > 1e3 / gaps["LTS"][-1], "fast at first, then adapted"


def test_fitzhugh_nagumo_limit_cycle():
    """Period and range of the cycle at I = 0.5; rest at I = 0.3, below the Hopf point 0.331."""

    def rhs(_, y):
        x, w = y
        return x - x**3 / 3 - w + 0.5, 0.08 * (x + 0.7 - 0.8 * w)

    def crossing(_, y):
        return y[0] - 1

    exact = solved(rhs, (-1.2, -0.625), crossing, 400)
    model = sx.FitzHughNagumo(I_e=np.array([90.0, 150]) * pA)
    rec = run(model, 400, 0.1, 2, ["spike", "V_m"])
    silent, firing = (t / ms for t in rec["E.spike"].spike_trains())
    assert len(silent) <= 1
    period = np.diff(exact.t_events[0])[3:].mean()
    assert np.diff(firing)[3:].mean() == pytest.approx(period, rel=5e-3)
    x = (rec["E.V_m"].values[2000:, 1] + 30) / 30
    late = exact.y[0][exact.t > 200]
    assert np.allclose([x.min(), x.max()], [late.min(), late.max()], atol=0.02)


def test_hindmarsh_rose_bursts():
    """I = 2, r = 0.005: as many spikes in each burst as a general solver finds."""

    def rhs(_, y):
        x, fast, slow = y
        dx = fast - x**3 + 3 * x**2 - slow + 2
        return dx, 1 - 5 * x**2 - fast, 0.005 * (4 * (x + 1.6) - slow)

    def crossing(_, y):
        return y[0] - 2 / 3

    exact = solved(rhs, (-1.6, -11.8, 0.0), crossing, 1000).t_events[0]
    rest, got = trains(sx.HindmarshRose(I_e=np.array([0.0, 600]) * pA), 1000, 0.05, 2)
    assert len(rest) == 0
    assert len(bursts(exact, 50)) >= 3
    assert list(bursts(got, 50)) == list(bursts(exact, 50))


CLASS_1 = {"g_Ca": 4 * nS, "phi": 0.067 / ms, "V_3": 12 * mV, "V_4": 17.4 * mV}


def test_morris_lecar_of_both_classes():
    """Class I fires above the saddle-node at 40 pA, arbitrarily slowly; class II at 10 Hz at once.

    The saddle-node is the local maximum of the steady current against V (Rinzel & Ermentrout 1989).
    """
    one = sx.MorrisLecar(**CLASS_1)

    def steady(V):
        return float(one.channels(V, one.w_inf(V)))

    rheobase = -minimize_scalar(steady, bounds=(-45, -10), method="bounded").fun
    assert rheobase == pytest.approx(39.96, abs=0.05)
    current = np.array([0.99, 1.01]) * rheobase * pA
    silent, slow = trains(sx.MorrisLecar(**CLASS_1, I_e=current), 1500, 0.1, 2)
    assert len(silent) == 0
    assert 1e3 / np.diff(slow).mean() < 4
    silent, fast = trains(sx.MorrisLecar(I_e=np.array([85.0, 95.0]) * pA), 1500, 0.1, 2)
    assert len(silent) <= 1
    assert 1e3 / np.diff(fast).mean() > 9


def test_wang_buzsaki_rate():
    """Rheobase 0.16 uA/cm^2 (Fourcaud-Trocme et al. 2003); rate of a general solver at 1."""
    model = sx.WangBuzsaki()

    def steady(V):
        return -float(model._channels(V, *(gate.steady(V) for gate in model._gates())))

    rheobase = -minimize_scalar(lambda V: -steady(V), bounds=(-66, -50), method="bounded").fun
    assert rheobase == pytest.approx(16, abs=0.5)

    def rhs(_, y):
        V, h, n = y
        a, b = 0.1 * (V + 35) / -np.expm1(-0.1 * (V + 35)), 4 * np.exp(-(V + 60) / 18)
        sodium = 35 * (a / (a + b)) ** 3 * h * (V - 55)
        dh = 0.07 * np.exp(-(V + 58) / 20) * (1 - h) - h / (np.exp(-0.1 * (V + 28)) + 1)
        a_n = 0.01 * (V + 34) / -np.expm1(-0.1 * (V + 34))
        dn = a_n * (1 - n) - 0.125 * np.exp(-(V + 44) / 80) * n
        return 1 - sodium - 9 * n**4 * (V + 90) - 0.1 * (V + 65), 5 * dh, 5 * dn

    def crossing(_, y):
        return y[0]

    exact = np.diff(solved(rhs, (-64.0, 0.78, 0.09), crossing, 150).t_events[0])[2:].mean()
    current = np.array([0.97 * rheobase, 1.1 * rheobase, 100])
    silent, slow, fast = trains(sx.WangBuzsaki(I_e=current * pA), 400, 0.02, 3)
    assert len(silent) == 0
    assert 1e3 / np.diff(slow).mean() < 10
    assert np.diff(fast)[2:].mean() == pytest.approx(exact, rel=3e-3)
