"""What comes back from a run: rates in time, and the same numbers in pandas, xarray and neo."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, ShapeError
from spikax.units import Hz, ms, mV, nS, pA

RECORD = {
    "E": [
        "spike",
        "V_m",
        sx.every(1 * ms, "exc", where=[2, 0]),
        sx.at_spikes("exc"),
        sx.mean(5 * ms, "spike"),
    ],
    "I": ["spike", "V_m"],
}


@pytest.fixture(scope="module")
def net():
    cell = sx.Cell(
        sx.LIF(I_e=400 * pA, V_init=sx.Normal(-55 * mV, 2 * mV)),
        exc=sx.Receptor(sx.Expon(), sx.COBA()),
    )
    return sx.Network(
        {"E": sx.Population(cell, 5), "I": sx.Population(cell, 4)},
        [sx.Projection("E", ["E", "I"], "exc", sx.all_to_all(), weight=1 * nS, delay=1 * ms)],
    )


@pytest.fixture(scope="module")
def recording(net):
    """100 ms after the first 10."""
    simulation = sx.Simulation(net, dt=0.1 * ms, seed=1)
    simulation.run(10 * ms)
    return simulation.run(100 * ms, record=RECORD)


def spikes(steps, ids=None, size=1, start=0, stop=100, **more):
    """Spikes written down, with steps of 0.5 ms."""
    steps = np.asarray(steps)
    ids = np.zeros(len(steps), np.int32) if ids is None else np.asarray(ids)
    return sx.Spikes(steps, ids, size, 0.5, start, stop, **more)


def rates(series):
    return np.asarray(series.data / Hz)[:, 0]


def test_psth_is_the_rate_that_the_device_records(recording):
    psth, mean = recording["E.spike"].psth(5 * ms), recording["E.spike.mean"]
    np.testing.assert_allclose(rates(psth), rates(mean), rtol=1e-6)
    np.testing.assert_allclose(psth.times / ms, mean.times / ms)
    np.testing.assert_allclose(psth.edges / ms, np.arange(10, 111, 5))


def test_psth_counts_what_numpy_counts():
    rng = np.random.default_rng(0)
    steps = np.sort(rng.integers(1, 101, 400))
    found = spikes(steps, rng.integers(0, 8, 400), 8).psth(2 * ms)
    # A spike at the end of a bin is in it: half a step earlier NumPy agrees.
    counts, _ = np.histogram((steps - 0.5) * 0.5, found.edges / ms)
    np.testing.assert_allclose(rates(found), counts / (8 * 0.002))
    assert rates(found).mean() == pytest.approx(400 / 8 / 0.050)


def test_psth_around_onsets_is_the_mean_over_them():
    """Spikes 1 ms before and 3 ms after each stimulus, and one more after the second."""
    around = spikes([18, 26, 58, 63, 66])  # onsets at steps 20 and 60
    found = around.psth(2 * ms, onsets=[10, 30] * ms, window=[-3, 4.5] * ms)
    np.testing.assert_allclose(found.edges / ms, [-2, 0, 2, 4])
    np.testing.assert_allclose(found.times / ms, [0, 2, 4])
    np.testing.assert_allclose(rates(found), np.array([2, 1, 2]) / (2 * 0.002))


def test_psth_without_a_window_covers_what_every_onset_has():
    found = spikes([1, 99], start=10).psth(5 * ms, onsets=[10, 30] * ms)
    np.testing.assert_allclose(found.edges / ms, [-5, 0, 5, 10, 15, 20])


def test_psth_takes_whole_bins_only():
    found = spikes([3, 7, 50, 99], start=3, stop=99).psth(5 * ms)
    np.testing.assert_allclose(found.edges / ms, np.arange(5, 50, 5))
    assert rates(found).sum() * 0.005 == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bin": 0.7 * ms}, "psth: bin is 0.7 ms; it must be a multiple of dt = 0.5 ms"),
        ({"bin": 60 * ms}, "from 0 to 50 ms must lie .* hold a whole bin of 60 ms"),
        ({"bin": 1 * ms, "window": [0, 51] * ms}, "window from 0 to 51 ms must lie"),
        (
            {"bin": 1 * ms, "onsets": [0, 20] * ms, "window": [-5, 10] * ms},
            "window from -5 to 10 ms .* around every onset, from 0 to 30 ms",
        ),
    ],
)
def test_psth_of_what_was_not_recorded_raises(arguments, message):
    with pytest.raises(ConfigError, match=message):
        spikes([1, 2]).psth(**arguments)


def test_spikes_of_some_neurons():
    every = spikes([1, 2, 2, 5], [7, 3, 9, 3], 3, where=(9, 3, 7))
    some = every.of([3, 9])
    assert (some.steps.tolist(), some.ids.tolist(), some.size) == ([2, 2, 5], [3, 9, 3], 2)
    assert [len(train) for train in some.spike_trains()] == [2, 1]
    mask = np.arange(10) == 3
    np.testing.assert_allclose(every.of(mask).rates() / Hz, [2 / 0.050])
    with pytest.raises(ShapeError, match="name some of the neurons recorded"):
        every.of([4])


def test_spikes_of_some_neurons_keep_their_values(recording):
    at = recording["E.exc.at_spikes"]
    assert np.array_equal(at.of([1, 4]).values, at.values[np.isin(at.ids, [1, 4])])


def test_pandas_has_times_neurons_and_units(recording):
    frames = recording.to_pandas()
    assert set(frames) == set(recording)
    frame, series = frames["E.exc"], recording["E.exc"]
    assert (frame.index.name, frame.columns.name) == ("time_ms", "neuron")
    assert list(frame.columns) == [2, 0]
    assert frame.attrs["unit"] == "nS"
    np.testing.assert_allclose(frame.index, series.times / ms)
    np.testing.assert_array_equal(frame[0], (series.data / nS)[:, 1])
    events, spiked = frames["E.spike"], recording["E.spike"]
    counts = events.groupby("neuron").time_ms.count()
    np.testing.assert_allclose(counts / 0.1, spiked.rates() / Hz)
    assert list(frames["E.exc.at_spikes"]) == ["time_ms", "neuron", "value"]


def test_pandas_gaps_are_the_intervals_of_spikes(recording):
    gaps = recording["E.spike"].to_pandas().groupby("neuron").time_ms
    cv = gaps.agg(lambda t: t.diff().std(ddof=0) / t.diff().mean())
    np.testing.assert_allclose(cv, recording["E.spike"].isi_cv(), atol=1e-9)


def test_xarray_finds_values_by_time_and_neuron(recording):
    found = recording.to_xarray()
    assert set(found.data_vars) == set(recording)
    volts = found["E.V_m"]
    assert volts.dims == ("time", "E_neuron")
    assert (volts.attrs["units"], volts.time.attrs["units"]) == ("mV", "ms")
    value = volts.sel(time=50, E_neuron=3, method="nearest")
    assert float(value) == float(recording["E.V_m"].values[399, 3])
    assert found["I.V_m"].dims == ("time", "I_neuron")
    conductance = found["E.exc"]
    assert conductance.dims == ("E.exc_time", "E.exc_neuron")
    assert conductance["E.exc_neuron"].values.tolist() == [2, 0]


def test_xarray_has_spikes_as_events(recording):
    found, spiked = recording.to_xarray(), recording["E.spike"]
    events = found["E.spike"]
    assert events.dims == ("E.spike_event",)
    np.testing.assert_array_equal(events["E.spike_neuron"], spiked.ids)
    np.testing.assert_allclose(events, spiked.times / ms)
    at = recording["E.exc.at_spikes"].to_xarray()
    assert at.attrs["units"] == "nS"
    np.testing.assert_allclose(at.time, spiked.times / ms)


@pytest.fixture(scope="module")
def batch(net):
    """Three runs that differ in their current, 1 ms each."""
    model = net.build(dt=0.5 * ms)

    def run(current):
        inputs = {"E.current": current * pA}
        return sx.simulate(model, model.init_state(), 1 * ms, inputs=inputs, record={"E": "V_m"})[1]

    return jax.jit(jax.vmap(run))(jnp.arange(3.0))


def test_xarray_keeps_the_axis_of_vmap(batch):
    array = batch.to_xarray()["E.V_m"]
    assert array.sizes == {"batch_0": 3, "time": 2, "E_neuron": 5}
    np.testing.assert_allclose(array.time, [0.5, 1])


def test_a_batch_is_no_table_but_one_of_it_is(batch):
    with pytest.raises(ShapeError, match=r"jax\.tree\.map\(lambda x: x\[0\], series\)"):
        batch["E.V_m"].to_pandas()
    assert jax.tree.map(lambda x: x[1], batch["E.V_m"]).to_pandas().shape == (2, 5)


def test_neo_has_trains_and_signals_of_the_run(recording):
    (segment,) = recording.to_neo().segments
    assert len(segment.spiketrains) == 5 + 5 + 4
    train, spiked = segment.spiketrains[3], recording["E.spike"]
    assert (train.name, train.annotations["neuron"]) == ("E.spike[3]", 3)
    np.testing.assert_allclose(train.rescale("ms").magnitude, spiked.spike_trains()[3] / ms)
    assert (float(train.t_start), float(train.t_stop)) == pytest.approx((10, 110))
    volts, series = segment.analogsignals[0], recording["E.V_m"]
    assert (volts.name, volts.shape) == ("E.V_m", (1000, 5))
    np.testing.assert_allclose(volts.rescale("V").magnitude, 1e-3 * np.asarray(series.data / mV))
    np.testing.assert_allclose(volts.times.rescale("ms").magnitude, series.times / ms)
    conductance = segment.analogsignals[1]
    assert conductance.array_annotations["neuron"].tolist() == [2, 0]


@pytest.mark.parametrize("unit", [sx.units.UNITLESS, sx.units.GOhm, mV / ms, sx.units.mM, nS])
def test_neo_knows_the_units_of_signals(unit):
    signal = sx.Series(np.ones((3, 2)), 0, unit, 0.1).to_neo()
    assert np.all(np.asarray(signal.magnitude) == np.asarray(sx.units.in_unit(1.0, unit)))


@pytest.mark.parametrize("library", ["pandas", "xarray", "neo"])
def test_missing_library_is_named_with_what_brings_it(library, monkeypatch):
    installed = importlib.import_module

    def absent(name):
        if name.partition(".")[0] == library:
            raise ModuleNotFoundError(name)
        return installed(name)

    monkeypatch.setattr("spikax._extras.importlib.import_module", absent)
    with pytest.raises(ConfigError, match=rf'{library} is not .* pip install "spikax\[{library}\]'):
        getattr(spikes([1]), f"to_{library}")()
