"""sweep: every entry is a separate run; chunks change nothing; one program; bad axes raise."""

import io
import itertools
import sys

import jax
import numpy as np
import pytest

import spikax as sx
from spikax import _sweep
from spikax.errors import ConfigError, NumericsError, ShapeError, UnitError, UnknownNameError
from spikax.testing import count_compilations
from spikax.units import Hz, ms, mV, nS, pA, pF

pytestmark = pytest.mark.usefixtures("quick_compiler")

N = 6
TAU, WEIGHT, SEED = [8, 14, 20] * ms, [1, 6] * nS, (3, 5)
AXES = {"E.tau_m": TAU, "E->E.weight": WEIGHT, "seed": SEED}
RECORD = {"E": ["spike", sx.every(1 * ms, "V_m", where=[0, 4])]}


def network(tau_m=20 * ms, weight=1 * nS, share=(), noise=900 * Hz):
    cell = sx.Cell(
        sx.LIF(tau_m=tau_m, I_e=150 * pA, V_init=sx.Normal(-55 * mV, 2 * mV)),
        exc=sx.Receptor(sx.DualExpon(), sx.COBA()),
        inh=sx.Receptor(sx.Expon(10 * ms), sx.COBA(-80 * mV)),
    )
    return sx.Network(
        {
            "noise": sx.Population(sx.Poisson(noise), N),
            "E": sx.Population(cell, N),
            "I": sx.Population(sx.LIF(), 2),
        },
        [
            sx.Projection("noise", "E", "exc", sx.one_to_one(), sx.each(4 * nS), 0.1 * ms),
            sx.Projection("E", "E", "inh", sx.pairwise_bernoulli(0.6), weight, 1 * ms),
        ],
        share,
    )


def run(axes, *, net=None, duration=20 * ms, record=RECORD, **options):
    net = network() if net is None else net
    return sx.sweep(net, axes, duration, dt=0.1 * ms, seed=1, record=record, **options)


@pytest.fixture(scope="module")
def whole():
    with jax.enable_x64(True):
        return run(AXES)


def test_shapes_and_units_are_those_of_the_axes(whole):
    assert whole["E.spike"].values.shape == (3, 2, 2, 200, N)
    assert whole["E.V_m"].values.shape == (3, 2, 2, 20, 2)
    assert whole.rates("E").shape == (3, 2, 2, N)
    assert str(whole.rates("E").unit) == "Hz"
    assert np.allclose(whole["E.V_m"].times / ms, np.arange(1, 21))
    assert whole.axes["E.tau_m"] is TAU
    assert whole["E.spike"].values.sum() > 50


@pytest.mark.parametrize("at", [*itertools.product(range(3), range(2), range(2))])
def test_every_entry_is_a_separate_run(whole, x64, at):
    i, j, k = at
    model = network(TAU[i], WEIGHT[j]).build(dt=0.1 * ms, seed=1)
    state = model.init_state(key=SEED[k])
    _, alone = sx.simulate(model, state, 20 * ms, record=RECORD)
    spikes = np.zeros((200, N))
    np.add.at(spikes, (alone["E.spike"].steps - 1, alone["E.spike"].ids), 1)
    assert np.array_equal(whole["E.spike"].values[at], spikes)
    assert np.allclose(whole["E.V_m"].values[at], alone["E.V_m"].values, rtol=1e-12, atol=0)
    assert np.allclose(whole.rates("E")[at] / Hz, alone["E.spike"].rates() / Hz)


@pytest.mark.parametrize("memory", [1, 350_000])
def test_chunks_change_nothing(whole, x64, memory):
    part = run(AXES, memory=memory)
    assert np.array_equal(part["E.spike"].values, whole["E.spike"].values)
    assert np.allclose(part["E.V_m"].values, whole["E.V_m"].values, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("runs", "together"), [(7, 3), (7, 7), (7, 100), (8, 4), (1, 1), (5, 1)])
def test_chunks_are_even_and_every_run_is_in_one(runs, together):
    chunks = _sweep._chunks(runs, together)
    assert chunks.shape[1] <= together
    assert np.array_equal(chunks.ravel()[:runs], np.arange(runs))
    assert chunks.size - runs < chunks.shape[0]
    assert chunks.max() == runs - 1


def test_one_program_for_all_chunks_and_for_another_sweep():
    options = {"memory": 100_000, "record": {"E": "spike"}}
    run({"E.tau_m": [8, 9, 10, 11, 12, 13, 14, 15] * ms}, **options)
    with count_compilations() as second:
        net = network(weight=3 * nS, noise=500 * Hz)
        run({"E.tau_m": np.linspace(5, 20, 8) * ms}, net=net, **options)
    assert second.count == 0
    run({"E.tau_m": [9] * ms}, **options)  # one run at a time is another program
    with count_compilations() as other:
        run({"E.tau_m": [11] * ms}, **options)
    assert other.count == 0


def test_names_that_move_together_are_one_axis():
    names = ("E.tau_rise", "E.exc.tau_decay")
    both = run({names: ([1, 2] * ms, [4, 8] * ms)})
    assert both["E.V_m"].values.shape == (2, 20, 2)
    apart = run({"E.tau_rise": [1, 2] * ms, "E.exc.tau_decay": [4, 8] * ms})
    for i in range(2):
        assert np.allclose(both["E.V_m"].values[i], apart["E.V_m"].values[i, i], rtol=1e-5)
    same = run({("E.E_L", "I.E_L"): [-60, -65] * mV})
    assert same["E.V_m"].values.shape[:1] == (2,)


def test_a_value_per_neuron(x64):
    per_neuron = np.linspace(150, 250, 2 * N).reshape(2, N)
    swept = run({"E.I_e": per_neuron * pA})
    alone = run({"E.I_e": per_neuron[1, 4:5] * pA, "seed": [1]})
    assert np.allclose(swept["E.V_m"].values[1, 0, 1], alone["E.V_m"].values[0, 0, 0, 1])


def test_a_shared_parameter_is_swept_by_the_name_that_keeps_it():
    net = network(share=[("E.neuron.tau_m", "I.tau_m")])
    record = {"I": sx.every(None, "V_m")}
    inputs = {"I.current": 50 * pA}
    swept = run({"E.tau_m": [10, 20] * ms}, net=net, record=record, inputs=inputs)
    end = swept["I.V_m"].values[:, -1, 0]
    rest, step = -60.0, 50 / 200 * np.array([10.0, 20.0])
    assert np.allclose(end, rest + step * (1 - np.exp(-20 / np.array([10.0, 20.0]))), atol=1e-3)


def test_what_follows_is_checked_with_the_value_that_it_shares():
    """The step that an upstroke allows depends on the time constant, which `b` has from `a`."""
    neurons = {name: sx.Population(sx.ExpIF(), 1) for name in "ab"}
    net = sx.Network(neurons, share=[("a.tau_m", "b.tau_m")])
    record = {"b": sx.every(1 * ms, "V_m")}
    swept = run({"b.E_L": [-60, -62] * mV}, net=net, duration=1 * ms, record=record)
    assert swept["b.V_m"].values[0] > swept["b.V_m"].values[1]
    with pytest.raises(ConfigError, match=r"out of reach of a step of 0\.1 ms"):
        run({"a.tau_m": [10, 0.1] * ms}, net=net, duration=1 * ms, record=record)


def test_xarray_knows_the_axes(whole):
    pytest.importorskip("xarray")
    found = whole.to_xarray()
    entry = found["E.V_m"].sel({"E.tau_m": 14, "E->E.weight": 6, "seed": 5, "time": 3.0})
    assert np.allclose(entry, whole["E.V_m"].data.mantissa[1, 1, 1, 2])
    assert found["E.tau_m"].attrs["units"] == "ms"


def test_progress_counts_all_runs(monkeypatch):
    from spikax import _progress

    clock = iter(np.arange(0, 1e4, 2.0))
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(_progress.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    run({"E.tau_m": [8, 9, 10, 11, 12] * ms}, memory=100_000, progress=True)
    assert "of 100 ms" in shown.getvalue()


def test_a_run_that_diverges_is_named():
    net = sx.Network({"E": sx.Population(sx.LIF(V_th=1e30 * mV), 2)})
    with pytest.raises(NumericsError, match=r"V_m .* at the end of the run with E\.I_e = .*e\+15"):
        run({"E.I_e": [0, 1e15, 10] * pA}, net=net, record={"E": "V_m"})


ERRORS = {
    "unknown parameter": (
        {"E.tau_n": TAU},
        UnknownNameError,
        r"no parameter to sweep 'E\.tau_n'; did you mean 'E\.tau_m'",
    ),
    "unknown population": ({"F.tau_m": TAU}, UnknownNameError, "parameter to sweep"),
    "a delay": ({"E->E.delay": TAU}, UnknownNameError, "parameter to sweep"),
    "not one parameter": (
        {"E.E": [0, -10] * mV},
        ConfigError,
        r"stands for several .*'E\.receptors\.exc\.coupling\.E', 'E\.receptors\.inh\.coupling\.E'",
    ),
    "wrong unit": ({"E.tau_m": [1, 2] * mV}, UnitError, r"LIF\.tau_m needs a quantity in ms"),
    "bare numbers": ({"E.tau_m": [1, 2]}, UnitError, "did you mean"),
    "out of range": ({"E.tau_m": [1, -2] * ms}, ConfigError, r"LIF\.tau_m is -2 ms"),
    "wrong unit of a weight": ({"E->E.weight": [1] * mV}, UnitError, r"E->E\.weight needs .* nS"),
    "a weight that is no number": ({"E->E.weight": [np.inf] * nS}, ConfigError, "finite"),
    "a negative seed": ({"seed": [-1]}, ConfigError, "outside"),
    "weights per synapse": ({"noise->E.weight": WEIGHT}, ConfigError, "one value per synapse"),
    "off the grid": ({"E.t_ref": [0.15] * ms}, ConfigError, "not a multiple of dt"),
    "a combination": ({"E.tau_rise": [1, 7] * ms}, ConfigError, r"tau_rise = 7 ms must be below"),
    "a list of bare numbers among quantities": ({"E.tau_m": [1 * ms, 2]}, UnitError, r"2\*ms"),
    "nothing on an axis": ({"E.tau_m": [] * ms}, ConfigError, "one value or more"),
    "no list": ({"E.tau_m": 10 * ms}, ConfigError, "one value or more"),
    "no seeds": ({"seed": 3}, ConfigError, "one value or more"),
    "no seed": ({"seed": [0.5]}, ConfigError, "seed"),
    "no axis": ({}, ConfigError, "name one parameter"),
    "twice": ({"E.tau_m": TAU, "E.neuron.tau_m": TAU}, ConfigError, "each once"),
    "unequal": ({("E.tau_m", "I.tau_m"): ([1] * ms, [1, 2] * ms)}, ShapeError, "equally many"),
    "wrong shape": ({"E.C_m": np.ones((2, 4)) * pF}, ShapeError, r"shape \(2, 4\)"),
}


@pytest.mark.parametrize(("axes", "error", "match"), ERRORS.values(), ids=ERRORS)
def test_bad_axes(axes, error, match):
    with pytest.raises(error, match=match):
        run(axes)


def test_more_than_the_machine_can_hold_is_refused_first(monkeypatch):
    monkeypatch.setattr(_sweep, "machine_bytes", lambda: 10_000)
    with pytest.raises(ConfigError, match=r"3 runs record .* bytes, there are 1e\+04"):
        run({"E.tau_m": TAU})


def test_seeds_that_change_nothing_are_refused():
    net = sx.Network({"E": sx.Population(sx.LIF(V_init=sx.Normal(-55 * mV, 1 * mV)), 2)})
    with pytest.raises(ConfigError, match="no population has noise at run time"):
        run({"seed": range(3)}, net=net)


def test_a_built_network_is_refused():
    with pytest.raises(ConfigError, match="builds the network itself"):
        sx.sweep(network().build(dt=0.1 * ms), {"E.tau_m": TAU}, 1 * ms, dt=0.1 * ms)


class TwoChannels(sx.Dynamics):
    """Has a port whose channel is chosen by the sign of the weight."""

    ports = {"syn": sx.Port(pA, channels=("ex", "in"), route=sx.by_sign)}

    class State(sx.State):
        y: jax.Array = sx.cell(pA)

    def update(self, state, inputs, *, t, dt):
        return self.State(y=state.y + inputs["syn"][0] - 10 * inputs["syn"][1])


def test_a_weight_keeps_its_channel():
    populations = {"a": sx.Population(sx.SpikeTimes([0.1] * ms), 1)}
    populations["b"] = sx.Population(TwoChannels(), 1)
    projection = sx.Projection("a", "b", "syn", sx.one_to_one(), -1 * pA, 0.1 * ms)
    net, options = sx.Network(populations, [projection]), {"dt": 0.1 * ms, "record": {"b": "y"}}
    swept = sx.sweep(net, {"a->b.weight": [-1, -3] * pA}, 0.5 * ms, **options)
    assert np.allclose(swept["b.y"].values[:, -1, 0], [10, 30])
    with pytest.raises(ConfigError, match=r"'a->b.weight' is .*another channel"):
        sx.sweep(net, {"a->b.weight": [-1, 3] * pA}, 0.5 * ms, **options)
