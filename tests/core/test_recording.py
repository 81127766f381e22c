"""What is recorded on the way of a run, on the device, at spikes, to disk; and what stops a run."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, HookError, NumericsError, RunError, StateError
from spikax.testing import count_compilations
from spikax.units import Hz, ms, mV, pA

N = 6
CURRENT = np.linspace(250, 500, N) * pA


@pytest.fixture(scope="module")
def model():
    net = sx.Network({"E": sx.Population(sx.AdExIF(I_e=2 * CURRENT), N)})
    return net.build(dt=0.1 * ms)


@pytest.fixture(scope="module")
def dense(model):
    """Every step of everything, under jit: what all else is compared with."""
    record = {"E": ["spike", "V_m", "w"]}
    run = jax.jit(lambda m, s: sx.simulate(m, s, 50 * ms, record=record)[1])
    rec = run(model, model.init_state())
    return {k: np.asarray(rec[f"E.{k}"].values) for k in record["E"]}


def run(model, record, duration=50 * ms, **options):
    return sx.simulate(model, model.init_state(), duration, record={"E": record}, **options)[1]


@pytest.mark.parametrize("chunk", [None, 64, 7])
def test_mean_is_over_neurons_and_interval(model, dense, chunk):
    rec = run(model, [sx.mean(2 * ms, "V_m", "spike")], chunk=chunk)
    expected = dense["V_m"].reshape(25, 20 * N).mean(axis=1)
    assert np.allclose(rec["E.V_m.mean"].values[:, 0], expected, rtol=1e-5)
    rate = dense["spike"].reshape(25, 20 * N).mean(axis=1) / 1e-4
    assert np.allclose(rec["E.spike.mean"].data[:, 0] / Hz, rate, rtol=1e-5)
    assert rate.max() > 0
    assert np.allclose(rec["E.V_m.mean"].times / ms, np.arange(2, 51, 2))


def test_mean_of_some_neurons(model, dense):
    rec = run(model, [sx.mean(5 * ms, "V_m", where=[4, 1])])
    expected = dense["V_m"][:, [4, 1]].reshape(10, -1).mean(axis=1)
    assert np.allclose(rec["E.V_m.mean"].values[:, 0], expected, rtol=1e-5)


def test_mean_of_a_run_that_begins_within_an_interval_covers_the_run(model, dense):
    """From 1.3 ms, every 2 ms: first the mean of 1.3 to 2 ms; the same in a scan."""
    state, _ = sx.simulate(model, model.init_state(), 1.3 * ms)

    def later(state):
        record = {"E": sx.mean(2 * ms, "V_m")}
        return sx.simulate(model, state, 8.7 * ms, record=record)[1]["E.V_m.mean"].values[:, 0]

    cuts = [13, 20, 40, 60, 80, 100]
    expected = [dense["V_m"][a:b].mean() for a, b in itertools.pairwise(cuts)]
    assert np.allclose(later(state), expected, rtol=1e-5)
    scanned = jax.jit(later)(state)
    assert np.allclose(scanned, expected[: len(scanned)], rtol=1e-5)


def test_values_at_spikes(model, dense):
    rec = run(model, ["spike", sx.at_spikes("w", where=[5, 2, 3])], chunk=64)
    events = rec["E.w.at_spikes"]
    rows, ids = np.nonzero(dense["spike"])
    chosen = np.isin(ids, [2, 3, 5])
    order = np.lexsort((events.ids, events.steps))
    assert np.array_equal(events.steps[order], rows[chosen] + 1)
    assert np.array_equal(events.ids[order], ids[chosen])
    assert np.allclose(events.values[order], dense["w"][rows, ids][chosen], rtol=1e-4, atol=1e-2)
    assert events.data.unit == pA
    assert len(events.after(20 * ms).values) == len(events.after(20 * ms).ids) < len(events.ids)


def test_values_at_spikes_need_a_host(model):
    record = {"E": sx.at_spikes("w")}
    with pytest.raises(ConfigError, match=r"E\.w\.at_spikes: under a JAX transform"):
        jax.jit(lambda s: sx.simulate(model, s, 1 * ms, record=record))(model.init_state())


def test_weights_of_a_plastic_edge(tmp_path):
    """At an interval, of some synapses, on average; in memory, on disk and in the state."""
    relays = {"pre": sx.Population(sx.Relay(), N), "post": sx.Population(sx.Relay(), N)}
    edge = sx.Projection(
        *("pre", "post", "spike", sx.fixed_outdegree(2), sx.each(0.5), 1 * ms),
        plasticity=sx.PairSTDP(A_plus=0.1, w_max=1.0),
    )
    model = sx.Network(relays, [edge]).build(dt=0.1 * ms)
    rng = np.random.default_rng(0)
    spikes = {f"{p}.spike": (rng.random((200, N)) < 0.05) * 1.0 for p in relays}
    record = {"pre->post": [sx.every(2 * ms, "weight", where=[3, 7]), sx.mean(5 * ms, "weight")]}

    def of(**options):
        given = {"inputs": spikes, "record": record, "chunk": 64} | options
        return sx.simulate(model, model.init_state(), 20 * ms, **given)

    state, rec = of()
    weight = rec["pre->post.weight"]
    assert weight.values.shape == (10, 2)
    assert len(np.unique(weight.values)) > 5
    last = np.ravel(state.edges["pre->post"].weight)
    assert np.array_equal(weight.values[-1], last[[3, 7]])
    every = of(record={"pre->post": "weight"})[1]["pre->post.weight"].values
    assert np.allclose(rec["pre->post.weight.mean"].values[:, 0], every.reshape(4, -1).mean(axis=1))
    assert same(of(to=tmp_path / "run")[1], rec)


def heard():
    calls = []
    return calls, lambda net, state: calls.append(round(int(state.t) * net.dt, 6))


def test_hooks_are_called_at_their_times_and_a_split_run_calls_the_same(model):
    once, f = heard()
    hooks = [sx.run_at(f, 0 * ms, 3.3 * ms), sx.run_every(2 * ms, f)]
    state, _ = sx.simulate(model, model.init_state(), 8 * ms, hooks=hooks)
    assert once == [0, 0, 2, 3.3, 4, 6]
    twice, f = heard()
    hooks = [sx.run_at(f, 0 * ms, 3.3 * ms), sx.run_every(2 * ms, f)]
    middle, _ = sx.simulate(model, model.init_state(), 4 * ms, hooks=hooks)
    end, _ = sx.simulate(model, middle, 4 * ms, hooks=hooks)
    assert twice == once
    assert all(map(np.array_equal, jax.tree.leaves(state), jax.tree.leaves(end)))


def test_hooks_change_the_network_and_compile_nothing():
    sim = sx.Simulation(sx.Network({"E": sx.Population(sx.LIF(I_e=0 * pA), 2)}), dt=0.1 * ms)
    sim.run(1 * ms, record={"E": "V_m"})
    sim.reset()

    def switch_on(sim):
        picked, rest = sx.select(sim.model, "*.I_e")
        sim.model = sx.merge(jax.tree.map(lambda x: x + 100, picked), rest)

    hook = sx.run_at(switch_on, 5 * ms)
    sim.run(0.2 * ms, record={"E": "V_m"}, hooks=[sx.run_at(switch_on, 0.1 * ms)])
    sim = sx.Simulation(sx.Network({"E": sx.Population(sx.LIF(I_e=0 * pA), 2)}), dt=0.1 * ms)
    with count_compilations() as seen:
        rec = sim.run(20 * ms, record={"E": "V_m"}, hooks=[hook])
    assert seen.count == 0
    V, t = rec["E.V_m"].values[:, 0], rec["E.V_m"].times / ms
    expected = -60 + np.where(t > 5, 100 / 200 * 20 * -np.expm1(-(t - 5) / 20), 0)
    assert np.allclose(V, expected, atol=1e-3)


def test_a_condition_stops_the_run_and_keeps_the_results(model):
    first = run(model, "spike")["E.spike"].steps[0]
    sim = sx.Simulation(
        sx.Network({"E": sx.Population(sx.AdExIF(I_e=2 * CURRENT), N)}), dt=0.1 * ms
    )
    stop = sx.stop_when(lambda sim: sim.state.nodes["E"].spike.max() > 0, every=0.1 * ms)
    rec = sim.run(50 * ms, record={"E": ["spike", "V_m"]}, hooks=[stop])
    assert int(sim.state.t) == first == len(rec["E.V_m"].values)
    assert set(rec["E.spike"].steps) == {first}


def test_a_hook_that_raises_is_named_and_the_results_are_kept(model):
    def wrong(sim):
        raise ZeroDivisionError("nothing to divide")

    sim = sx.Simulation(sx.Network({"E": sx.Population(sx.LIF(), 2)}), dt=0.1 * ms)
    with pytest.raises(
        HookError, match=r"hook .*wrong raised ZeroDivisionError at t = 3 ms"
    ) as seen:
        sim.run(9 * ms, record={"E": "V_m"}, hooks=[sx.run_at(wrong, 3 * ms)])
    assert float(sim.time / ms) == 3
    assert len(seen.value.recording["E.V_m"].values) == 30
    sim.run(1 * ms)


@pytest.mark.parametrize("chunk", [None, 5])
def test_a_potential_that_runs_away_is_found_to_the_step(chunk):
    """Finite still, but no membrane: reported with its time, the recording kept."""
    model = sx.Network({"E": sx.Population(sx.LIF(V_th=1e9 * mV), 3)}).build(dt=0.1 * ms)
    jump = np.zeros((50, 3))
    jump[31, 1] = 2e6
    with pytest.raises(NumericsError, match=r"nodes\.E\.V_m of neuron 1 .* at t = 3.2 ms") as seen:
        run(model, "V_m", 5 * ms, inputs={"E.delta": jump * mV}, chunk=chunk)
    values = seen.value.recording["E.V_m"].values
    assert np.abs(values[:31]).max() < 100 < np.abs(values[31, 1])


RECORD = ["spike", sx.every(0.5 * ms, "V_m", where=[1, 3]), sx.mean(1 * ms, "w"), sx.at_spikes("w")]


@pytest.fixture(scope="module")
def stored(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("streams") / "run"
    return path, run(model, RECORD, to=path, chunk=64)


def same(a, b):
    return len(a) == len(b) > 0 and all(
        np.array_equal(x, y) if hasattr(x, "shape") else x == y
        for path in a
        for x, y in zip(vars(a[path]).values(), vars(b[path]).values(), strict=True)
    )


def test_a_streamed_recording_is_the_one_in_memory(model, stored):
    path, streamed = stored
    assert same(streamed, run(model, RECORD))
    assert same(sx.load_recording(path), streamed)
    assert sx.load_recording(path)["E"]["w.mean"].data.unit == pA


def test_double_precision_is_stored_as_such(model, tmp_path):
    with jax.enable_x64(True):
        model = sx.Network({"E": sx.Population(sx.LIF(I_e=300 * pA), 2)}).build(dt=0.1 * ms)
        whole = run(model, ["V_m", "spike"])
        assert same(run(model, ["V_m", "spike"], to=tmp_path / "run"), whole)
        assert whole["E.V_m"].values.dtype == np.float64


def test_a_stream_writes_over_nothing(model, stored):
    with pytest.raises(ConfigError, match="stream to a new folder"):
        run(model, RECORD, to=stored[0])


KILLED = """
import sys, spikax as sx
from spikax.units import ms, pA
model = sx.Network({"E": sx.Population(sx.LIF(I_e=300 * pA), 3)}).build(dt=0.1 * ms)
print("ready", flush=True)
sx.simulate(model, model.init_state(), 1e6 * ms, record={"E": ["spike", "V_m"]}, to=sys.argv[1])
"""


def test_a_killed_run_keeps_every_whole_chunk(tmp_path):
    """Killed without mercy in another process; what is there equals a run of that length."""
    path = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE)
    progress, limit = path / "progress.json", time.monotonic() + 60
    while time.monotonic() < limit:
        if progress.exists() and json.loads(progress.read_text())["stop"] >= 3000:
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = sx.load_recording(path)
    steps = kept["E.spike"].stop
    assert steps >= 3000
    assert len(kept["E.V_m"].values) == steps
    model = sx.Network({"E": sx.Population(sx.LIF(I_e=300 * pA), 3)}).build(dt=0.1 * ms)
    state, duration = model.init_state(), steps * 0.1 * ms
    assert same(kept, sx.simulate(model, state, duration, record={"E": ["spike", "V_m"]})[1])


def test_a_full_disk_names_the_folder_and_what_is_whole(model, tmp_path, monkeypatch):
    """The file system itself refuses: files may not grow beyond a few kilobytes."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "run"
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
        with pytest.raises(RunError, match=r"cannot be written .* make room") as seen:
            run(model, ["V_m"], 400 * ms, to=path, chunk=64)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept = sx.load_recording(path)["E.V_m"]
    assert 0 < len(kept.values) < 4000
    assert len(kept.values) == int(seen.value.state.t)
    assert f"whole to t = {len(kept.values) * 0.1:g} ms" in str(seen.value)


def test_a_simulation_stays_where_its_stream_could_not_be_written(tmp_path, monkeypatch):
    from spikax._stream import Stream

    write = Stream._write

    def full_after_a_chunk(stream, *column):
        if stream.stop > 0:
            raise OSError(28, "No space left on device")
        write(stream, *column)

    sim = sx.Simulation(sx.Network({"E": sx.Population(sx.LIF(), 2)}), dt=0.1 * ms)
    monkeypatch.setattr(Stream, "_write", full_after_a_chunk)
    with pytest.raises(RunError, match="No space left"):
        sim.run(300 * ms, record={"E": "V_m"}, to=tmp_path / "run")
    kept = len(sx.load_recording(tmp_path / "run")["E.V_m"].values)
    assert 0 < kept < 3000
    assert kept == int(sim.state.t)


def test_a_stream_that_is_none_or_damaged_is_refused(model, tmp_path):
    with pytest.raises(StateError, match="is no recording"):
        sx.load_recording(tmp_path)
    run(model, "V_m", 10 * ms, to=tmp_path / "run")
    chunk = next(p for p in (tmp_path / "run").rglob("0") if p.is_file() or (p / "0").is_file())
    chunk = chunk if chunk.is_file() else chunk / "0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StateError, match="damaged"):
        sx.load_recording(tmp_path / "run")["E.V_m"]
    chunk.unlink()
    with pytest.raises(StateError, match="truncated"):
        sx.load_recording(tmp_path / "run")["E.V_m"]
    (tmp_path / "run" / "progress.json").write_text("{")
    with pytest.raises(StateError, match="damaged"):
        sx.load_recording(tmp_path / "run")


def test_streaming_holds_no_more_than_a_chunk(model, tmp_path):
    """Nothing of the recording stays in the run itself."""
    from spikax._stream import Stream

    rec = run(model, "V_m", 200 * ms, to=tmp_path / "run", chunk=64)
    held = [v for v in vars(Stream).values() if isinstance(v, np.ndarray)]
    assert not held
    assert not any(isinstance(v, np.ndarray) for v in vars(rec.series).values())
    assert rec["E.V_m"].values.shape == (2000, N)
