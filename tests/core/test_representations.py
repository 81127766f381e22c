"""What a prompt and a notebook show of an object: the same tables, short, and escaped."""

import xml.etree.ElementTree as ElementTree

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.units import ms, mV, nS


@pytest.fixture(scope="module")
def net():
    cell = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(), sx.COBA()))
    return sx.Network(
        {"E": sx.Population(cell, 4), "I<": sx.Population(cell, 3)},
        [sx.Projection("E", ["E", "I<"], "exc", sx.all_to_all(), weight=1 * nS, delay=1 * ms)],
    )


@pytest.fixture(scope="module")
def built(net):
    return net.build(dt=0.5 * ms)


@pytest.fixture(scope="module")
def recording():
    spikes = sx.Spikes(np.array([1, 4, 4]), np.array([0, 2, 5]), 3, 0.5, 0, 10, (5, 0, 2))
    volts = sx.Series(np.zeros((4, 2), np.float32), 2, mV, 0.5, interval=2)
    return sx.Recording({"E.spike": spikes, "E.V_m": volts})


def cells(shown):
    """The rows of every table of a page; it must be well-formed."""
    page = ElementTree.fromstring(f"<div>{shown._repr_html_()}</div>")
    return [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]


@pytest.mark.parametrize("name", ["net", "built"])
def test_notebook_shows_what_the_prompt_shows(name, request):
    shown = request.getfixturevalue(name)
    lines = [line.split("  ") for line in repr(shown).splitlines()]
    columns = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    for row in cells(shown):
        assert [cell for cell in row if cell] in columns


def test_names_are_escaped(built):
    assert "E-&gt;I&lt;" in built._repr_html_()
    assert next(row[:3] for row in cells(built) if row[0] == "E->I<") == ["E->I<", "12", "Dense"]


def test_a_plastic_projection_says_its_rule():
    rule = sx.PairSTDP(w_max=9 * mV)
    projection = sx.Projection(
        "A", "A", "delta", sx.all_to_all(), sx.each(2 * mV), 1 * ms, plasticity=rule
    )
    assert "2 mV), PairSTDP" in repr(sx.Network({"A": sx.Population(sx.LIF(), 2)}, [projection]))


def test_a_built_network_is_its_summary(built):
    assert repr(built) == built.summary()
    assert len(repr(built).splitlines()) == 4 + 1 + 4 + 2
    assert "7 neurons, 28 synapses, dt = 0.5 ms" in built._repr_html_()


def test_what_select_leaves_of_a_network_shows_its_leaves(built):
    picked, rest = sx.select(built, sx.weights())
    assert "edges.E->I<.weight  float32[] nS = 1" in repr(picked)
    assert repr(picked).endswith("2 leaves of a BuiltNetwork")
    assert "..." in repr(rest)
    assert len(repr(rest).splitlines()) < 20
    assert repr(sx.merge(picked, rest)) == repr(built)


def test_a_network_is_shown_under_a_transform(built):
    shown = []
    jax.jit(lambda net: shown.append(repr(net)))(built)
    assert shown == [repr(built)]


def test_a_recording_is_a_row_per_path(recording):
    assert cells(recording) == [
        ["signal", "recorded", "neurons", "unit", "time"],
        ["E.spike", "3 spikes, 200 Hz", "3", "", "0 to 5 ms"],
        ["E.V_m", "4 samples", "2", "mV", "1 to 5 ms"],
    ]


@pytest.mark.parametrize("path", ["E.spike", "E.V_m"])
def test_a_result_is_its_row_of_the_recording(recording, path):
    (row,) = (row for row in cells(recording) if row[0] == path)
    assert cells(recording[path]) == [["recorded", "neurons", "unit", "time"], row[1:]]


def test_a_batch_has_its_shape_and_the_times_of_one():
    batch = sx.Series(jnp.zeros((5, 4, 2)), jnp.zeros(5, int), nS, 0.5)
    assert cells(batch)[1] == ["5 x 4 samples", "2", "nS", "0 to 2 ms"]


def test_nothing_recorded_is_no_error():
    series = sx.Series(np.zeros((0, 2)), 0, mV, 0.5)
    spikes = sx.Spikes(np.array([], int), np.array([], int), 3, 0.5, 0, 0)
    assert cells(sx.Recording({"E.V_m": series, "E.spike": spikes}))[1:] == [
        ["E.V_m", "0 samples", "2", "mV", "0 to 0 ms"],
        ["E.spike", "0 spikes, 0 Hz", "3", "", "0 to 0 ms"],
    ]
