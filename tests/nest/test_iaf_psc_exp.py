"""NEST's iaf_psc_exp against a live NEST: every neuron of a population is a case of its own.

A case has random parameters, spikes of both signs on synapses of different delay, and a current.
V_m must agree within 1e-9 mV, and every spike must fall into the same step.
"""

import importlib
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax._fields import parameters
from spikax.errors import ConfigError
from spikax.units import in_unit, ms, mV, pA
from spikax_nest import IafPscExp

UNITS = {p.name: p.unit for p in parameters(IafPscExp) if p.name != "width"}
SOURCES, SPIKES, CHANGES, LONGEST = 6, 10, 5, 5.0


@dataclass(frozen=True)
class Cases:
    """Neurons with their input: SOURCES spike trains each, and one current times a gain."""

    h: float
    duration: float
    values: dict[str, np.ndarray]
    trains: list[np.ndarray]
    weights: np.ndarray
    delays: np.ndarray
    changes: np.ndarray
    current: np.ndarray
    gains: np.ndarray

    @property
    def targets(self):
        return np.arange(len(self.trains)) // SOURCES

    def with_values(self, **values):
        return replace(self, values=self.values | values)


def draw(seed, n, h, duration):
    """Random cases of shapes that do not depend on the seed: another one compiles nothing."""
    rng = np.random.default_rng(seed)

    def moments(k):
        return h * np.sort(rng.choice(np.arange(1, round((duration - LONGEST) / h)), k, False))

    values = {
        "C_m": rng.uniform(50, 500, n),
        "tau_m": rng.uniform(2, 30, n),
        "tau_syn_ex": rng.uniform(0.3, 10, n),
        "tau_syn_in": rng.uniform(0.3, 10, n),
        "t_ref": rng.uniform(0, 5, n) * (rng.random(n) < 0.8),
        "E_L": rng.uniform(-80, -60, n),
        "V_reset": rng.uniform(-80, -60, n),
        "V_th": rng.uniform(-58, -45, n),
        "V_m": rng.uniform(-80, -40, n),
    }
    values["tau_syn_ex"][:2] = values["tau_m"][:2]
    values["tau_syn_in"][1:3] = values["tau_m"][1:3]
    rheobase = values["C_m"] / values["tau_m"] * (values["V_th"] - values["E_L"])
    values["I_e"] = rheobase * rng.uniform(0.3, 1.6, n)
    a_few_mV = 3 * np.repeat(values["C_m"] / values["tau_syn_ex"], SOURCES)
    delays = h * rng.integers(1, round(LONGEST / h) + 1, n * SOURCES)
    delays[0] = LONGEST
    return Cases(
        h=h,
        duration=duration,
        values=values,
        trains=[moments(SPIKES) for _ in range(n * SOURCES)],
        weights=a_few_mV * rng.normal(size=n * SOURCES),
        delays=delays,
        changes=moments(CHANGES),
        current=rng.normal(size=CHANGES),
        gains=rheobase,
    )


def run(cases):
    """V_m and spikes of our neurons as tables (steps, neurons)."""
    model = IafPscExp(**{name: value * UNITS[name] for name, value in cases.values.items()})
    trains = sx.SpikeTimes.from_trains(train * ms for train in cases.trains)
    current = sx.StepCurrent(times=cases.changes * ms, values=cases.current * pA)
    spiking = sx.Projection(
        "trains",
        "neurons",
        "syn",
        sx.explicit(np.arange(len(cases.trains)), cases.targets),
        weight=cases.weights * pA,
        delay=cases.delays * ms,
    )
    # A current generator of NEST is a step ahead: its delay of one step is none here.
    driving = sx.Projection(
        "current",
        "neurons",
        "current",
        sx.all_to_all(),
        weight=cases.gains[None],
        signal="current",
    )
    populations = {
        "trains": sx.Population(trains, len(cases.trains)),
        "current": sx.Population(current, 1),
        "neurons": sx.Population(model, len(cases.gains)),
    }
    net = sx.Network(populations, [spiking, driving])
    sim = sx.Simulation(net, dt=cases.h * ms, precision="float64")
    recording = sim.run(cases.duration * ms, record={"neurons": ["V_m", "spike"]})
    return tables(recording, "neurons")


def tables(recording, population):
    """V_m and spikes as tables (steps, neurons)."""
    V, events = recording[f"{population}.V_m"].values, recording[f"{population}.spike"]
    spikes = np.zeros(V.shape)
    np.add.at(spikes, (events.steps - 1, events.ids), 1)
    return V, spikes


def run_nest(oracle, cases):
    """The same from NEST."""
    oracle.reset(cases.h)
    neurons = oracle.create("iaf_psc_exp", cases.values)
    ids = np.array(neurons.tolist())
    generators = oracle.nest.Create("spike_generator", len(cases.trains))
    generators.set([{"spike_times": train} for train in cases.trains])
    oracle.connect(generators.tolist(), ids[cases.targets], cases.weights, cases.delays)
    steps = {"amplitude_times": cases.changes, "amplitude_values": cases.current}
    current = oracle.nest.Create("step_current_generator", params=steps)
    oracle.connect(current.tolist() * len(ids), ids, cases.gains, np.full(len(ids), cases.h))
    return oracle.run(neurons, cases.duration, LONGEST)


@pytest.mark.nest
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("h", [0.1, 0.25, 1.0])
def test_potentials_and_spikes_are_nests(oracle, h, seed):
    cases = draw(seed, 12, h, 100.0)
    V, spikes = run(cases)
    nests_V, nests_spikes = run_nest(oracle, cases)
    assert spikes.sum() > 20
    np.testing.assert_array_equal(spikes, nests_spikes)
    np.testing.assert_allclose(V, nests_V, rtol=0, atol=1e-9)


@pytest.mark.nest
@pytest.mark.parametrize("t_ref", [0, 0.04, 0.1, 0.15, 0.3004, 0.3006, 1.05])
def test_refractory_period_is_rounded_as_in_nest(oracle, t_ref):
    """To microseconds, then up to whole steps; seen in neurons that spike as often as they can."""
    cases = draw(3, 12, 0.1, 100.0)
    cases = cases.with_values(t_ref=np.full(12, t_ref), I_e=1000 * cases.gains)
    np.testing.assert_array_equal(run(cases)[1], run_nest(oracle, cases)[1])


@pytest.mark.nest
def test_network_with_copied_weights_spikes_as_in_nest(oracle):
    cell = IafPscExp(
        I_e=sx.Uniform(390 * pA, 500 * pA),
        V_m=sx.Uniform(-70 * mV, -56 * mV),
        t_ref=sx.Uniform(1 * ms, 3 * ms),
        tau_syn_in=4 * ms,
    )
    mixed, inhibitory = sx.Normal(60 * pA, 60 * pA), sx.Normal(-250 * pA, 50 * pA)
    delays = sx.Uniform(0.5 * ms, 3 * ms)
    rule, fixed = sx.pairwise_bernoulli(0.3), sx.fixed_indegree(3)
    net = sx.Network(
        {"E": sx.Population(cell, 20), "I": sx.Population(cell, 5)},
        [
            sx.Projection("E", ["E", "I"], "syn", rule, weight=mixed, delay=1.5 * ms),
            sx.Projection("I", ["E", "I"], "syn", fixed, weight=inhibitory, delay=delays),
        ],
    )
    sim = sx.Simulation(net, dt=0.1 * ms, seed=4, precision="float64")
    nests_V, nests_spikes = oracle.run(copied(oracle, sim.model), 200.0, LONGEST)
    recording = sim.run(200 * ms, record={name: ["V_m", "spike"] for name in "EI"})
    V, spikes = (
        np.hstack(both) for both in zip(*(tables(recording, p) for p in "EI"), strict=True)
    )
    assert spikes.sum() > 100
    np.testing.assert_array_equal(spikes, nests_spikes)
    np.testing.assert_allclose(V, nests_V, rtol=0, atol=1e-9)


def copied(oracle, model):
    """The neurons of a built network, made again in NEST with all their synapses."""
    oracle.reset(model.dt)
    populations = {}
    for name, size in model.sizes:
        values = {p: np.broadcast_to(getattr(model.nodes[name], p), size) for p in UNITS}
        populations[name] = oracle.create("iaf_psc_exp", values)
    for edge in model.edges.values():
        pre, post = (np.array(populations[end].tolist()) for end in (edge.pre, edge.post))
        sources = np.ravel(edge.format.pre_values(jnp.arange(len(pre))))
        # Synapses of different channels have targets of their own, one population apart.
        targets = np.ravel(edge.format.targets) % len(post)
        steps = edge.delay if edge.delays is None else np.ravel(edge.delays)
        delays = np.broadcast_to(steps * model.dt, targets.shape)
        oracle.connect(pre[sources], post[targets], np.ravel(edge.weight), delays)
    first, *others = populations.values()
    return sum(others, first)


@pytest.mark.smoke
def test_potentials_of_two_synapses_add_up():
    """The closed form of Rotter & Diesmann 1999, one arrival of each sign at the end of step 1."""
    rows = np.zeros((200, 1))
    rows[0] = 1.0
    model = sx.model("iaf_psc_exp")(tau_syn_ex=2 * ms, tau_syn_in=5 * ms)
    sim = sx.Simulation(sx.Network({"n": sx.Population(model, 1)}), dt=0.1 * ms)
    arrivals = {"n.syn.ex": 300 * rows * pA, "n.syn.in": -200 * rows * pA}
    V = sim.run(20 * ms, inputs=arrivals, record={"n": "V_m"})["n.V_m"]
    t = V.times.mantissa - 0.1
    expected = -70 + 300 / 250 * response(t, 2) - 200 / 250 * response(t, 5)
    np.testing.assert_allclose(V.values[:, 0], expected, atol=1e-4)


def response(t, tau_syn, tau_m=10):
    return tau_m * tau_syn / (tau_m - tau_syn) * (np.exp(-t / tau_m) - np.exp(-t / tau_syn))


@pytest.mark.smoke
def test_it_is_found_by_nests_name_and_by_its_class():
    assert sx.model("iaf_psc_exp") is IafPscExp
    assert "IafPscExp" in dir(importlib.import_module("spikax_nest"))


@pytest.mark.nest
def test_defaults_and_recordables_are_nests(nest):
    defaults = nest.GetDefaults("iaf_psc_exp")
    ours = {name: float(in_unit(getattr(IafPscExp(), name), u)) for name, u in UNITS.items()}
    assert ours == {name: defaults[name] for name in UNITS}
    assert set(defaults["recordables"]) <= set(IafPscExp().signals)


@pytest.mark.nest
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("C_m", 0.0),
        ("tau_m", 0.0),
        ("tau_syn_ex", 0.0),
        ("tau_syn_in", -1.0),
        ("t_ref", -0.1),
        ("V_reset", -55.0),
        ("V_th", -75.0),
    ],
)
def test_values_that_nest_refuses_are_refused(nest, name, value):
    with pytest.raises(nest.NESTErrors.BadProperty):
        nest.Create("iaf_psc_exp", params={name: value})
    with pytest.raises(ConfigError, match=rf"IafPscExp\.({name}|V_reset)"):
        IafPscExp(**{name: value * UNITS[name]})
