"""What is drawn in blocks: bytes of a built edge, its laws, and that cores do not matter."""

import jax
import numpy as np
import pytest
from scipy import stats

import spikax as sx
from spikax import _blocks
from spikax.units import ms, nS, pA


def drawn_network(weight, delay, n=400):
    cell = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(), sx.COBA()))
    return sx.Network(
        {"E": sx.Population(cell, n)},
        [sx.Projection("E", "E", "exc", sx.fixed_total_number(50 * n), weight, delay)],
    )


DRAWN = sx.Normal(5 * nS, 1 * nS), sx.Normal(1.5 * ms, 0.75 * ms, low=0.1 * ms)


def test_a_static_synapse_takes_eight_bytes_and_its_delay_one():
    """Beside one number per source, where its synapses begin."""
    edge = drawn_network(*DRAWN).build(dt=0.1 * ms).edges["E->E"]
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(edge))
    assert held == 9 * edge.format.n_synapses + 4 * (edge.format.n_pre + 1)


def test_single_and_double_precision_are_one_network():
    single = drawn_network(*DRAWN).build(dt=0.1 * ms).edges["E->E"]
    with jax.enable_x64(True):
        double = drawn_network(*DRAWN).build(dt=0.1 * ms).edges["E->E"]
    assert (single.weight.dtype, double.weight.dtype) == (np.float32, np.float64)
    assert np.array_equal(single.format.indices, double.format.indices)
    assert np.array_equal(single.delays, double.delays)
    assert np.array_equal(single.weight, np.asarray(double.weight, np.float32))


@pytest.mark.parametrize("double", [False, True])
def test_values_in_blocks_follow_the_law_whatever_the_cores(double, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 700)
    edges = []
    for cores in (1, 3):
        monkeypatch.setattr(_blocks, "cores", lambda cores=cores: cores)
        with jax.enable_x64(double):
            edges.append(drawn_network(*DRAWN).build(dt=0.1 * ms).edges["E->E"])
    one, three = edges
    for mine, other in zip(jax.tree.leaves(one), jax.tree.leaves(three), strict=True):
        assert np.array_equal(mine, other)
    weight = np.asarray(one.weight, float)
    assert stats.kstest(weight, stats.norm(5, 1).cdf).pvalue > 0.01
    assert np.unique(weight).size > 0.99 * weight.size
    steps = np.asarray(one.delays, float)
    law = stats.truncnorm((0.1 - 1.5) / 0.75, np.inf, 15, 7.5)
    for at in (5, 15, 25):
        assert np.mean(steps <= at) == pytest.approx(law.cdf(at + 0.5), abs=0.01)


def test_what_the_user_states_is_copied(x64):
    """What is drawn JAX takes without a copy; it must not take an array of the user's."""
    weight = _blocks.empty(64 * 64, float).reshape(64, 64)
    weight[:] = 1.0
    net = sx.Network(
        {"a": sx.Population(sx.Relay(), 64), "b": sx.Population(sx.LIF(), 64)},
        [sx.Projection("a", "b", "current", sx.all_to_all(), weight * pA, 1 * ms)],
    )
    edge = net.build(dt=0.1 * ms).edges["a->b"]
    weight[:] = 7.0
    assert np.all(np.asarray(edge.weight) == 1.0)


def test_pieces_are_joined_whatever_their_number_and_dtype():
    """More of them than was said, and a wider one late, as with delays of which one is long."""
    pieces = [np.arange(3, dtype=np.int8), np.array([], np.int8), np.array([300, 4], np.int16)]
    for about in (0, 2, 5, 100):
        joined = _blocks.joined(iter(pieces), about)
        assert joined.tolist() == [0, 1, 2, 300, 4]
        assert joined.dtype == np.int16
        assert joined.ctypes.data % 64 == 0
