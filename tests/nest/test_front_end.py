"""PyNEST as spikax has it beside a live NEST: the same script, the same answers."""

import importlib.util
import inspect
import subprocess
import sys
import tracemalloc
from pathlib import Path

import nest_fuzz as fuzz
import numpy as np
import pytest

import spikax_nest
from spikax.testing import count_compilations
from spikax_nest.pynest._catalogue import builtin_names
from spikax_nest.pynest._names import FUNCTIONS

MODELS = builtin_names()


def same(run, nest):
    """What a script gives with spikax, after checking that NEST gives the same."""
    ours, theirs = run(spikax_nest), run(nest)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_allclose(
            np.asarray(ours[name], float), np.asarray(theirs[name], float), rtol=1e-9, atol=1e-9
        )
    return ours


def grown_in_steps(nest):
    """A network that is run, wired, set and run on, with delays and weights of both signs."""
    nest.ResetKernel()
    nest.resolution = 0.1
    sources = nest.Create("iaf_psc_exp", 3, {"I_e": [376.0, 400.0, 450.0]})
    targets = nest.Create("iaf_psc_alpha", 2)
    meter = nest.Create("voltmeter", params={"interval": 0.2})
    recorder = nest.Create("spike_recorder")
    nest.Connect(sources, targets, syn_spec={"weight": 100.0, "delay": 1.5})
    delays = [[1.0, 2.0, 3.0], [1.5, 2.5, 0.5]]
    nest.Connect(sources, targets, syn_spec={"weight": -30.0, "delay": delays})
    nest.Connect(sources + targets, recorder)
    nest.Connect(meter, targets)
    nest.Simulate(40.0)
    nest.Simulate(30.5)
    targets.V_m = [-60.0, -61.0]
    nest.Connect(targets, sources, syn_spec={"weight": 260.0, "delay": 2.7})
    late = nest.Create("iaf_psc_exp", 2, {"I_e": 500.0, "V_m": -58.0})
    nest.Connect(late, targets, "one_to_one", {"weight": 300.0})
    nest.Simulate(60.0)
    found = {f"meter {k}": v for k, v in meter.events.items()}
    found |= {f"spikes {k}": v for k, v in recorder.events.items()}
    return found | {
        "V_m": targets.V_m,
        "Ca": sources.Ca,
        "t_spike": sources.t_spike,
        "extrema": (nest.min_delay, nest.max_delay),
        "connections": nest.GetConnections(sources).get("weight"),
        "counter": nest.local_spike_counter,
    }


def equilibrated(nest):
    """Gates that stay where they are when V_m is set, and that are told to follow it."""
    nest.ResetKernel()
    nest.SetDefaults("ht_neuron", {"V_m": -62.0, "equilibrate": True})
    nodes = nest.Create("ht_neuron", 3, {"g_peak_h": [1.0, 2.0, 3.0]})
    names = ["V_m", "I_h", "I_T", "I_KNa"]
    meter = nest.Create("multimeter", params={"record_from": names})
    nest.Connect(meter, nodes)
    nodes[0].V_m = -80.0
    nodes[1].set(V_m=-75.0, equilibrate=True)
    nest.Simulate(10.0)
    nodes.set([{"V_m": -60.0}, {"V_m": -60.0, "equilibrate": True}, {"voltage_clamp": True}])
    nest.Simulate(10.0)
    return dict(meter.events)


def compartments(nest):
    """Parameters in dicts of their compartment, set as defaults and before and in a run."""
    nest.ResetKernel()
    nest.SetDefaults("iaf_cond_alpha_mc", {"soma": {"g_L": 11.0}, "V_th": -56.0})
    nest.CopyModel("iaf_cond_alpha_mc", "small", {"distal": {"C_m": 60.0, "V_m": -66.0}})
    nodes = nest.Create("small", 2, {"soma": {"I_e": 280.0}, "proximal": {"V_m": -65.0}})
    ports = nodes[0].receptor_types
    current = nest.Create("dc_generator", params={"amplitude": 50.0})
    spikes = nest.Create("spike_generator", params={"spike_times": [5.0, 12.0]})
    nest.Connect(current, nodes, syn_spec={"receptor_type": ports["distal_curr"]})
    nest.Connect(spikes, nodes, syn_spec={"receptor_type": ports["proximal_inh"], "weight": 20.0})
    receptors = nest.GetConnections(target=nodes).get("receptor")
    meter = nest.Create("multimeter", params={"record_from": nodes[0].recordables})
    nest.Connect(meter, nodes)
    nest.Simulate(20.0)
    nodes[1].soma = {"V_m": -60.0, "E_L": -68.0}
    nodes.set([{"g_sp": 5.0, "distal": {"V_m": -60.0}}, {"proximal": {"I_e": 30.0}}])
    nest.Simulate(20.0)
    found = {f"{c} {n}": v for c in ("soma", "distal") for n, v in nodes[1].get(c).items()}
    return (
        dict(meter.events)
        | found
        | {
            "V_m": nodes.get("soma", "V_m"),
            "receptors": sorted(receptors),
        }
    )


def plastic(nest):
    """STDP between relays, looked at in the middle of a slice, too, and what it transmits."""
    nest.ResetKernel()
    recorder = nest.Create("weight_recorder")
    nest.CopyModel("stdp_synapse", "recorded", {"weight_recorder": recorder})
    rng = np.random.default_rng(1)
    pre = nest.Create("parrot_neuron", 4)
    post = nest.Create("parrot_neuron", 3, {"tau_minus": 33.7})
    for nodes in (pre, post):
        generators = nest.Create("spike_generator", len(nodes))
        times = [np.unique(np.round(rng.uniform(1, 90, 15), 1)) for _ in range(len(nodes))]
        generators.set([{"spike_times": t.tolist()} for t in times])
        nest.Connect(generators, nodes, "one_to_one")
    synapses = {
        "synapse_model": "recorded",
        "weight": rng.uniform(10, 60, (3, 4)),
        "delay": np.round(rng.uniform(0.5, 3.0, (3, 4)), 1),
        "alpha": nest.random.uniform(1.1, 1.1000000001),
        "receptor_type": 1,
        "lambda": 0.05,
        "tau_plus": 17.0,
    }
    nest.Connect(pre, post, "all_to_all", synapses)
    found = {}
    for piece in (30.0, 0.1, 17.3, 52.6):
        nest.Simulate(piece)
        synapses = nest.GetConnections(pre, post)
        time = nest.biological_time
        found |= {f"{time} {k}": synapses.get(k) for k in ("weight", "Kplus")}
    events = recorder.events
    order = np.lexsort((events["targets"], events["senders"], events["times"]))
    names = ("times", "senders", "targets", "weights", "receptors")
    return found | {f"sent {name}": events[name][order] for name in names}


def late_model(nest):
    """A synapse model that comes after a run, before others in the order of models."""
    nest.ResetKernel()
    pre, post = nest.Create("parrot_neuron", 2), nest.Create("parrot_neuron", 2)
    for nodes, times in ((pre, [5.0, 15.0, 30.0, 44.0]), (post, [8.0, 18.0, 33.0])):
        nest.Connect(nest.Create("spike_generator", params={"spike_times": times}), nodes)
    synapses = {"synapse_model": "stdp_synapse", "weight": 20.0, "receptor_type": 1}
    nest.Connect(pre, post, "all_to_all", synapses | {"lambda": 0.1})
    nest.Simulate(25.0)
    nest.Connect(pre, post, "one_to_one", {"synapse_model": "bernoulli_synapse"})
    before = nest.GetConnections(synapse_model="stdp_synapse").get("weight")
    nest.Simulate(25.0)
    after = nest.GetConnections(synapse_model="stdp_synapse").get("weight")
    return {"before": before, "after": after}


def large_population(nest):
    """Meters on a few of many neurons, which are not recorded in every step."""
    nest.ResetKernel()
    nodes = nest.Create("iaf_psc_exp", 5000, {"I_e": 400.0})
    nodes.V_m = np.linspace(-70, -56, 5000).tolist()
    every = nest.Create("voltmeter", params={"interval": 2.0})
    later = {"record_from": ["V_m", "I_syn_ex"], "interval": 3.0, "offset": 1.0}
    some = nest.Create("multimeter", params=later)
    nest.Connect(every, nodes[10:13])
    nest.Connect(some, nodes[4998:])
    nest.Simulate(10.0)
    nest.Simulate(7.5)
    found = {f"every {k}": v for k, v in every.events.items()}
    return found | {f"some {k}": v for k, v in some.events.items()}


def longer_lists(nest):
    """Receptors, and currents that spikes trigger, of which there are more after a run."""
    nest.ResetKernel()
    several = nest.Create("iaf_psc_exp_multisynapse", 2, {"I_e": 300.0})
    driven = nest.Create("glif_psc", 2, {"after_spike_currents": True})
    spikes = nest.Create("spike_generator", params={"spike_times": [22.0, 25.0]})
    current = nest.Create("dc_generator", params={"amplitude": 500.0})
    meter = nest.Create("voltmeter")
    nest.Connect(current, driven)
    nest.Connect(meter, several + driven)
    nest.Simulate(20.0)
    lists = {"asc_init": [0.0] * 3, "asc_decay": [0.01, 0.1, 0.2], "asc_r": [1.0] * 3}
    driven[1].set(**lists, asc_amps=[-10.0, -90.0, -40.0], ASCurrents=[-40.0, -20.0, -10.0])
    nest.Simulate(1.0)
    several[1].tau_syn = [2.0, 3.0, 4.0]
    nest.Connect(spikes, several[1], syn_spec={"receptor_type": 3, "weight": 100.0})
    nest.Simulate(29.0)
    found = {f"meter {k}": v for k, v in meter.events.items()}
    return found | {"currents": driven[1].ASCurrents}


def equal_and_then_set(nest):
    """Many synapses of equal values, some of which are set, end or stand beside others later."""
    nest.ResetKernel()
    sources = nest.Create("iaf_psc_exp", 40, {"I_e": [390.0 + 3.0 * k for k in range(40)]})
    targets = nest.Create("iaf_psc_exp", 35)
    meter = nest.Create("voltmeter", params={"interval": 0.1})
    recorder = nest.Create("spike_recorder")
    nest.Connect(sources, targets, syn_spec={"weight": 15.0, "delay": 1.5})
    nest.Connect(sources, targets, syn_spec={"synapse_model": "stdp_synapse", "weight": 20.0})
    nest.Connect(sources + targets, recorder)
    nest.Connect(meter, targets)
    nest.Simulate(30.0)
    changed = nest.GetConnections(sources, targets, "stdp_synapse")
    found = {"learned": sorted(changed.weight)}
    # NEST's order of the synapses of one source is that of its sort.
    nest.GetConnections(sources[3], targets[7], "static_synapse").weight = -300.0
    nest.GetConnections(sources[30], targets[9], "stdp_synapse").weight = 90.0
    nest.Simulate(20.0)
    nest.GetConnections(sources[38], targets[0], "static_synapse").disconnect()
    nest.Connect(targets, sources, syn_spec={"weight": -4.0, "delay": 1.2})
    nest.Simulate(20.0)
    found |= {f"meter {k}": v for k, v in meter.events.items()}
    found |= {f"spikes {k}": v for k, v in recorder.events.items()}
    return found | {"all": sorted(nest.GetConnections().weight)}


@pytest.mark.nest
@pytest.mark.parametrize(
    "script",
    [
        equal_and_then_set,
        equilibrated,
        compartments,
        longer_lists,
        grown_in_steps,
        plastic,
        late_model,
        large_population,
    ],
)
def test_scripts_give_what_nest_gives(nest, script):
    found = same(script, nest)
    assert all(np.size(values) for values in found.values())


@pytest.mark.nest
@pytest.mark.parametrize("model", MODELS)
def test_defaults_are_nests(nest, model):
    ours, theirs = spikax_nest.GetDefaults(model), nest.GetDefaults(model)
    assert ours.keys() == theirs.keys()
    numbers = (k for k, v in theirs.items() if isinstance(v, float | bool | int))
    for name in set(numbers) - {"model_id", "elementsize"}:
        assert type(ours[name]) is type(theirs[name]), name
        assert ours[name] == pytest.approx(theirs[name], rel=1e-15), name
    recordables = {*map(str, theirs.get("recordables", []))} - fuzz.MEMORY
    assert sorted(ours.get("recordables", [])) == sorted(recordables)
    assert ours.get("receptor_types") == theirs.get("receptor_types")


@pytest.mark.nest
@pytest.mark.parametrize("model", sorted(spikax_nest.synapse_models))
def test_defaults_of_synapses_are_nests(nest, model):
    ours, theirs = spikax_nest.GetDefaults(model), nest.GetDefaults(model)
    assert ours.keys() == theirs.keys()
    nodes = {"weight_recorder", "volume_transmitter"}
    # A diffusion_connection has no weight: what NEST shows is what its memory had before.
    nodes |= {"weight"} if model == "diffusion_connection" else set()
    for name in set(ours) - {"sizeof", "synapse_modelid", *nodes}:
        assert np.all(ours[name] == theirs[name]), name


WRONG = {
    "unknown model": lambda n: n.Create("iaf_psc_exq"),
    "unknown parameter": lambda n: n.Create("iaf_psc_exp", params={"C_n": 1.0}),
    "out of range": lambda n: n.Create("iaf_psc_exp", params={"C_m": -1.0}),
    "no number": lambda n: n.Create("iaf_psc_exp", params={"C_m": "a"}),
    "unknown rule": lambda n: n.Connect(n.Create("iaf_psc_exp"), n.Create("iaf_psc_exp"), "foo"),
    "unknown synapse": lambda n: n.Connect(
        n.Create("iaf_psc_exp"), n.Create("iaf_psc_exp"), syn_spec="foo"
    ),
    "unknown receptor": lambda n: n.Connect(
        n.Create("iaf_psc_exp"), n.Create("iaf_psc_exp"), syn_spec={"receptor_type": 7}
    ),
    "delay below the resolution": lambda n: n.Connect(
        n.Create("iaf_psc_exp"), n.Create("iaf_psc_exp"), syn_spec={"delay": 0.01}
    ),
    "from a recorder": lambda n: n.Connect(n.Create("spike_recorder"), n.Create("iaf_psc_exp")),
    "to a voltmeter": lambda n: n.Connect(n.Create("iaf_psc_exp"), n.Create("voltmeter")),
    "to a generator": lambda n: n.Connect(n.Create("iaf_psc_exp"), n.Create("dc_generator")),
    "read-only": lambda n: n.Create("iaf_psc_exp").set(global_id=3),
    "mechanisms without those they need": lambda n: n.Create(
        "glif_psc", params={"adapting_threshold": True, "after_spike_currents": True}
    ),
    "what belongs to a mechanism that is off": lambda n: n.Create(
        "glif_cond", params={"threshold_spike": 1.0}
    ),
    "fewer currents than decay rates": lambda n: n.Create(
        "glif_cond", params={"after_spike_currents": True, "ASCurrents": [1.0]}
    ),
    "receptor 0 of receptors": lambda n: n.Connect(n.Create("glif_psc"), n.Create("glif_psc")),
    "time off the grid": lambda n: n.Simulate(0.05),
    "resolution after Create": lambda n: (n.Create("iaf_psc_exp"), n.set(resolution=0.2)),
    "name that is taken": lambda n: n.CopyModel("iaf_psc_exp", "iaf_psc_alpha"),
    "no such node": lambda n: n.NodeCollection([77]),
}


@pytest.mark.nest
@pytest.mark.parametrize("what", WRONG)
def test_errors_are_of_nests_classes(nest, what):
    classes = []
    for module in (nest, spikax_nest):
        module.ResetKernel()
        with pytest.raises(module.NESTError) as error:
            WRONG[what](module)
        classes.append(type(error.value).__name__)
        module.ResetKernel()
    assert classes[0] == classes[1]
    assert len(str(error.value)) > 20


def test_unknown_names_come_with_a_guess():
    spikax_nest.ResetKernel()
    with pytest.raises(spikax_nest.NESTErrors.UnknownModelName, match="mean iaf_psc_exp"):
        spikax_nest.Create("iaf_psc_exq")


def driven(n=3, I_e=420.0):
    """A small network that spikes."""
    spikax_nest.ResetKernel()
    nodes = spikax_nest.Create("iaf_psc_exp", n, {"I_e": I_e})
    noise = spikax_nest.Create("poisson_generator", params={"rate": 5000.0})
    recorder = spikax_nest.Create("spike_recorder")
    spikax_nest.Connect(nodes, nodes, syn_spec={"weight": 40.0, "delay": 1.7})
    spikax_nest.Connect(noise, nodes, syn_spec={"weight": 20.0})
    spikax_nest.Connect(nodes, recorder)
    return nodes, recorder


def test_more_time_other_values_and_other_small_networks_compile_nothing():
    nodes, _ = driven()
    spikax_nest.Simulate(20.0)
    nodes.I_e = 430.0  # what changes values has programs of its own
    spikax_nest.Simulate(1.0)
    with count_compilations() as compilations:
        spikax_nest.Simulate(33.3)
        nodes.I_e = 440.0
        nodes.V_m = -60.0
        spikax_nest.Simulate(5.0)
        nodes, _ = driven(I_e=410.0)
        spikax_nest.Connect(nodes[0], nodes[1], syn_spec={"weight": -5.0, "delay": 1.0})
        spikax_nest.Simulate(7.0)
    assert compilations.count == 0, compilations


def test_import_and_defaults_compile_nothing():
    with count_compilations() as compilations:
        spikax_nest.ResetKernel()
        for model in MODELS:
            spikax_nest.GetDefaults(model)
    assert compilations.count == 0


def test_what_is_equal_for_all_synapses_takes_no_memory():
    spikax_nest.ResetKernel()
    nodes, k = spikax_nest.Create("iaf_psc_exp", 1100), 200
    tracemalloc.start()
    rule = {"rule": "fixed_indegree", "indegree": k}
    spikax_nest.Connect(nodes, nodes, rule, {"weight": 2.0, "delay": 1.5})
    held = tracemalloc.get_traced_memory()[0] / (k * len(nodes))
    tracemalloc.stop()
    assert 8 < held < 8.5  # the two ends, in 32 bits
    assert spikax_nest.num_connections == k * len(nodes)


def test_defaults_are_asked_for_by_a_name_or_by_names():
    values = {"tau_m": 10.0, "V_reset": -70.0}
    for names in (values, values.keys(), tuple(values)):
        assert spikax_nest.GetDefaults("iaf_psc_alpha", names) == [*values.values()]
    assert spikax_nest.GetDefaults("iaf_psc_alpha", "tau_m") == 10.0
    with pytest.raises(KeyError):
        spikax_nest.GetDefaults("iaf_psc_alpha", 42)


def test_no_nodes_are_of_no_network():
    none = spikax_nest.NodeCollection()
    spikax_nest.ResetKernel()
    assert len(none) == 0
    with pytest.raises(spikax_nest.NESTErrors.IllegalConnection):
        spikax_nest.Connect(spikax_nest.Create("iaf_psc_exp"), none)


def test_a_run_in_pieces_is_one_run():
    _, recorder = driven()
    spikax_nest.Simulate(100.0)
    whole = recorder.events
    _, recorder = driven()
    for piece in (0.1, 12.4, 50.0, 37.5):
        spikax_nest.Simulate(piece)
    pieces = recorder.events
    assert len(whole["times"]) > 10
    for name in whole:
        np.testing.assert_array_equal(np.sort(whole[name]), np.sort(pieces[name]))


def many(nest, first=300.0, second=-200.0):
    """More nodes than share code with other networks: values that are shared, and then are not.

    First weights of one sign, then of both, while spikes are on their way.
    """
    nest.ResetKernel()
    nodes = nest.Create("iaf_psc_exp", 1100, {"I_e": 400.0})
    recorder = nest.Create("spike_recorder")
    nest.Connect(nodes, nodes, "one_to_one", {"weight": first, "delay": 1.5})
    nest.Connect(nodes, recorder)
    nest.Simulate(30.0)
    nodes[7].I_e = 500.0
    nest.Simulate(10.3)
    nest.Connect(nodes[:50], nodes[50:100], "one_to_one", {"weight": second, "delay": 1.2})
    nest.Simulate(30.0)
    events = recorder.events
    order = np.lexsort((events["senders"], events["times"]))
    return {name: events[name][order] for name in ("times", "senders")} | {"V_m": nodes.V_m}


@pytest.mark.nest
@pytest.mark.parametrize("sign", [1, -1])
def test_values_that_many_nodes_share(nest, sign):
    found = same(lambda module: many(module, 300.0 * sign, -200.0 * sign), nest)
    assert len(found["times"]) > 2000


def each_its_own(nest):
    """Generators to many nodes in two parts, the later ones first, each by a weight of its own."""
    nest.ResetKernel()
    nodes = nest.Create("iaf_psc_exp", 1100, {"V_th": 1e6})
    for k, some in enumerate((nodes[600:], nodes[:600])):
        current = nest.Create("noise_generator", params={"mean": 50.0 + k, "std": 0.0})
        weights = np.linspace(0.5, 2.0, len(some))[:, None]
        nest.Connect(current, some, "all_to_all", {"weight": weights, "delay": 1.0})
    nest.Simulate(20.0)
    return {"V_m": nodes.V_m}


@pytest.mark.nest
def test_generators_reach_many_nodes_by_weights_of_their_own(nest):
    assert np.ptp(same(each_its_own, nest)["V_m"]) > 1.0


def test_inhibition_on_its_way_never_arrives_as_excitation():
    """All inhibitory synapses go, and excitatory ones come, while a spike is on its way."""
    spikax_nest.ResetKernel()
    nodes = spikax_nest.Create("iaf_psc_exp", 1100)
    source = spikax_nest.Create("spike_generator", params={"spike_times": [1.0]})
    spikax_nest.Connect(source, nodes, syn_spec={"weight": -500.0, "delay": 4.0})
    spikax_nest.Simulate(3.0)
    spikax_nest.GetConnections(source).disconnect()
    spikax_nest.Connect(nodes[0], nodes[1], syn_spec={"weight": 1.0, "delay": 4.0})
    spikax_nest.Simulate(10.0)
    assert max(nodes.V_m) <= -70.0


def traced(precision):
    """Potentials, spikes and the network of neurons, synapses that learn and a generator."""
    spikax_nest.ResetKernel()
    spikax_nest.precision = precision
    nodes = spikax_nest.Create("iaf_psc_exp", 3, {"I_e": 420.0})
    noise = spikax_nest.Create("poisson_generator", params={"rate": 5000.0})
    plastic = {"synapse_model": "stdp_synapse", "weight": 30.0}
    meter, recorder = spikax_nest.Create("voltmeter"), spikax_nest.Create("spike_recorder")
    spikax_nest.Connect(nodes, nodes, syn_spec=plastic)
    spikax_nest.Connect(noise, nodes, syn_spec={"weight": 20.0})
    spikax_nest.Connect(meter, nodes)
    spikax_nest.Connect(nodes, recorder)
    spikax_nest.Simulate(30.0)
    return meter.events["V_m"], recorder.events["times"], spikax_nest.network()[1]


def test_single_precision_is_there_for_speed():
    (V, times, double), (other_V, other_times, single) = map(traced, ("float64", "float32"))
    assert double.nodes["iaf_psc_exp"].V_m.dtype == np.float64
    assert single.nodes["iaf_psc_exp"].V_m.dtype == np.float32
    assert V.dtype == other_V.dtype == np.float64
    assert len(times) > 3
    np.testing.assert_array_equal(other_times, times)
    error = np.abs(other_V - V).max()
    assert 0 < error < 1e-3
    with pytest.raises(spikax_nest.NESTErrors.KernelException, match="before the first Create"):
        spikax_nest.precision = "float64"
    spikax_nest.ResetKernel()
    assert spikax_nest.precision == "float64"
    with pytest.raises(spikax_nest.NESTErrors.BadProperty, match="float16"):
        spikax_nest.precision = "float16"


def test_rates_arrive_wherever_a_run_ends():
    """In the middle of a slice of the shortest delay, too, where NEST forgets them."""
    found = []
    for pieces in ([6.0], [2.0, 0.1, 3.9]):
        spikax_nest.ResetKernel()
        values = {"sigma": 0.0, "mu": [1.0, 0.0], "rate": [0.5, 0.0]}
        nodes = spikax_nest.Create("lin_rate_ipn", 2, values)
        synapse = {"synapse_model": "rate_connection_delayed", "weight": 1.0, "delay": 0.3}
        spikax_nest.Connect(nodes[0], nodes[1], syn_spec=synapse)
        for piece in pieces:
            spikax_nest.Simulate(piece)
        found.append(nodes[1].rate)
    assert found[0] == found[1] > 0.1


def test_functions_have_a_docstring_and_are_found():
    for name in spikax_nest.__all__:
        value = getattr(spikax_nest, name)
        assert inspect.getdoc(value), name


@pytest.mark.nest
def test_functions_take_what_nests_take(nest):
    for name in FUNCTIONS:
        ours, theirs = getattr(spikax_nest, name), getattr(nest, name, None)
        if inspect.isfunction(ours) and inspect.isfunction(theirs):
            taken = [[*inspect.signature(f).parameters] for f in (ours, theirs)]
            assert taken[0] == taken[1], name


def test_a_message_is_shown_from_its_severity_on(capsys):
    spikax_nest.ResetKernel()
    spikax_nest.verbosity = spikax_nest.VerbosityLevel.INFO
    spikax_nest.message("wiring")
    spikax_nest.message("details", spikax_nest.VerbosityLevel.DEBUG)
    said = capsys.readouterr().out
    assert "test_a_message_is_shown_from_its_severity_on [Info]: wiring" in said
    assert "details" not in said


def test_pages_of_models_are_those_of_their_files():
    folder = Path(__file__).parents[2] / "docs/nest"
    spec = importlib.util.spec_from_file_location("write_models", folder / "write_models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (folder / "models.md").read_text() == module.written()
    assert module.CLASSES.read_text() == module.classes()


def test_each_part_can_be_imported_first():
    """No part waits for one that waits for it; in a process of its own, each from the start."""
    code = """
import importlib, sys
for name in sys.argv[1:]:
    for module in [m for m in sys.modules if m.startswith("spikax_nest")]:
        del sys.modules[module]
    importlib.import_module("spikax_nest.pynest." + name)
"""
    subprocess.run([sys.executable, "-c", code, *sorted({*FUNCTIONS.values()})], check=True)
