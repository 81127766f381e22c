"""Pictures: what is drawn is what there is, units are on the axes, nothing warns when drawn."""

import io

import numpy as np
import pytest

import spikax as sx
from spikax.errors import UnknownNameError
from spikax.units import Hz, ms, mV, nS

plt = pytest.importorskip("matplotlib.pyplot")
PRE, POST = [0, 0, 1, 3, 3], [1, 1, 2, 0, 2]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(ax):
    """The axes, after everything in them was drawn."""
    ax.figure.savefig(io.BytesIO())
    return ax


@pytest.fixture(scope="module")
def net():
    cell = sx.Cell(
        sx.LIF(),
        exc=sx.Receptor(sx.Expon(), sx.COBA()),
        inh=sx.Receptor(sx.Expon(), sx.COBA(-80 * mV)),
    )
    weights = np.arange(1.0, 6) * nS
    return sx.Network(
        {
            "noise": sx.Population(sx.Poisson(9 * Hz), 250),
            "E": sx.Population(cell, 4),
            "I": sx.Population(cell, 3),
        },
        [
            sx.Projection("E", "I", "exc", sx.explicit(PRE, POST), weights, 1 * ms),
            sx.Projection("E", "E", "exc", sx.all_to_all(), 2 * nS, 1 * ms),
            sx.Projection("I", "E", "inh", sx.all_to_all(), 2 * nS, 1 * ms),
            sx.Projection("noise", "E", "exc", sx.fixed_total_number(600), sx.each(2 * nS), 1 * ms),
        ],
    )


@pytest.fixture(scope="module")
def built(net):
    return net.build(dt=0.1 * ms, seed=1)


def pixels(ax):
    (mesh,) = ax.collections
    return np.asarray(mesh.get_array()).reshape(mesh.get_coordinates().shape[0] - 1, -1)


def test_connectivity_of_few_neurons_shows_each_pair(built):
    ax = drawn(built.plot_connectivity("E->I"))
    matrix = np.zeros((4, 3))
    np.add.at(matrix, (PRE, POST), 1)
    np.testing.assert_array_equal(pixels(ax), matrix)
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("neuron of E", "neuron of I")
    assert ax.yaxis_inverted()
    assert ax.collections[0].colorbar.ax.get_ylabel() == "synapses per pair"


def test_connectivity_of_many_neurons_shows_blocks_of_them(built):
    density = pixels(drawn(built.plot_connectivity("noise->E")))
    assert density.shape == (100, 4)
    rows = np.diff(np.linspace(0, 250, 101).round())
    assert (density * rows[:, None]).sum() == pytest.approx(600)


@pytest.mark.parametrize(("edge", "total"), [("E->I", 15), ("E->E", 32)])
def test_weights_are_a_histogram_over_synapses(built, edge, total):
    ax = drawn(built.plot_weights(edge, state=built.init_state()))
    counts = np.array([bar.get_height() for bar in ax.patches])
    centres = np.array([bar.get_x() + bar.get_width() / 2 for bar in ax.patches])
    assert counts.sum() == built.edges[edge].format.n_synapses
    assert counts @ centres == pytest.approx(total, abs=counts.sum() * np.diff(centres).max())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight (nS)", "synapses")


def test_weights_that_were_learnt_are_those_of_the_state():
    rule = sx.PairSTDP(w_max=9 * mV)
    projection = sx.Projection(
        "A", "B", "delta", sx.all_to_all(), sx.each(2 * mV), 1 * ms, plasticity=rule
    )
    populations = {"A": sx.Population(sx.Relay(), 2), "B": sx.Population(sx.LIF(), 3)}
    model = sx.Network(populations, [projection]).build(dt=0.5 * ms)
    state = model.init_state()
    edge = state.edges["A->B"]
    learnt = state.replace(edges={"A->B": edge.replace(weight=edge.weight + 5)})
    for shown, weight in ((None, 2), (state, 2), (learnt, 7)):
        bars = drawn(model.plot_weights("A->B", state=shown)).patches
        (full,) = (bar for bar in bars if bar.get_height())
        assert full.get_height() == 6
        assert full.get_x() <= weight <= full.get_x() + full.get_width()


@pytest.mark.parametrize("plot", ["plot_connectivity", "plot_weights"])
def test_edge_that_is_not_there_is_named(built, plot):
    with pytest.raises(UnknownNameError, match="no edge 'E->i'; did you mean 'E->I'"):
        getattr(built, plot)("E->i")


def test_graph_has_a_box_per_population_and_an_arrow_per_edge(net):
    ax = drawn(net.plot_graph())
    boxes = [text for text in ax.texts if text.get_text()]
    assert [box.get_text() for box in boxes] == [
        f"{name}\n{net.populations[name].size}\n{model}"
        for name, model in zip(
            net.order(), ["Poisson", "Cell(LIF, exc, inh)", "Cell(LIF, exc, inh)"], strict=True
        )
    ]
    assert len({box.get_position() for box in boxes}) == 3
    assert len(ax.texts) - len(boxes) == len(net.edges())


def test_graph_gives_each_port_its_colour(net):
    ax = drawn(net.plot_graph())
    legend = ax.get_legend()
    colours = {
        text.get_text(): line.get_color()
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert list(colours) == ["exc", "inh"]
    arrows = [a.arrow_patch.get_edgecolor() for a in ax.texts if not a.get_text()]
    wanted = [colours["+".join(edge.projection.factors)] for edge in net.edges()]
    assert [plt.matplotlib.colors.to_hex(c).upper() for c in arrows] == wanted


def test_graph_without_projections_is_a_box():
    ax = drawn(sx.Network({"E": sx.Population(sx.LIF(), 3)}).plot_graph())
    assert [text.get_text() for text in ax.texts] == ["E\n3\nLIF"]


def test_pictures_go_where_they_are_asked_to(net, built):
    _, places = plt.subplots(1, 3)
    assert net.plot_graph(ax=places[0]) is places[0]
    assert built.plot_connectivity("E->I", ax=places[1]) is places[1]
    assert built.plot_weights("E->I", ax=places[2]) is places[2]


@pytest.fixture
def recording():
    spikes = sx.Spikes(np.array([1, 4, 4]), np.array([0, 2, 5]), 3, 0.5, 0, 10, (5, 0, 2))
    volts = sx.Series(np.linspace(-70, -60, 8).reshape(4, 2), 0, mV, 0.5)
    return sx.Recording({"E.spike": spikes, "E.V_m": volts})


def test_raster_has_a_dot_per_spike(recording):
    ax = drawn(recording.plot_raster())
    (dots,) = ax.get_lines()
    np.testing.assert_allclose(dots.get_xdata(), [0.5, 2, 2])
    assert dots.get_ydata().tolist() == [1, 2, 0]
    assert ax.get_xlabel() == "time (ms)"


def test_series_have_a_line_per_neuron(recording):
    ax = drawn(recording.plot())
    np.testing.assert_allclose(ax.get_lines()[1].get_xydata()[:, 0], [0.5, 1, 1.5, 2])
    np.testing.assert_allclose(ax.get_lines()[1].get_ydata(), recording["E.V_m"].values[:, 1])
    assert ax.get_ylabel() == "E.V_m (mV)"
