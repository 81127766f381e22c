"""Delays are exact to the step; order within a step; zero-delay layers."""

import numpy as np
import pytest

import spikax as sx
from spikax.units import ms, mV

pytestmark = pytest.mark.smoke
N, DT = 6, 0.5
SILENT = sx.LIF(V_th=1e3 * mV, tau_m=1e6 * ms)
TRAIN = np.zeros((60, N))
TRAIN[[3, 4, 17, 40], [0, 1, 2, 0]] = 1
TRAIN[20, :] = 1


def potentials(delay, connectivity=None, weight=1 * mV):
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), N), "post": sx.Population(SILENT, N)},
        [
            sx.Projection(
                "pre", "post", "delta", connectivity or sx.one_to_one(), weight=weight, delay=delay
            )
        ],
    )
    model = net.build(dt=DT * ms)
    _, rec = sx.simulate(
        model, model.init_state(), 60 * DT * ms, inputs={"pre.spike": TRAIN}, record={"post": "V_m"}
    )
    return np.diff(rec["post.V_m"].values + 60, axis=0, prepend=0)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 11])
def test_spike_acts_exactly_after_one_delay(steps):
    """The spike of the step that ends at s moves the potential of the step to s + delay."""
    shifted = np.zeros_like(TRAIN)
    shifted[steps:] = TRAIN[: len(TRAIN) - steps]
    assert np.allclose(potentials(steps * DT * ms), shifted, atol=1e-3)


def test_spike_acts_exactly_after_its_synapses_delay():
    rng = np.random.default_rng(2)
    steps = rng.integers(1, 20, (N, N))
    weight = rng.uniform(0.5, 1.5, (N, N))
    expected = np.zeros_like(TRAIN)
    for s, i in zip(*np.nonzero(TRAIN), strict=True):
        for j in range(N):
            if s + steps[i, j] < len(TRAIN):
                expected[s + steps[i, j], j] += weight[i, j]
    got = potentials(steps * DT * ms, sx.all_to_all(), weight * mV)
    assert np.allclose(got, expected, atol=1e-3)


def test_distributed_delays_stay_within_their_bounds():
    net = sx.Network(
        {"a": sx.Population(sx.Relay(), 50), "b": sx.Population(SILENT, 50)},
        [
            sx.Projection(
                "a",
                "b",
                "delta",
                sx.all_to_all(),
                weight=1 * mV,
                delay=sx.Uniform(0.5 * ms, 2 * ms),
            )
        ],
    )
    edge = net.build(dt=0.1 * ms).edges["a->b"]
    assert set(np.unique(edge.delays)) == set(range(5, 21))
    assert edge.delay == 20


def test_layers_without_delay_act_in_the_same_step():
    """in -> a -> b: both layers fire in the step in which the input came."""
    relay = sx.Population(sx.Relay(), 1)
    net = sx.Network(
        {"b": relay, "a": relay, "in": relay},
        [
            sx.Projection("a", "b", "spike", sx.all_to_all(), weight=1.0),
            sx.Projection("in", "a", "spike", sx.all_to_all(), weight=1.0),
        ],
    )
    assert net.order() == ("in", "a", "b")
    model = net.build(dt=DT * ms)
    _, rec = sx.simulate(
        model,
        model.init_state(),
        1 * DT * ms,
        inputs={"in.spike": np.ones((1, 1))},
        record={"b": "spike"},
    )
    assert rec["b.spike"].steps.tolist() == [1]


def test_two_ports_share_one_connectivity():
    cell = sx.Cell(
        SILENT,
        ampa=sx.Receptor(sx.Expon(2 * ms), sx.COBA()),
        nmda=sx.Receptor(sx.Expon(60 * ms), sx.COBA()),
    )
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), N), "post": sx.Population(cell, N)},
        [
            sx.Projection(
                "pre",
                "post",
                {"ampa": 1, "nmda": 0.3},
                sx.one_to_one(),
                weight=2 * sx.units.nS,
                delay=DT * ms,
            )
        ],
    )
    model = net.build(dt=DT * ms)
    state, _ = sx.simulate(
        model, model.init_state(), 2 * DT * ms, inputs={"pre.spike": np.ones((2, N))}
    )
    got = {n: float(r.g[0]) for n, r in state.nodes["post"].receptors.items()}
    assert got == pytest.approx({"ampa": 2.0, "nmda": 0.6}, rel=1e-6)
    assert len([leaf for leaf in sx.leaves(model) if leaf.kind == "weight"]) == 1


@pytest.mark.parametrize(
    ("longest", "dtype"),
    [(127, np.int8), (128, np.int16), (32767, np.int16), (32768, np.int32)],
)
@pytest.mark.parametrize("drawn", [True, False], ids=["drawn", "stated"])
def test_delays_take_the_fewest_bytes(longest, dtype, drawn):
    """A long delay in few steps of a large one, so that the ring stays short."""
    delay = np.arange(longest - 15, longest + 1).reshape(4, 4) * DT * ms
    law = sx.Uniform((longest - 0.4) * DT * ms, (longest + 0.4) * DT * ms)
    net = sx.Network(
        {"a": sx.Population(sx.Relay(), 4), "b": sx.Population(SILENT, 4)},
        [sx.Projection("a", "b", "delta", sx.all_to_all(), 1 * mV, law if drawn else delay)],
    )
    edge = net.build(dt=DT * ms).edges["a->b"]
    assert edge.delays.dtype == dtype
    assert edge.delay == longest
    assert np.asarray(edge.delays).max() == longest
    assert net.memory(dt=DT * ms).rows[2].delays == edge.delays.nbytes


@pytest.mark.parametrize("steps", [100, 127, 128])
def test_narrow_delays_do_not_overflow_late_in_a_run(steps):
    """Every spike of a long run arrives after its delay, whatever step it is."""
    net = sx.Network(
        {"pre": sx.Population(sx.Relay(), 1), "post": sx.Population(SILENT, 1)},
        [sx.Projection("pre", "post", "delta", sx.all_to_all(), 1 * mV, [[steps * DT]] * ms)],
    )
    model = net.build(dt=DT * ms)
    train = np.zeros((900, 1))
    train[[5, 60, 120, 260, 391, 700]] = 1
    _, rec = sx.simulate(
        model,
        model.init_state(),
        900 * DT * ms,
        inputs={"pre.spike": train},
        record={"post": "V_m"},
    )
    moved = np.diff(rec["post.V_m"].values + 60, axis=0, prepend=0)
    assert np.allclose(moved[steps:], train[:-steps], atol=1e-3)
    assert np.allclose(moved[:steps], 0, atol=1e-3)
