"""simulate: chunks, splits and durations change nothing; what is recorded; what is compiled."""

import io
import logging
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, NumericsError
from spikax.testing import count_compilations
from spikax.units import Hz, ms, mV, nS, pA

N = 20


def network(weight=2 * nS, rate=400 * Hz, current=250 * pA):
    cell = sx.Cell(
        sx.LIF(I_e=current, V_init=sx.Normal(-55 * mV, 2 * mV)),
        exc=sx.Receptor(sx.Expon(), sx.COBA()),
    )
    return sx.Network(
        {"noise": sx.Population(sx.Poisson(rate), N), "E": sx.Population(cell, N)},
        [
            sx.Projection("noise", "E", "exc", sx.one_to_one(), weight=weight, delay=0.1 * ms),
            sx.Projection(
                "E",
                "E",
                "exc",
                sx.pairwise_bernoulli(0.3),
                weight=weight,
                delay=sx.Uniform(1 * ms, 4 * ms),
            ),
        ],
    )


RECORD = {"E": ["spike", "V_m", sx.every(0.5 * ms, "exc", where=[3, 1])], "noise": "spike"}


@pytest.fixture(scope="module")
def model():
    return network().build(dt=0.1 * ms, seed=1)


@pytest.fixture(scope="module")
def reference(model):
    return sx.simulate(model, model.init_state(), 30 * ms, record=RECORD)


def same(a, b):
    return all(
        np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


def test_it_fires(reference):
    assert 20 < len(reference[1]["E.spike"].ids) < 2000


@pytest.mark.parametrize("chunk", [7, 64, 300])
def test_chunks_change_nothing(model, reference, chunk):
    state, rec = sx.simulate(model, model.init_state(), 30 * ms, record=RECORD, chunk=chunk)
    assert same(state, reference[0])
    for path in rec:
        assert same(
            vars(rec[path])["steps" if "spike" in path else "values"],
            vars(reference[1][path])["steps" if "spike" in path else "values"],
        )


def test_a_run_split_in_two_is_one_run(model, reference):
    middle, first = sx.simulate(model, model.init_state(), 11.3 * ms, record=RECORD)
    end, last = sx.simulate(model, middle, 18.7 * ms, record=RECORD)
    assert same(end, reference[0])
    whole = reference[1]
    assert same(
        np.concatenate([first["E.V_m"].values, last["E.V_m"].values]), whole["E.V_m"].values
    )
    assert same(
        np.concatenate([first["E.spike"].steps, last["E.spike"].steps]), whole["E.spike"].steps
    )
    assert same(
        np.concatenate([first["E.exc"].values, last["E.exc"].values]), whole["E.exc"].values
    )
    assert np.allclose(
        np.concatenate([first["E.exc"].times / ms, last["E.exc"].times / ms]),
        whole["E.exc"].times / ms,
    )


def test_under_a_transform_it_is_the_same_run(model, reference):
    """jit makes it a scan: the same numbers, spikes as a dense series."""
    state, rec = jax.jit(lambda m, s: sx.simulate(m, s, 30 * ms, record=RECORD))(
        model, model.init_state()
    )
    assert int(state.t) == 300
    host = reference[1]
    dense = np.zeros((300, N))
    np.add.at(dense, (host["E.spike"].steps - 1, host["E.spike"].ids), 1)
    assert np.array_equal(rec["E.spike"].values, dense)
    assert np.allclose(rec["E.V_m"].values, host["E.V_m"].values, atol=1e-3)
    assert np.allclose(rec["E.exc"].values, host["E.exc"].values, atol=1e-3)
    assert np.allclose(rec["E.exc"].times / ms, host["E.exc"].times / ms)


def test_the_callers_state_survives(model):
    state = model.init_state()
    sx.simulate(model, state, 5 * ms)
    assert np.isfinite(state.nodes["E"].neuron.V_m).all()


def test_second_run_compiles_nothing():
    first, other = network(), network(weight=3 * nS, rate=700 * Hz, current=200 * pA)
    sx.Simulation(first, dt=0.1 * ms, seed=1).run(3 * ms, record=RECORD)
    run = sx.Simulation(first, dt=0.1 * ms, seed=1)
    with count_compilations() as seen:
        run.run(3 * ms, record=RECORD)
        run.run(12.5 * ms, record=RECORD)
        run.reset(seed=5)
        run.run(400 * ms, record=RECORD)
    assert seen.count == 0
    changed = sx.Simulation(other, dt=0.1 * ms, seed=1)
    with count_compilations() as seen:
        changed.run(7 * ms, record=RECORD)
    assert seen.count == 0, "other values of the same structure"


def test_seeds_change_noise_and_sampling():
    a, b, c = (sx.Simulation(network(), dt=0.1 * ms, seed=s) for s in (1, 1, 2))
    assert same(a.model, b.model)
    assert not np.array_equal(a.state.nodes["E"].neuron.V_m, c.state.nodes["E"].neuron.V_m)
    rates = [s.run(50 * ms, record={"noise": "spike"})["noise.spike"].steps for s in (a, b, c)]
    assert np.array_equal(rates[0], rates[1])
    assert not np.array_equal(rates[0], rates[2])


def test_interval_samples_are_the_values_at_those_times(model):
    _, every = sx.simulate(model, model.init_state(), 20 * ms, record={"E": "V_m"})
    _, sparse = sx.simulate(
        model, model.init_state(), 20 * ms, record={"E": sx.every(2 * ms, "V_m", where=[4])}
    )
    assert np.allclose(sparse["E.V_m"].times / ms, np.arange(2, 21, 2))
    assert np.array_equal(sparse["E.V_m"].values[:, 0], every["E.V_m"].values[19::20, 4])


def test_results_carry_units(reference):
    rec = reference[1]
    assert str(rec["E.V_m"].data.unit) == "mV"
    assert str(rec["E"]["spike"].times.unit) == "ms"
    assert str(rec["E.spike"].rate().unit) == "Hz"
    spikes = rec["E.spike"]
    assert float(spikes.rate() / Hz) == pytest.approx(len(spikes.ids) / N / 0.030)
    assert sum(len(t) for t in spikes.spike_trains()) == len(spikes.ids)


def test_inputs_of_every_shape_agree(model):
    """A number, one value per neuron, and a row per step are the same current."""
    outs = []
    for value in (80.0, np.full(N, 80.0), np.full((100, N), 80.0), np.full((100, 1), 80.0)):
        state, _ = sx.simulate(model, model.init_state(), 10 * ms, inputs={"E.current": value * pA})
        outs.append(state.nodes["E"].neuron.V_m)
    assert all(np.array_equal(outs[0], o) for o in outs[1:])


def test_nan_is_reported_with_population_neuron_and_time():
    net = sx.Network({"E": sx.Population(sx.LIF(), 3)})
    model = net.build(dt=0.1 * ms)
    current = np.zeros((50, 3))
    current[30, 2] = np.nan
    with pytest.raises(NumericsError, match=r"nodes\.E\.V_m of neuron 2 is nan at t = 3.1 ms"):
        sx.simulate(model, model.init_state(), 5 * ms, inputs={"E.current": current * pA})


def test_ctrl_c_keeps_the_results(model, monkeypatch, caplog):
    from spikax import _host_loop

    def interrupt(self, done):
        if done >= 128:
            raise KeyboardInterrupt

    monkeypatch.setattr(_host_loop.Progress, "update", interrupt)
    with caplog.at_level(logging.WARNING, logger="spikax"):
        state, rec = sx.simulate(model, model.init_state(), 100 * ms, record=RECORD, chunk=64)
    assert int(state.t) == 128 == len(rec["E.V_m"].values)
    assert "stopped by Ctrl-C after 12.8 ms of 100 ms" in caplog.text


def test_ctrl_c_while_a_chunk_is_fetched_keeps_that_chunk(model, reference, monkeypatch):
    """The host waits for the chunk in its fetch: an interrupt there has the state a chunk ahead."""
    from spikax import _host_loop

    once, fetch = iter([None, KeyboardInterrupt]), _host_loop._drained

    def interrupted(*arguments):
        if next(once, None) is KeyboardInterrupt:
            raise KeyboardInterrupt
        return fetch(*arguments)

    monkeypatch.setattr(_host_loop, "_drained", interrupted)
    state, rec = sx.simulate(model, model.init_state(), 30 * ms, record=RECORD, chunk=64)
    steps = int(state.t)
    assert steps == 64 == len(rec["E.V_m"].values)
    whole = reference[1]["E.spike"].steps
    assert np.array_equal(rec["E.spike"].steps, whole[whole <= steps])


def test_progress_comes_after_a_second_and_only_if_wanted(model, monkeypatch):
    from spikax import _progress

    clock = iter(np.arange(0, 1e4, 0.4))
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(_progress.importlib.util, "find_spec", lambda name: None)
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    sx.simulate(model, model.init_state(), 30 * ms, chunk=64)
    assert not shown.getvalue(), "not a terminal"
    sx.simulate(model, model.init_state(), 30 * ms, chunk=64, progress=True)
    assert "of 30 ms" in shown.getvalue()
    assert "0 of 30 ms" not in shown.getvalue().split("s left")[0][:5]


@pytest.mark.parametrize("notebook", [True, False])
def test_progress_shows_in_a_notebook_whose_standard_error_is_no_terminal(monkeypatch, notebook):
    from spikax._progress import Progress

    shell = types.SimpleNamespace(initialized=lambda: notebook)
    kernel = types.SimpleNamespace(ZMQInteractiveShell=shell)
    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", kernel)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert Progress(10, 0.1, None)._wanted is notebook
    assert Progress(10, 0.1, not notebook)._wanted is not notebook


def test_shell_refuses_a_transform():
    sim = sx.Simulation(network(), dt=0.1 * ms)

    def run(x):
        sim.run(1 * ms)
        return x

    with pytest.raises(ConfigError, match="state, recording = simulate"):
        jax.jit(run)(jnp.ones(()))


def test_shell_saves_loads_and_goes_on_bitwise(tmp_path):
    one = sx.Simulation(network(), dt=0.1 * ms, seed=4)
    one.run(7 * ms)
    one.save(tmp_path / "state.npz")
    two = sx.Simulation(network(), dt=0.1 * ms, seed=4)
    two.load(tmp_path / "state.npz")
    assert float(two.time / ms) == pytest.approx(7)
    one.run(9 * ms)
    two.run(9 * ms)
    assert same(one.state, two.state)


def test_double_precision_by_argument():
    sim = sx.Simulation(network(), dt=0.1 * ms, precision="float64")
    rec = sim.run(2 * ms, record={"E": "V_m"})
    assert rec["E.V_m"].values.dtype == np.float64
    assert sim.state.nodes["E"].neuron.V_m.dtype == jnp.float64
    assert jnp.zeros(()).dtype == jnp.float32, "no global flag was flipped"


def test_summary_is_a_table(model):
    text = network().summary()
    assert "Cell(LIF, exc)" in text
    assert "pairwise_bernoulli" in text
    built = model.summary()
    assert f"{2 * N} neurons" in built
    assert "synapses" in built


@pytest.fixture(scope="module")
def relay():
    return sx.Network({"A": sx.Population(sx.Relay(), 3)}).build(dt=0.1 * ms)


def relayed(relay, spikes, **every):
    _, recording = sx.simulate(
        relay,
        relay.init_state(),
        1 * ms,
        inputs={"A.spike": spikes},
        record={"A": sx.every(None, "spike", **every)},
        chunk=8,
    )
    return recording


def test_spikes_of_some_neurons_keep_their_indices(relay):
    table = np.zeros((10, 3))
    table[3, 2] = table[5, 0] = table[8, 0] = table[6, 1] = 1
    recording = relayed(relay, table, where=[2, 0])
    spikes = recording["A.spike"]
    assert spikes.steps.tolist() == [4, 6, 9]
    assert spikes.ids.tolist() == [2, 0, 0]
    assert spikes.columns.tolist() == [0, 1, 1]
    assert [len(train) for train in spikes.spike_trains()] == [1, 2]
    assert np.allclose(spikes.rates() / Hz, [1000, 2000])
    assert np.allclose(spikes.after(0.5 * ms).rates() / Hz, [0, 4000])


def test_a_mask_chooses_neurons():
    assert sx.every(1 * ms, "V_m", where=np.array([False, True, True])).where == (1, 2)


@pytest.mark.parametrize("count", [0.5, 255.0, -1.0])
def test_what_is_no_count_of_spikes_is_not_recorded_as_one(relay, count):
    with pytest.raises(NumericsError, match=r"A\.spike of neuron 0 is not a whole number"):
        relayed(relay, count)


def test_spikes_of_a_step_are_counted(relay):
    assert len(relayed(relay, 254.0)["A.spike"].ids) == 10 * 3 * 254


@pytest.fixture(scope="module")
def leaky():
    return sx.Network({"E": sx.Population(sx.LIF(V_init=-55 * mV), 2)}).build(dt=0.1 * ms)


def test_an_interval_samples_the_same_steps_in_a_scan(leaky):
    """From step 2 on, steps 3 and 6 of 3 to 6 are whole multiples of three."""
    state, _ = sx.simulate(leaky, leaky.init_state(), 0.2 * ms, chunk=8)

    def sampled():
        every = {"E": sx.every(0.3 * ms, "V_m")}
        return sx.simulate(leaky, state, 0.4 * ms, record=every, chunk=8)[1]["E.V_m"]

    host, scan = sampled(), jax.jit(sampled)()
    assert np.allclose(host.times / ms, [0.3, 0.6])
    assert np.allclose(scan.times / ms, [0.3, 0.6])
    assert np.allclose(host.values, scan.values)


def test_a_batch_of_series_has_the_times_of_one(leaky):
    def run(current):
        inputs = {"E.current": current * pA}
        return sx.simulate(leaky, leaky.init_state(), 0.3 * ms, inputs=inputs, record={"E": "V_m"})[
            1
        ]["E.V_m"]

    batch = jax.vmap(run)(jnp.arange(4.0))
    assert batch.values.shape == (4, 3, 2)
    assert np.allclose(batch.times / ms, [0.1, 0.2, 0.3])


def test_another_duration_compiles_nothing_with_inputs_that_vary_either(relay):
    relayed(relay, np.zeros((10, 3)))
    state = relay.init_state()
    with count_compilations() as seen:
        for n in (7, 16, 21):
            sx.simulate(
                relay,
                state,
                n * 0.1 * ms,
                inputs={"A.spike": np.zeros((n, 3))},
                chunk=8,
                record={"A": "spike"},
            )
    assert seen.count == 0
