"""Inputs against closed forms, and noise against its law within four standard errors."""

import numpy as np
import pytest
from scipy import stats

import spikax as sx
from spikax.errors import ConfigError, ShapeError
from spikax.units import Hz, ms, mV, pA

pytestmark = pytest.mark.usefixtures("x64")


def simulate(model, duration, dt, record, size=1, **options):
    net = sx.Network({"E": sx.Population(model, size)}).build(dt=dt * ms)
    options = {"record": {"E": record}} | options
    return sx.simulate(net, net.init_state(), duration * ms, **options)[1]


def potential(current, duration, dt, **membrane):
    """Times and depolarisation of a passive membrane that an input drives."""
    neuron = sx.LIF(V_th=1e9 * mV, t_ref=0 * ms, **membrane)
    net = sx.Network(
        {"I": sx.Population(current, 1), "E": sx.Population(neuron, 1)},
        [sx.Projection("I", "E", "current", sx.all_to_all(), 1.0, signal="current")],
    ).build(dt=dt * ms)
    series = sx.simulate(net, net.init_state(), duration * ms, record={"E": "V_m"})[1]["E.V_m"]
    return series.times / ms, series.values[:, 0] + 60


def test_ramp_is_integrated_exactly():
    """V' = I / C_m: a parabola through the ramp, at any dt, and a plateau after it."""
    ramp = sx.Ramp(20 * pA, -60 * pA, 4 * ms, 20 * ms)
    for dt in (0.5, 4.0):
        t, V = potential(ramp, 28, dt, tau_m=1e12 * ms)
        s = np.clip(t - 4, 0, 16)
        assert np.allclose(V, (20 * s - 80 / 16 * s**2 / 2) / 200, atol=1e-7)


def test_sine_through_a_passive_membrane():
    """R A / sqrt(1 + (omega tau)^2) after the transient, and order 2 in dt all along."""
    omega, R = 2 * np.pi * 0.025, 0.1
    gain = 1 / np.sqrt(1 + (omega * 20) ** 2)
    errors = []
    for dt in (1.0, 0.5):
        t, V = potential(sx.Sine(150 * pA, 25 * Hz, phase=0.7), 400, dt)
        swing = np.sin(omega * t + 0.7 - np.arctan(omega * 20))
        start = np.sin(0.7 - np.arctan(omega * 20))
        errors.append(np.abs(V - R * 150 * gain * (swing - start * np.exp(-t / 20))).max())
    assert np.ptp(V[-80:]) / 2 == pytest.approx(15 * gain, rel=1e-3)
    assert errors[1] < 1e-2
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_sine_keeps_to_its_interval_and_offset():
    sine = sx.Sine(10 * pA, 100 * Hz, 3 * pA, start=2 * ms, stop=[12, 7] * ms)
    values = simulate(sine, 15, 0.5, "current", size=2)["E.current"].values
    time = np.arange(30) * 0.5 + 0.25
    expected = 3 + 10 * np.sin(2 * np.pi * 0.1 * (time - 2))
    for neuron, stop in enumerate((12, 7)):
        inside = (time > 2) & (time < stop)
        assert np.allclose(values[:, neuron], np.where(inside, expected, 0), atol=1e-12)


def test_section_holds_each_value_for_its_duration():
    section = sx.StepCurrent.section([1, 0, -2] * pA, [2, 1, 3] * ms)
    got = simulate(section, 8, 1.0, "current")["E.current"].values[:, 0]
    assert list(got) == [1, 1, 0, -2, -2, -2, 0, 0]


def test_step_current_of_each_neuron():
    current = sx.StepCurrent([0, 2] * ms, [[1, 2], [3, 4]] * pA)
    got = simulate(current, 3, 1.0, "current", size=2)["E.current"].values
    assert got.tolist() == [[1, 2], [1, 2], [3, 4]]
    with pytest.raises(ShapeError, match=r"StepCurrent has shape \(2,\), expected .* \(3,\)"):
        simulate(current, 3, 1.0, "current", size=3)


def test_ramp_needs_time():
    with pytest.raises(ConfigError, match=r"start = 5.0 ms must be before Ramp.stop = 5.0 ms"):
        sx.Ramp(start=5 * ms, stop=5 * ms)


SIZE = 400


def test_ornstein_uhlenbeck_variance_and_autocorrelation():
    """sigma^2 from the first step on, and e^(-lag/tau), for steps as long as tau.

    A sample at every step counts as (1 - r) / (1 + r) of an independent one, r = e^(-2 dt/tau).
    """
    noise = sx.OrnsteinUhlenbeck(30 * pA, 20 * pA, 4 * ms)
    for dt in (0.5, 4.0):
        z = (simulate(noise, 500 * dt, dt, "current", SIZE)["E.current"].values - 30) / 20
        assert abs(z[0].mean()) < 4 / np.sqrt(SIZE)
        assert abs(z[0].var() - 1) < 4 * np.sqrt(2 / SIZE)
        r = np.exp(-2 * dt / 4)
        error = np.sqrt(2 / z.size * (1 + r) / (1 - r))
        for lag in (0, 1, 3):
            product = np.mean(z[lag:] * z[: len(z) - lag])
            assert abs(product - np.exp(-lag * dt / 4)) < 4 * error
        assert abs(np.corrcoef(z[:, 0], z[:, 1])[0, 1]) < 4 / np.sqrt(len(z) * (1 - r) / (1 + r))


def test_wiener_variance_grows_linearly():
    for dt in (0.5, 2.0):
        rec = simulate(sx.Wiener(6 * pA, 4 * ms), 40, dt, "current", 2000)["E.current"]
        expected = 36 * (rec.times / ms) / 4
        assert np.allclose(rec.values.var(axis=1) / expected, 1, atol=4 * np.sqrt(2 / 2000))
        steps = np.diff(rec.values, axis=0)
        assert abs(np.corrcoef(steps[:-1].ravel(), steps[1:].ravel())[0, 1]) < 4 / steps.size**0.5


def counts(model, duration, dt, size=SIZE, **options):
    """Spikes in each step of each neuron, (steps, size)."""
    spikes = simulate(model, duration, dt, "spike", size, **options)["E.spike"]
    table = np.zeros((round(duration / dt), size))
    np.add.at(table, (spikes.steps - 1, spikes.ids), 1)
    return table


def test_poisson_sums_up_its_sources():
    """Mean and variance of a step are sources * rate * dt, those of a Poisson number."""
    got = counts(sx.Poisson(8 * Hz, sources=np.repeat([1000, 250], SIZE // 2)), 100, 0.5)
    for half, mean in zip(np.split(got, 2, axis=1), (4.0, 1.0), strict=True):
        assert abs(half.mean() - mean) < 4 * np.sqrt(mean / half.size)
        assert abs(half.var() - mean) < 4 * np.sqrt((2 * mean**2 + mean) / half.size)
    with pytest.raises(ConfigError, match=r"at 800000 Hz makes 80 spikes in a step of 0\.1 ms"):
        counts(sx.Poisson(8 * Hz, sources=100_000), 100, 0.1)


def test_inhomogeneous_poisson_follows_its_table_and_its_port():
    """The mean count up to t is the integral of max(0, table + port)."""
    table = sx.InhomogeneousPoisson([10, 30, 30, 50] * ms, [0, 400, 100, 200] * Hz)
    drive = np.where(np.arange(60) < 40, 0.0, -150.0)[:, None]
    got = counts(table, 60, 1.0, inputs={"E.rate": drive * Hz})
    t = np.arange(60) + 0.5
    rate = np.interp(t, [10, 30 - 1e-9, 30, 50], [0, 400, 100, 200]) + drive[:, 0]
    expected = np.cumsum(np.maximum(rate, 0)) * 1e-3
    assert np.all(np.abs(got.cumsum(0).mean(1) - expected) <= 4 * np.sqrt(expected / SIZE))
    assert np.all(got[:10] == 0)


def test_inhomogeneous_poisson_of_each_neuron():
    rates = np.array([[0, 100], [0, 300]])
    got = counts(sx.InhomogeneousPoisson([0, 1000] * ms, rates * Hz), 1000, 1.0, 2).sum(0)
    assert got[0] == 0
    assert abs(got[1] - 200) < 4 * np.sqrt(200)


def test_refractory_poisson_intervals():
    """Mean rate, CV 1 - rate t_ref, a shifted exponential law, and equilibrium from the start."""
    rate, t_ref, dt, duration = 0.05, 12.0, 0.02, 500
    spikes = simulate(sx.RefractoryPoisson(50 * Hz, t_ref * ms), duration, dt, "spike", SIZE)
    trains = [t / ms for t in spikes["E.spike"].spike_trains()]
    gaps = np.concatenate([np.diff(t) for t in trains])
    cv, n = 1 - rate * t_ref, sum(map(len, trains))
    assert abs(n - rate * duration * SIZE) < 4 * cv * np.sqrt(n)
    assert gaps.min() > t_ref
    assert abs(gaps.std() / gaps.mean() - cv) < 4 * cv / np.sqrt(n) * 2 + dt * rate
    hazard = rate / (1 - rate * t_ref)
    assert stats.kstest(gaps - dt / 2, "expon", args=(t_ref, 1 / hazard)).pvalue > 0.01
    early, share = sum(np.sum(t <= t_ref) for t in trains), rate * t_ref
    assert abs(early - share * SIZE) < 4 * np.sqrt(share * (1 - share) * SIZE)


def test_refractory_poisson_at_the_ends_of_its_range():
    """A rate of zero is silent, the highest one is a clock with a random phase."""
    got = counts(sx.RefractoryPoisson([0, 250] * Hz, 3 * ms), 100, 1.0, 2)
    assert list(got.sum(0)) == [0, 25]
    with pytest.raises(ConfigError, match=r"rate \* \(t_ref \+ dt\) is 1\.2, at most 1"):
        counts(sx.RefractoryPoisson(300 * Hz, 3 * ms), 100, 1.0)


def test_noise_does_not_depend_on_chunks():
    currents = {"OU": sx.OrnsteinUhlenbeck(), "W": sx.Wiener()}
    trains = {"P": sx.Poisson(100 * Hz), "R": sx.RefractoryPoisson(100 * Hz)}
    nodes = {n: sx.Population(m, 3) for n, m in (currents | trains).items()}
    net = sx.Network(nodes).build(dt=1 * ms)
    record = dict.fromkeys(currents, "current") | dict.fromkeys(trains, "spike")
    runs = [
        sx.simulate(net, net.init_state(), 60 * ms, record=record, chunk=chunk)[1]
        for chunk in (60, 7)
    ]
    for name in currents:
        first, second = (rec[f"{name}.current"].values for rec in runs)
        assert np.array_equal(first, second)
    for name in trains:
        first, second = (rec[f"{name}.spike"] for rec in runs)
        assert np.array_equal(first.steps, second.steps)
        assert np.array_equal(first.ids, second.ids)
        assert len(first.ids)


ROWS = np.array([[4.0, 2], [1.5, 0], [0.5, 2], [1.5, 0]])


def write_spikes(path, rows):
    if path.suffix == ".npz":
        np.savez(path, times=rows[:, 0], neurons=rows[:, 1].astype(int))
    elif path.suffix == ".npy":
        np.save(path, rows)
    else:
        np.savetxt(path, rows, header="time neuron")
    return path


@pytest.mark.parametrize("name", ["spikes.npz", "spikes.npy", "spikes.txt"])
def test_spike_times_from_a_file(name, tmp_path):
    path = write_spikes(tmp_path / name, ROWS)
    expected = sx.SpikeTimes.from_trains([[1.5, 1.5] * ms, [] * ms, [0.5, 4.0] * ms])
    assert sx.SpikeTimes.from_file(path) == expected
    assert sx.SpikeTimes.from_file(path, size=5).times.shape == (2, 5)


def test_one_spike_in_a_file(tmp_path):
    path = write_spikes(tmp_path / "spikes.txt", ROWS[:1])
    assert sx.SpikeTimes.from_file(path).times.shape == (1, 3)


BAD_FILES = {
    "three columns": ("a.npy", np.ones((4, 3)), None, r"a\.npy holds no spikes.*rows of time"),
    "negative neuron": (
        "a.txt",
        ROWS - np.array([0, 1]),
        None,
        r"a neuron -1; indices go from 0 to 1",
    ),
    "half a neuron": ("a.npy", ROWS + np.array([0, 0.5]), None, r"a neuron 2\.5; indices"),
    "too many neurons": ("a.npy", ROWS, 2, r"a neuron 2; indices go from 0 to 1"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_file_of_no_spikes(case, tmp_path):
    name, rows, size, match = BAD_FILES[case]
    with pytest.raises(ConfigError, match=match):
        sx.SpikeTimes.from_file(write_spikes(tmp_path / name, rows), size)


@pytest.mark.parametrize("name", ["a.npz", "a.npy", "a.txt"])
def test_file_of_another_kind(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"\x00\xffno spikes\n")
    with pytest.raises(ConfigError, match=f"{name} holds no spikes that can be read"):
        sx.SpikeTimes.from_file(path)
    with pytest.raises(FileNotFoundError, match="missing"):
        sx.SpikeTimes.from_file(tmp_path / f"missing.{name}")
