"""Encoders against their closed forms, as they stream in a network."""

import jax
import numpy as np
import pytest

import spikax as sx
from spikax.units import Hz, ms

pytestmark = pytest.mark.usefixtures("x64")


def encode(model, x, dt=1.0, record="spike", size=None):
    """What an encoder makes of the rows of x, (steps, neurons) as counts."""
    size = size or x.shape[1]
    net = sx.Network({"E": sx.Population(model, size)}).build(dt=dt * ms)
    record, wanted = {"E": sx.every(None, record)}, f"E.{record}"

    def run(state):
        return sx.simulate(net, state, len(x) * dt * ms, inputs={"E.x": x}, record=record)[1]

    # Under a transform every signal is a dense series.
    return np.asarray(jax.jit(run)(net.init_state())[wanted].values)


def test_rate_encoder_is_proportional_and_cut():
    x = np.repeat([-0.5, 0.0, 0.25, 1.0, 2.0], 100)
    counts = (
        encode(sx.RateEncoder(200 * Hz), np.tile(x, (2000, 1))).reshape(2000, 5, 100).sum((0, 2))
    )
    expected = 100 * 2000 * 0.2 * np.array([0, 0, 0.25, 1, 1])
    assert np.all(np.abs(counts - expected) <= 4 * np.sqrt(expected))


def test_population_encoder_is_tuned():
    """rate = max_rate exp(-(x - centre)^2 / (2 width^2)), one x shown to all neurons."""
    encoder = sx.PopulationEncoder.evenly(-1, 1, 9, max_rate=400 * Hz)
    x = np.repeat([-0.6, 0.31, 3.0], 40_000)[:, None]
    counts = encode(encoder, x, 0.5, size=9).reshape(3, 40_000, 9).sum(1)
    centres = np.linspace(-1, 1, 9)
    expected = 8000 * np.exp(-((np.array([[-0.6], [0.31], [3.0]]) - centres) ** 2) / (2 * 0.25**2))
    assert np.all(np.abs(counts - expected) <= 4 * np.sqrt(expected) + 1)


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_latency_is_that_of_the_formula(dt):
    """tau ln(x / (x - theta)) after the onset, rounded up to the grid; once, and again after 0."""
    level = np.array([0.1, 0.2, 0.21, 0.4, 0.77, 1.0, 3.0])
    x = np.tile(level, (round(200 / dt), 1))
    onsets = [round(10 / dt), round(110 / dt)]
    x[: onsets[0]] = x[round(100 / dt) : onsets[1]] = 0
    spikes = encode(sx.LatencyEncoder(20 * ms, 0.2), x, dt)
    latency = np.ceil(20 * np.log(level[2:] / (level[2:] - 0.2)) / dt)
    assert np.all(spikes[:, :2] == 0)
    for neuron, steps in enumerate(latency, start=2):
        assert np.array_equal(np.flatnonzero(spikes[:, neuron]) + 1, np.add(onsets, steps))


def test_delta_encoder_follows_within_its_threshold():
    """What the spikes say, x_init + threshold sum(spike - off), is never a threshold off."""
    t = np.arange(400)[:, None]
    x = 0.3 + np.sin(t * [0.02, 0.1]) + np.where(t > 200, 0.55, 0.0)
    encoder = sx.DeltaEncoder(0.1, x_init=0.3)
    on, off, level = (encode(encoder, x, record=name) for name in ("spike", "off", "level"))
    said = 0.3 + 0.1 * np.cumsum(on - off, axis=0)
    assert np.allclose(level, said)
    assert np.abs(x - said).max() < 0.1
    assert np.all(on * off == 0)
    assert on[201].min() >= 4, "a jump makes several spikes at once"
    assert np.all(encode(encoder, np.full((50, 2), 0.39)) == 0), "less than a threshold is silent"


def test_encoder_in_a_closed_loop():
    """A readout is encoded in the same step, and the spikes come back to it a step later."""
    net = sx.Network(
        {
            "S": sx.Population(sx.SpikeTimes([2, 5, 6, 30] * ms), 1),
            "R": sx.Population(sx.LeakyReadout(10 * ms), 1),
            "E": sx.Population(sx.DeltaEncoder(0.04), 1),
        },
        [
            sx.Projection("S", "R", "input", sx.all_to_all(), 1.0),
            sx.Projection("R", "E", "x", sx.all_to_all(), 1.0, signal="y"),
            sx.Projection("E", "R", "input", sx.all_to_all(), -0.01, 1 * ms),
        ],
    ).build(dt=1 * ms)
    record = {"R": "y", "E": [sx.every(None, "spike"), "level"]}
    rec = sx.simulate(net, net.init_state(), 60 * ms, record=record)[1]
    y, level = rec["R.y"].values[:, 0], rec["E.level"].values[:, 0]
    came = np.bincount(rec["E.spike"].steps, minlength=61)
    expected = 0.0
    for step in range(1, 61):
        spikes = (step in (2, 5, 6, 30)) - 0.01 * came[step - 1]
        expected = expected * np.exp(-0.1) + spikes
        assert y[step - 1] == pytest.approx(expected, abs=1e-12)
    assert np.abs(y - level).max() < 0.04
    assert came.sum() > 50


def test_encoders_run_as_a_batch():
    """Under vmap every trial has its own x, its own noise, and what it would have alone."""
    nodes = {"rate": sx.RateEncoder(), "delta": sx.DeltaEncoder()}
    net = sx.Network({n: sx.Population(m, 3) for n, m in nodes.items()}).build(dt=1 * ms)
    x = np.random.default_rng(0).uniform(0, 1, (4, 50, 3))

    def run(key, x):
        inputs = dict.fromkeys(("rate.x", "delta.x"), x)
        record = dict.fromkeys(nodes, "spike")
        return sx.simulate(net, net.init_state(key=key), 50 * ms, inputs=inputs, record=record)[1]

    keys = jax.random.split(jax.random.key(1), 4)
    batch, alone = jax.jit(jax.vmap(run))(keys, x), jax.jit(run)(keys[2], x[2])
    for name in ("rate.spike", "delta.spike"):
        assert np.array_equal(batch[name].values[2], alone[name].values)
        assert np.ptp(np.sum(batch[name].values, axis=(1, 2))) > 0
