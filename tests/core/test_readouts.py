"""Readouts against their closed forms."""

import numpy as np
import pytest

import spikax as sx
from spikax.units import Hz, ms

pytestmark = pytest.mark.usefixtures("x64")


def read(model, source, signal, duration, dt, weight=1.0, size=1):
    """Times and values of what a readout makes of a source's spikes."""
    net = sx.Network(
        {"S": sx.Population(source, size), "R": sx.Population(model, 1)},
        [sx.Projection("S", "R", "input", sx.all_to_all(), weight)],
    ).build(dt=dt * ms)
    series = sx.simulate(net, net.init_state(), duration * ms, record={"R": signal})[1]
    return series[f"R.{signal}"].times / ms, series[f"R.{signal}"].values[:, 0]


TRAIN = np.array([3.0, 4.0, 4.0, 11.0])


def test_rate_readout_is_a_sum_of_exponentials():
    """sum_k e^(-(t - t_k) / tau) / tau: each spike has the area one."""
    for dt in (0.5, 1.0):
        t, rate = read(sx.RateReadout(5 * ms), sx.SpikeTimes(TRAIN * ms), "rate", 20, dt)
        since = t[:, None] - TRAIN
        assert np.allclose(rate, np.sum((since >= 0) * np.exp(-since / 5), axis=1) / 5)


def test_rate_readout_of_poisson_trains():
    """Mean r, variance r / (2 tau N) of the mean of N Poisson trains."""
    trains, tau = 50, 20.0
    _, rate = read(sx.RateReadout(tau * ms), sx.Poisson(80 * Hz), "rate", 8000, 0.5, 0.02, trains)
    late = rate[400:]
    independent = len(late) * 0.5 / (2 * tau)
    variance = 0.08 / (2 * tau * trains)
    assert abs(late.mean() - 0.08 * (1 + 0.25 / tau)) < 4 * np.sqrt(variance / independent)
    assert abs(late.var() / variance - 1) < 4 * np.sqrt(2 / (2 * independent))


def test_spike_count_is_the_number_of_spikes():
    t, count = read(sx.SpikeCount(), sx.SpikeTimes(TRAIN * ms), "count", 20, 1.0, weight=-0.5)
    assert np.allclose(count, -0.5 * np.searchsorted(TRAIN, t, side="right"))
