"""NEST's stimulating devices against a live NEST: every device of a population is a case.

Each drives a neuron of its own that does not spike, by a connection of its own delay; the potential
must agree within 1e-9 mV, and what a multimeter sees of a current to 1e-9 pA. What is random is
compared by what remains of it in ratios, and by distribution.
"""

import numpy as np
import pytest
from nest_draws import device, windows
from scipy import stats

import spikax as sx
import spikax_nest
from spikax._fields import parameters
from spikax.errors import ConfigError, ShapeError
from spikax.testing import check_dynamics
from spikax.units import Hz, ms, mV, pA

CURRENTS = {
    "dc_generator": {"amplitude": 5 * pA, "start": 0.5 * ms, "stop": 2 * ms},
    "ac_generator": {
        "amplitude": 5 * pA,
        "offset": 2 * pA,
        "phase": 30.0,
        "frequency": 100 * Hz,
    },
    "step_current_generator": {
        "amplitude_times": [0.1, 2.5, 2.8] * ms,
        "amplitude_values": [1.0, 2.0, 3.0] * pA,
    },
    "noise_generator": {
        "mean": 1 * pA,
        "std": 3 * pA,
        "std_mod": 1 * pA,
        "phase": 10.0,
        "frequency": 40 * Hz,
        "dt": 0.3 * ms,
    },
}
SPIKES = {
    "poisson_generator": {"rate": 20000 * Hz},
    "spike_generator": {
        "spike_times": [0.5, 2.6, 2.6, 2.7, 2.9] * ms,
        "spike_weights": [1.0, 2.0, -3.0, 4.0, 2.0],
        "spike_multiplicities": [1.0, 1.0, 2.0, 1.0, 1.0],
    },
}
DEVICES = CURRENTS | SPIKES
TRAINS = {
    "gamma_sup_generator": {"rate": 3000 * Hz, "gamma_shape": 3.0, "n_proc": 7.0},
    "inhomogeneous_poisson_generator": {
        "rate_times": [0.2, 2.5, 2.8] * ms,
        "rate_values": [8000.0, 4000.0, 20000.0] * Hz,
    },
    "mip_generator": {"rate": 20000 * Hz, "p_copy": 0.6},
    "ppd_sup_generator": {
        "rate": 2000 * Hz,
        "dead_time": 0.3 * ms,
        "n_proc": 5.0,
        "frequency": 100 * Hz,
        "relative_amplitude": 0.5,
    },
    "pulsepacket_generator": {"pulse_times": [2.0, 3.0] * ms, "activity": 20.0, "sdev": 0.5 * ms},
    "sinusoidal_gamma_generator": {
        "rate": 4000 * Hz,
        "amplitude": 2000 * Hz,
        "frequency": 80 * Hz,
        "phase": 40.0,
        "order": 2.5,
    },
    "sinusoidal_poisson_generator": {
        "rate": 9000 * Hz,
        "amplitude": 8000 * Hz,
        "frequency": 80 * Hz,
        "phase": 40.0,
    },
    "spike_dilutor": {"p_copy": 0.6},
    "spike_train_injector": {"spike_times": [0.5, 2.6, 2.6, 2.7, 2.9] * ms},
}
SILENT = {"V_th": 1e6, "E_L": -70.0, "tau_m": 12.0, "C_m": 200.0}


def ours(model, cases, h, duration, delays, weight=1.0, seed=1):
    """The potentials, and what the devices sent, as tables (steps, cases)."""
    n, sends = len(delays), sx.model(model).sends
    port = "current" if sends == "current" else "syn.ex"
    unit = 1.0 if sends == "current" else 1.0 * pA
    neuron = sx.model("iaf_psc_exp")(
        V_th=1e6 * mV, E_L=-70 * mV, tau_m=12 * ms, C_m=200 * (pA * ms / mV)
    )
    driving = sx.Projection(
        "device",
        "neuron",
        port,
        sx.one_to_one(),
        np.full(n, weight) * unit,
        np.asarray(delays) * ms,
        signal=sends,
    )
    device = sx.Population(sx.model(model)(**with_units(model, cases)), n)
    net = sx.Network({"device": device, "neuron": sx.Population(neuron, n)}, [driving])
    sim = sx.Simulation(net, dt=h * ms, seed=seed, precision="float64")
    shown = "I" if sends == "current" else sends
    rec = sim.run(duration * ms, record={"neuron": "V_m", "device": shown})
    sent = rec[f"device.{shown}"]
    return rec["neuron.V_m"].values, counted(sent) if shown == "spike" else sent.values


def counted(spikes):
    """A table (steps, neurons) of what a recording lists."""
    counts = np.zeros((spikes.stop - spikes.start, spikes.size))
    np.add.at(
        counts, (spikes.steps - 1, spikes.ids), spikes.values if spikes.values is not None else 1
    )
    return counts


def with_units(model, cases):
    units = {p.name: p.unit for p in parameters(sx.model(model))}
    return {name: value * units[name] for name, value in table(model, cases).items()}


def table(model, cases):
    """One array by parameter, vectors padded as the model says."""
    pads = sx.model(model).pads
    columns = {name: [case[name] for case in cases] for name in cases[0]}
    return {n: padded(v, pads[n]) if n in pads else np.array(v, float) for n, v in columns.items()}


def padded(rows, pad):
    filled = np.full((max(map(len, rows)), len(rows)), pad)
    for k, row in enumerate(rows):
        filled[: len(row), k] = row
    return filled


def nests(nest, model, cases, h, duration, delays, weight=1.0, seed=1):
    """The same from NEST."""
    nest.ResetKernel()
    nest.set(resolution=h, rng_seed=seed)
    devices = nest.Create(model, len(cases))
    devices.set([{k: typed(model, k, v) for k, v in case.items() if np.size(v)} for case in cases])
    neurons = nest.Create("iaf_psc_exp", len(cases), params=SILENT)
    synapses = {"weight": np.full(len(cases), weight), "delay": np.asarray(delays)}
    nest.Connect(devices, neurons, "one_to_one", synapses)
    V = recorded(nest, neurons, "V_m", h)
    I = recorded(nest, devices, "I", h) if model in CURRENTS else None
    nest.Simulate(duration + max(delays) + h)
    return V(duration), I and I(duration)


def typed(model, name, value):
    kind = sx.model(model).types.get(name)
    if name in sx.model(model).pads:
        return list(map(kind, value)) if kind else list(value)
    return kind(value) if kind else float(value)


def recorded(nest, nodes, name, h):
    """How to get a table (steps, nodes) after the run."""
    meters = nest.Create("multimeter", len(nodes), {"record_from": [name], "interval": h})
    nest.Connect(meters, nodes, "one_to_one")

    def get(duration):
        rows = round(duration / h)
        return np.stack([np.asarray(m.events[name])[:rows] for m in meters], axis=1)

    return get


@pytest.mark.nest
@pytest.mark.parametrize("h", [0.1, 0.25])
@pytest.mark.parametrize("model", [name for name in DEVICES if name != "poisson_generator"])
def test_currents_and_potentials_are_nests(nest, model, h):
    rng, n = np.random.default_rng(7), 24
    cases = [device(model, rng, h) | window for window in windows(rng, n, h)]
    delays = h * rng.integers(1, 12, n)
    weight = 200.0 if model == "spike_generator" else 1.3
    V, sent = ours(model, cases, h, 100 * h, delays, weight)
    nests_V, nests_I = nests(nest, model, cases, h, 100 * h, delays, weight)
    assert np.abs(V + 70).max() > 1
    np.testing.assert_allclose(V, nests_V, rtol=0, atol=1e-9)
    if nests_I is not None:
        np.testing.assert_allclose(sent, nests_I, rtol=0, atol=1e-9)


@pytest.mark.nest
def test_one_vector_serves_all_and_weights_may_be_left_out(nest):
    times = {"spike_times": np.array([0.5, 0.5, 1.2]), "origin": 0.3}
    V, sent = ours("spike_generator", [times] * 2, 0.1, 4.0, [0.1, 0.7], 200.0)
    nests_V, _ = nests(nest, "spike_generator", [times] * 2, 0.1, 4.0, [0.1, 0.7], 200.0)
    np.testing.assert_allclose(V, nests_V, rtol=0, atol=1e-9)
    model = sx.model("spike_generator")(spike_times=times["spike_times"] * ms, origin=0.3 * ms)
    sim = sx.Simulation(sx.Network({"g": sx.Population(model, 2)}), dt=0.1 * ms)
    spikes = counted(sim.run(4 * ms, record={"g": "spike"})["g.spike"])
    assert np.array_equal(spikes, sent)


@pytest.mark.nest
@pytest.mark.parametrize("shift", [0, 1])
def test_a_spike_at_the_very_start(nest, shift):
    case = {"spike_times": np.array([0.0, 0.1]), "shift_now_spikes": shift}
    if not shift:
        with pytest.raises(nest.NESTErrors.BadProperty):
            nest.Create("spike_generator", params={"spike_times": [0.0]})
        with pytest.raises(ConfigError, match="shift_now_spikes=1"):
            sx.model("spike_generator")(spike_times=[0.0] * ms)
        return
    V, sent = ours("spike_generator", [case], 0.1, 2.0, [0.1], 200.0)
    nests_V, _ = nests(nest, "spike_generator", [case], 0.1, 2.0, [0.1], 200.0)
    assert sent[:, 0].tolist() == [2.0] + [0.0] * 19
    np.testing.assert_allclose(V, nests_V, rtol=0, atol=1e-9)


@pytest.mark.nest
def test_deviation_of_noise_is_nests(nest):
    """The same numbers with and without modulation: their ratio is the modulation."""
    h, rng, n = 0.1, np.random.default_rng(3), 12
    plain = [{"std": 2.0, "dt": h * rng.integers(1, 9)} | window for window in windows(rng, n, h)]
    extra = [
        {
            "std_mod": rng.uniform(0.5, 2),
            "phase": rng.uniform(-180, 180),
            "frequency": rng.uniform(0, 300),
        }
        for _ in plain
    ]
    ratios = []
    for run in (
        lambda c: ours("noise_generator", c, h, 20.0, [h] * n)[1],
        lambda c: nests(nest, "noise_generator", c, h, 20.0, [h] * n)[1],
    ):
        flat, modulated = run(plain), run([p | e for p, e in zip(plain, extra, strict=True)])
        ratios.append(np.where(flat == 0, 0.0, modulated / np.where(flat == 0, 1.0, flat)))
        changes = (np.diff(flat, axis=0) != 0).sum(0)
        ratios[-1] = np.vstack([ratios[-1], changes])
    np.testing.assert_allclose(*ratios, rtol=0, atol=1e-9)


def test_noise_is_normal_and_its_own_for_each():
    case = {"mean": 3.0, "std": 2.0, "dt": 0.2}
    sent = ours("noise_generator", [case] * 300, 0.1, 20.0, [0.1] * 300)[1][::2]
    assert stats.kstest(np.ravel(sent), "norm", (3.0, 2.0)).pvalue > 0.01
    assert np.abs(np.corrcoef(sent.T) - np.eye(300)).max() < 0.6


@pytest.mark.nest
@pytest.mark.parametrize("window", [{}, {"start": 1.0, "stop": 2.0, "origin": 0.5}])
def test_poisson_spikes_fall_into_nests_steps(nest, window):
    """At 40 spikes a step no step is empty."""
    cases = [{"rate": 4e5} | window] * 3
    V, sent = ours("poisson_generator", cases, 0.1, 4.0, [0.1, 0.3, 0.7], 50.0)
    nests_V, _ = nests(nest, "poisson_generator", cases, 0.1, 4.0, [0.1, 0.3, 0.7], 50.0)
    assert np.array_equal(V > -70, nests_V > -70)
    expected = np.zeros((40, 3), bool)
    expected[16 : 26 if window else None] = True
    if not window:
        expected[1:] = True
    assert np.array_equal(sent > 0, expected)


@pytest.mark.parametrize("mean", [0.03, 2.0, 49.0, 130.0])
def test_poisson_numbers_are_poisson(mean):
    sent = ours("poisson_generator", [{"rate": mean * 1e4}] * 100, 0.1, 30.0, [0.1] * 100)[1][1:]
    n = sent.size
    assert abs(sent.mean() - mean) < 4 * np.sqrt(mean / n)
    fourth = mean * (1 + 3 * mean)
    assert abs(sent.var() - mean) < 4 * np.sqrt((fourth - mean**2) / n)
    assert abs(sent.sum(1).var() / (100 * mean) - 1) < 4 * np.sqrt(2 / len(sent))


OFTEN = {"ac_generator", "spike_generator"}


@pytest.mark.parametrize(
    "model",
    [pytest.param(n, marks=[] if n in OFTEN else [pytest.mark.grid]) for n in DEVICES | TRAINS],
)
def test_contract(model):
    check_dynamics(sx.model(model)(**(DEVICES | TRAINS)[model]))


@pytest.mark.nest
@pytest.mark.parametrize("model", DEVICES | TRAINS)
def test_parameters_and_recordables_are_nests(nest, model):
    defaults, node = nest.GetDefaults(model), sx.model(model)()
    generic = {
        *("element_type", "elementsize", "frozen", "global_id", "instantiations", "local"),
        *("model", "model_id", "node_uses_wfr", "receptor_types", "thread", "thread_local_id"),
        *("type_id", "vp", "available", "capacity", "stimulus_source", "recordables", "label"),
    }
    names = {p.name for p in parameters(type(node))} - set(node.hidden)
    assert names | set(node.computed) == set(defaults) - generic
    for name in names:
        assert np.array_equal(getattr(node, name), defaults[name]), name
    assert node.recordables == tuple(defaults.get("recordables", ()))
    assert set(node.recordables) <= set(node.signals)
    assert defaults["element_type"] == node.element_type


REFUSED = {
    "start off the grid": ("dc_generator", {"start": 0.05}),
    "start before 0": ("dc_generator", {"start": -1.0}),
    "stop before start": ("dc_generator", {"start": 5.0, "stop": 3.0}),
    "stop off the grid": ("dc_generator", {"stop": 0.25}),
    "origin off the grid": ("ac_generator", {"origin": 0.03}),
    "times at 0": ("step_current_generator", {"amplitude_times": [0.0], "amplitude_values": [1.0]}),
    "times off the grid": (
        "step_current_generator",
        {"amplitude_times": [0.15], "amplitude_values": [1.0]},
    ),
    "the same time": (
        "step_current_generator",
        {"amplitude_times": [1.0, 1.0], "amplitude_values": [1.0, 2.0]},
    ),
    "the same step": (
        "step_current_generator",
        {
            "amplitude_times": [0.11, 0.15],
            "amplitude_values": [1.0, 2.0],
            "allow_offgrid_times": 1,
        },
    ),
    "values missing": ("step_current_generator", {"amplitude_times": [1.0]}),
    "deviation": ("noise_generator", {"std": -1.0}),
    "modulation": ("noise_generator", {"std": 1.0, "std_mod": 2.0}),
    "rate": ("poisson_generator", {"rate": -1.0}),
    "spike off the grid": ("spike_generator", {"spike_times": [0.15]}),
    "spikes not sorted": ("spike_generator", {"spike_times": [2.0, 1.0]}),
    "weights missing": ("spike_generator", {"spike_times": [1.0], "spike_weights": [1.0, 2.0]}),
    "numbers missing": (
        "spike_generator",
        {"spike_times": [1.0], "spike_multiplicities": [1, 2]},
    ),
    "precise and rounded": (
        "spike_generator",
        {"precise_times": 1, "allow_offgrid_times": 1},
    ),
}


@pytest.mark.nest
@pytest.mark.parametrize(("model", "case"), REFUSED.values(), ids=REFUSED)
def test_what_nest_refuses_is_refused(nest, model, case):
    nest.ResetKernel()
    given = {k: typed(model, k, v) for k, v in case.items()}
    with pytest.raises(nest.NESTErrors.BadProperty):
        nest.Create(model, params=given)
    units = {p.name: p.unit for p in parameters(sx.model(model))}
    name = rf"{sx.model(model).__name__}\..*({'|'.join(case)})"
    with pytest.raises((ConfigError, ShapeError), match=name):
        sx.model(model)(**{k: np.array(v, float) * units[k] for k, v in case.items()}).check(0.1)


@pytest.mark.nest
def test_spikes_of_devices_tell_a_binary_neuron_of_a_state(nest):
    """Two in a step raise what it sums up by the weight, one lowers it."""
    seen = []
    for module in (nest, spikax_nest):
        module.ResetKernel()
        times = [2.0, 2.0, 5.0, 7.0, 7.0, 8.0, 8.0, 11.0]
        generators = module.Create("spike_generator", 2, {"spike_times": times})
        generators[1].spike_times = [3.0, 3.0, 4.0, 4.0, 7.0]
        node = module.Create("mcculloch_pitts_neuron", params={"theta": 100.0})
        weights = {"weight": [[1.5, -0.5]], "delay": [[1.0, 2.0]]}
        module.Connect(generators, node, syn_spec=weights)
        meter = module.Create("multimeter", params={"record_from": ["h"], "interval": 0.1})
        module.Connect(meter, node)
        module.Simulate(20.0)
        seen.append(np.asarray(meter.events["h"]))
    assert np.ptp(seen[0]) > 2.0
    np.testing.assert_allclose(seen[1], seen[0], atol=1e-12)


@pytest.mark.nest
def test_intervals_of_noise_are_whole_steps(nest):
    nest.ResetKernel()
    with pytest.raises(nest.NESTErrors.StepMultipleRequired):
        nest.Create("noise_generator", params={"dt": 0.15})
    with pytest.raises(ConfigError, match=r"NoiseGenerator\.dt is 0\.15 ms, which is not rep"):
        spikax_nest.NoiseGenerator(dt=0.15 * ms).check(0.1)


def test_a_stop_of_never_lasts_in_float32():
    sim = sx.Simulation(
        sx.Network({"g": sx.Population(spikax_nest.DcGenerator(amplitude=3 * pA), 1)}), dt=0.1 * ms
    )
    assert np.all(sim.run(5 * ms, record={"g": "I"})["g.I"].values == 3.0)
