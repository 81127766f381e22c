"""`stdp_facetshw_synapse_hom` against a live NEST: synapses get numbers when they first transmit.

Sources in two populations spike as they are told, in an order that is not that of their ids, some
of them in the same step.
"""

import jax
import numpy as np
import pytest

import spikax_nest
from spikax import _plastic_walk

MODEL, H = "stdp_facetshw_synapse_hom", 0.1
SHOWN = (
    *("source", "target", "weight", "delay", "a_causal", "a_acausal", "a_thresh_th", "a_thresh_tl"),
    *("init_flag", "synapse_id", "next_readout_time"),
)
COUNTED = ("no_synapses", "readout_cycle_duration")
NUMBERS = np.arange(16)
TABLES = {  # of disjoint entries: what was sent says which tables were used
    "lookuptable_0": (3 * NUMBERS % 5).tolist(),
    "lookuptable_1": (5 + 2 * NUMBERS % 5).tolist(),
    "lookuptable_2": (10 + NUMBERS % 6).tolist(),
}
DRIVERS = {
    "synapses_per_driver": 3,
    "driver_readout_time": 2.5,
    "reset_pattern": [1, 0, 1, 1, 0, 1],
}

LATE = 9.0  # of what its target did before it was made, a synapse of NEST's sees now more, now less
GROWTH = (
    (0.7, (), ()),
    (4.0, (), ()),
    (3.3, (4,), (1, 3, 4, 6)),
    (20.0, (5,), (0, 1, 5)),
    (200.0, (), ()),
)


class Net:
    """Eight sources, parrots and neurons by turns, and eight parrots that they end on."""

    def __init__(self, module, shortest=H):
        module.ResetKernel()
        module.resolution = H
        self.module, self.rng, self.shortest = module, np.random.default_rng(3), shortest
        first = [7.1, 3.0, 9.4, 0.6, 3.0, 5.2, 0.6, 30.0]
        self.sources = [self.told(*model) for model in 4 * [("parrot_neuron", 1.0), STRONG]]
        for train, (generator, _), start in zip(self.trains(8), self.sources, first, strict=True):
            generator.spike_times = np.append(start, train[train > start])
        self.targets = [self.told("parrot_neuron", 1.0) for _ in range(8)]
        for k, (train, (generator, _)) in enumerate(zip(self.trains(8), self.targets, strict=True)):
            generator.spike_times = train[train > LATE * (k > 3)]
        self.recorder = module.Create("weight_recorder")

    def told(self, model, weight):
        generator, node = self.module.Create("spike_generator"), self.module.Create(model)
        self.module.Connect(generator, node, syn_spec={"weight": weight, "delay": self.shortest})
        return generator, node

    def trains(self, n):
        steps = (np.sort(self.rng.choice(np.arange(5, 2400), 60, False)) for _ in range(n))
        return [np.round(s * H, 1) for s in steps]

    def model(self, name="counted", **values):
        self.module.CopyModel(MODEL, name, {"weight_recorder": self.recorder, **values})

    def connect(self, targets, sources=range(8), n=None, model="counted"):
        """Synapses between some of these, listed by their sources: else NEST's sort mixes them."""
        pairs = np.array([(i, j) for i in sources for j in targets])
        n = len(pairs) if n is None else n
        pairs = pairs[np.sort(self.rng.permutation(len(pairs))[:n])]
        delay = np.round(self.shortest + H * self.rng.integers(0, 25, n), 1)
        delay[:2] = self.shortest, self.shortest + 25 * H
        each = {name: self.rng.uniform(0.05, 1.0, n) for name in ("a_thresh_th", "a_thresh_tl")}
        each |= {"weight": self.rng.uniform(0, 100, n), "receptor_type": np.ones(n, int)}
        ends = (
            np.array([nodes[k][1].tolist()[0] for k in column])
            for nodes, column in zip((self.sources, self.targets), pairs.T, strict=True)
        )
        synapse = {"synapse_model": model, "delay": delay, **each}
        self.module.Connect(*ends, "one_to_one", synapse)

    def shown(self, model="counted"):
        """The synapses, and how many there are."""
        synapses = self.module.GetConnections(synapse_model=model)
        found = {name: np.asarray(synapses.get(name), float) for name in SHOWN}
        order = np.lexsort([found["target"], found["source"]])
        found = {name: values[order] for name, values in found.items()}
        return found | dict(zip(COUNTED, self.module.GetDefaults(model, COUNTED), strict=True))

    def sent(self):
        events = {name: np.asarray(values) for name, values in self.recorder.events.items()}
        order = np.lexsort([events[name] for name in ("targets", "senders", "times")])
        return {n: events[n][order] for n in ("times", "senders", "targets", "weights")}


STRONG = ("iaf_psc_delta", 100.0)


def compared(nest, script, *args):
    """What a script says of both, entry by entry; spikax's."""
    theirs, ours = (script(module, *args) for module in (nest, spikax_nest))
    for k, (found, expected) in enumerate(zip(ours, theirs, strict=True)):
        for name, values in expected.items():
            where = f"{name} ({k})"
            np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-9, err_msg=where)
    return ours


def growing(module):
    """A network that is made anew between runs, with synapses from sources that spiked before."""
    net = Net(module)
    net.model(**DRIVERS, **TABLES)
    net.connect(range(4), n=16)
    found = []
    for duration, targets, sources in GROWTH:
        if targets:
            net.connect(targets, sources)
        module.Simulate(duration)
        found.append(net.shown())
        module.Create("parrot_neuron")
    return [*found, net.sent()]


@pytest.mark.nest
@pytest.mark.parametrize("loops", [False, True], ids=["all synapses", "loops"])
def test_numbers_and_weights_are_nests(nest, loops, monkeypatch):
    monkeypatch.setattr(_plastic_walk, "FEWEST", 0 if loops else 10**9)
    jax.clear_caches()
    *shown, sent = compared(nest, growing)
    counts = [s["no_synapses"] for s in shown]
    assert counts[0] < counts[1] < counts[2] < counts[3] < counts[4] == 23
    assert sorted(shown[-1]["synapse_id"]) == list(range(23))
    assert np.any(np.diff(shown[-1]["synapse_id"]) < 0)
    entries = np.rint(sent["weights"] / 100 * 15)
    used = np.histogram(entries, [0, 5, 10, 16])[0]
    assert used.min() > 20


def by_slices(module):
    """Slices of eight steps, in which sources spike first in an order that is not that of ids."""
    net = Net(module, shortest=0.8)
    net.model(**DRIVERS, **TABLES)
    net.connect(range(4), n=16)
    found = []
    for duration in (0.8, 4.0, 5.6, 40.0, 120.0):
        module.Simulate(duration)
        found.append(net.shown())
        module.Create("parrot_neuron")
    return [*found, net.sent()]


@pytest.mark.nest
def test_sources_of_one_slice_are_in_the_order_of_their_ids(nest):
    *shown, _ = compared(nest, by_slices)
    assert shown[-1]["no_synapses"] == 16


def at_defaults(module):
    net = Net(module)
    net.model()
    net.connect(range(4), n=14)
    module.Simulate(60.0)
    return [net.shown(), net.sent()]


@pytest.mark.nest
def test_one_driver_has_all_synapses_at_the_defaults(nest):
    shown, _ = compared(nest, at_defaults)
    assert shown["no_synapses"] == 14
    assert shown["readout_cycle_duration"] == 15.0


def given(module):
    """Some ids are given before and between runs, and the count is set; models count apart."""
    net = Net(module)
    net.model(**DRIVERS, **TABLES, no_synapses=40)
    net.model("other", **DRIVERS)
    net.connect(range(4), n=14)
    net.connect((4, 5), n=5, model="other")
    some = module.GetConnections(synapse_model="counted")[::3]
    some.set([{"init_flag": True, "synapse_id": 7 * k} for k in range(len(some))])
    found = [net.shown()]
    module.Simulate(6.0)
    found.append(net.shown())
    module.SetDefaults("counted", {"no_synapses": 100, "tau_plus": 5.0})
    module.GetConnections(synapse_model="counted")[2:6].init_flag = False
    found.append(net.shown())
    module.Simulate(50.0)
    found += [net.shown(), net.shown("other")]
    module.SetDefaults("counted", {"readout_cycle_duration": 7.5, "Wmax": 150.0})
    module.Simulate(50.0)
    return [*found, net.shown(), net.sent()]


@pytest.mark.nest
def test_numbers_that_are_given_are_kept(nest):
    *_, last, other, end, _ = compared(nest, given)
    assert last["no_synapses"] > 100
    assert other["no_synapses"] == 5
    assert end["readout_cycle_duration"] == 7.5


def refusals(module):
    """What is raised for values that are not taken."""
    names = ("BadProperty", "NotImplemented", "TypeMismatch", "UnaccessedDictionaryEntry")
    return tuple(getattr(module.NESTErrors, name) for name in names)


SET = {
    "lists": {"lookuptable_0": tuple(range(16)), "configbit_0": [5, 6, 7, 8]},
    "an array": {"lookuptable_1": np.arange(16)[::-1]},
    "bools": {"reset_pattern": [True, False] * 3},
    "Wmax": {"Wmax": 30.0},
    "Wmax and an entry": {"Wmax": 45, "weight_per_lut_entry": 9.0},
    "count": {"no_synapses": 101},
    "cycle": {"readout_cycle_duration": 7.0},
    "count and cycle": {"no_synapses": 101, "readout_cycle_duration": 7.0},
    "drivers": {"no_synapses": 101, "synapses_per_driver": 7, "driver_readout_time": 2.0},
    "of each": {"init_flag": True, "synapse_id": 3, "next_readout_time": 4},
    "too few entries": {"lookuptable_0": [1] * 15},
    "too large": {"lookuptable_1": [16] * 16},
    "below zero": {"lookuptable_2": [-1] * 16},
    "too few bits": {"configbit_1": [1, 2]},
    "too few resets": {"reset_pattern": [1] * 5},
    "reals": {"configbit_0": [1.5] * 4},
    "one bit": {"configbit_0": 3},
    "a real count": {"no_synapses": 2.5},
    "a number for a bool": {"init_flag": 1},
    "a list for a number": {"tau_plus": [1.0]},
}


@pytest.mark.nest
@pytest.mark.parametrize("values", SET.values(), ids=SET)
def test_defaults_are_set_as_in_nest(nest, values):
    found = []
    for module in (nest, spikax_nest):
        module.ResetKernel()
        try:
            module.CopyModel(MODEL, "copy", values)
            found.append(module.GetDefaults("copy"))
        except refusals(module) as error:
            found.append({"error": type(error).__name__})
    theirs, ours = found
    own = {"synapse_modelid", "weight_recorder"}
    assert ours.keys() == theirs.keys()
    for name in theirs.keys() - own:
        assert type(ours[name]) is type(theirs[name]), name
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    assert spikax_nest.GetDefaults(MODEL)["lookuptable_0"][0] == 2


@pytest.mark.nest
@pytest.mark.parametrize(
    "values",
    [{"init_flag": True}, {"init_flag": 1}, {"synapse_id": 4}, {"synapse_id": 4.5}, {"Wmax": 1.0}],
    ids=str,
)
@pytest.mark.parametrize("way", ["set", "Connect"])
def test_synapses_are_set_as_in_nest(nest, values, way):
    found = []
    for module in (nest, spikax_nest):
        module.ResetKernel()
        nodes = module.Create("parrot_neuron", 2)
        try:
            synapse = {"synapse_model": MODEL, **(values if way == "Connect" else {})}
            module.Connect(*nodes, "one_to_one", synapse)
            synapses = module.GetConnections()
            if way == "set":
                synapses.set(values)
            found.append(synapses.get(["a_causal", *SHOWN]))
        except refusals(module) as error:
            found.append(type(error).__name__)
    assert found[1] == found[0]


def test_values_of_some_synapses_alone_are_set():
    spikax_nest.ResetKernel()
    nodes = spikax_nest.Create("parrot_neuron", 2)
    for model in (MODEL, "static_synapse"):
        spikax_nest.Connect(*nodes, "one_to_one", {"synapse_model": model})
    synapses = spikax_nest.GetConnections()
    synapses.set([{"weight": 3.0}, {}])
    assert synapses.get("weight") == [3.0, 1.0]


def test_a_driver_without_synapses_is_refused():
    with pytest.raises(spikax_nest.NESTErrors.BadProperty, match="synapses_per_driver is 0"):
        spikax_nest.SetDefaults(MODEL, {"synapses_per_driver": 0})


def test_what_counts_is_no_node():
    net = Net(spikax_nest)
    net.model()
    net.connect(range(4), n=14)
    before = spikax_nest.network_size
    spikax_nest.Simulate(1.0)
    assert spikax_nest.network_size == before == len(spikax_nest.GetNodes())
    model, _ = spikax_nest.network()
    assert len(model.nodes) == 4  # and three models of nodes
