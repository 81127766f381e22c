"""Inputs against closed forms, and noise against its law within four standard errors."""

import numpy as np
import pytest

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
