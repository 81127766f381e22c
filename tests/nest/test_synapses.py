"""NEST's plastic synapses against a live NEST: every synapse has parameters of its own.

Sources and targets spike as they are told; each weight that is sent must agree with what a weight
recorder sees within 1e-9, and so must what NEST shows of its synapses afterwards.
"""

from dataclasses import dataclass

import jax
import nest_draws as draws
import numpy as np
import pytest
from scipy import stats

import spikax as sx
import spikax_nest
from spikax import _plastic_walk
from spikax._fields import parameters
from spikax.errors import ConfigError
from spikax.units import ms, pA

H, DURATION, QUIET = 0.1, 250.0, 8.0
N_PRE, N_POST, N_SYNAPSES = 7, 5, 24
GENERIC = {
    *("weight", "delay", "weight_recorder", "num_connections", "sizeof", "requires_symmetric"),
    *("has_delay", "synapse_model", "synapse_modelid", "synapse_id", "element_type"),
    *("receptor_type", "target"),
}


class Told(sx.SpikeTimes):
    """Spikes as it is told, whatever arrives."""

    ports = {"syn": sx.Port(pA)}


@dataclass(frozen=True)
class Case:
    """Synapses between neurons whose spikes are given, as stamps in steps."""

    model: str
    pre: list[np.ndarray]
    post: list[np.ndarray]
    tau_minus: dict[str, np.ndarray]
    pairs: np.ndarray
    values: dict[str, np.ndarray | float]

    @property
    def of_rule(self):
        return {n: v for n, v in self.values.items() if n not in ("weight", "delay")}


KINDS = {
    "stdp": ("stdp_synapse", draws.stdp),
    "stdp, negative": ("stdp_synapse", draws.inhibitory),
    "stdp_hom": ("stdp_synapse_hom", draws.hom),
    "nn_pre_centered": ("stdp_nn_pre_centered_synapse", draws.stdp),
    "nn_restr": ("stdp_nn_restr_synapse", draws.nearest),
    "nn_symm": ("stdp_nn_symm_synapse", draws.nearest),
    "triplet": ("stdp_triplet_synapse", draws.triplet),
    "jonke": ("jonke_synapse", draws.exponential),
    "ht": ("ht_synapse", draws.pool),
    "tsodyks2": ("tsodyks2_synapse", draws.tsodyks2),
    "tsodyks": ("tsodyks_synapse", draws.tsodyks),
    "quantal": ("quantal_stp_synapse", draws.quantal),
    "bernoulli": ("bernoulli_synapse", draws.bernoulli),
}
MODELS = tuple(dict.fromkeys(model for model, _ in KINDS.values()))


def draw(kind, seed=5):
    """Many spikes coincide, at the synapses too; pairs come in any order."""
    model, values = KINDS[kind]
    rng = np.random.default_rng(seed)

    def trains(size):
        last = round((DURATION - QUIET) / H)
        grid = rng.integers(2, last // 5, (size, 30)) * 5
        return [np.unique(np.append(row, rng.integers(2, last, 10))) for row in grid]

    pairs = np.stack(np.divmod(rng.permutation(N_PRE * N_POST)[:N_SYNAPSES], N_POST), axis=1)
    delay = H * rng.integers(1, 40, N_SYNAPSES)
    return Case(
        model,
        trains(N_PRE),
        trains(N_POST),
        {n: rng.uniform(10, 40, N_POST) for n in ("tau_minus", "tau_minus_triplet")},
        pairs,
        values(rng, N_SYNAPSES) | {"delay": delay},
    )


def rule_of(case):
    rule = sx.model(case.model)
    units = {p.name: p.unit for p in parameters(rule)} | {"w_max": pA}
    fields = {rule.names.get(n, n): v for n, v in case.of_rule.items()}
    fields |= {name: case.tau_minus[name] for name in rule.per_neuron}
    return rule(**{n: v * units[n] for n, v in fields.items()})


def run(case, seed=1):
    """The weight of each synapse at each step as it would be sent, and the state at the end."""
    rule, (sources, targets) = rule_of(case), case.pairs.T
    projection = sx.Projection(
        "pre",
        "post",
        "syn",
        sx.explicit(sources, targets),
        weight=case.values["weight"] * pA,
        delay=case.values["delay"] * ms,
        plasticity=rule,
    )
    populations = {
        "pre": sx.Population(sx.SpikeTimes.from_trains(t * H * ms for t in case.pre), N_PRE),
        "post": sx.Population(Told.from_trains(t * H * ms for t in case.post), N_POST),
    }
    sim = sx.Simulation(
        sx.Network(populations, [projection]), dt=H * ms, seed=seed, precision="float64"
    )
    sent = sim.run(DURATION * ms, record={"pre->post": rule.sends})[f"pre->post.{rule.sends}"]
    order = np.lexsort((targets, sources))
    values = np.empty_like(sent.values)
    values[:, order] = sent.values
    edge, state = sim.model.edges["pre->post"], sim.state.edges["pre->post"]

    def shown(name):
        got = np.empty(N_SYNAPSES)
        got[order] = edge.read(state, rule.shown.get(name, name))
        return got

    return values, shown


def run_nest(nest, case):
    """The events of a weight recorder, and the connections as NEST shows them at the end."""
    nest.ResetKernel()
    nest.resolution = H
    recorder = nest.Create("weight_recorder")
    rule = sx.model(case.model)
    common = {n: case.values[n] for n in case.values if rule.names.get(n, n) in rule.common}
    nest.CopyModel(case.model, "syn", {"weight_recorder": recorder, **common})
    pre, post = parrots(nest, case.pre), parrots(nest, case.post)
    post.set(case.tau_minus)
    ids = [np.array(nodes.tolist())[k] for nodes, k in zip((pre, post), case.pairs.T, strict=True)]
    each = {n: v for n, v in case.values.items() if n not in common}
    each["receptor_type"] = np.ones(N_SYNAPSES, int)
    nest.Connect(*ids, "one_to_one", {"synapse_model": "syn", **each})
    nest.Simulate(DURATION)
    return recorder.events, nest.GetConnections(pre, post), ids


def parrots(nest, trains):
    nodes = nest.Create("parrot_neuron", len(trains))
    generators = nest.Create("spike_generator", len(trains))
    generators.set([{"spike_times": (train - 1) * H} for train in trains])
    nest.Connect(generators, nodes, "one_to_one", {"delay": H})
    return nodes


@pytest.mark.nest
@pytest.mark.parametrize("kind", ["stdp", "nn_restr", "triplet", "jonke", "ht", "tsodyks"])
def test_several_spikes_in_a_step_come_one_after_the_other(nest, kind):
    """Parrots at both ends pass on what comes together.

    Of short-term plasticity the same is sent in all; a weight that was learnt is sent as it is
    after the last.
    """
    model, values = KINDS[kind]
    found = []
    for module in (nest, spikax_nest):
        rng = np.random.default_rng(7)
        module.ResetKernel()
        module.resolution = H
        trains = [np.sort(rng.integers(1, 60, 40)) * 5 * H for _ in range(2 * N_SYNAPSES)]
        generators = module.Create("spike_generator", len(trains))
        generators.set([{"spike_times": t.tolist()} for t in trains])
        nodes = module.Create("parrot_neuron", len(trains))
        module.Connect(generators, nodes, "one_to_one", {"delay": H})
        pre, post = nodes[:N_SYNAPSES], nodes[N_SYNAPSES:]
        each = values(rng, N_SYNAPSES)
        shared = {n: v for n, v in each.items() if not np.ndim(v)}
        weights = module.Create("weight_recorder")
        module.CopyModel(model, "syn", {"weight_recorder": weights, **shared})
        delay = H * rng.integers(1, 40, N_SYNAPSES)
        some = {n: v for n, v in each.items() if n not in shared} | {"delay": delay}
        module.Connect(pre, post, "one_to_one", {"synapse_model": "syn", **some})
        module.Simulate(50.0)
        found.append(sent_together(weights.events, sx.model(model).sends == "weight"))
    (nests_key, nests), (key, ours) = found
    assert len(weights.events["times"]) > 1.3 * len(nests)
    np.testing.assert_array_equal(key, nests_key)
    np.testing.assert_allclose(ours, nests, atol=1e-9)


def test_each_of_several_spikes_in_a_step_has_its_own_chance():
    spikax_nest.ResetKernel()
    times = np.repeat(np.arange(1.0, 21.0), 2)
    generator = spikax_nest.Create("spike_generator", params={"spike_times": times})
    source, targets = spikax_nest.Create("parrot_neuron"), spikax_nest.Create("parrot_neuron", 200)
    recorder = spikax_nest.Create("spike_recorder")
    spikax_nest.Connect(generator, source)
    coin = {"synapse_model": "bernoulli_synapse", "p_transmit": 0.3}
    spikax_nest.Connect(source, targets, syn_spec=coin)
    spikax_nest.Connect(targets, recorder)
    spikax_nest.Simulate(30.0)
    key = np.stack([np.rint(recorder.events["times"]), recorder.events["senders"]])
    passed = np.unique(key, axis=1, return_counts=True)[1]
    seen = np.bincount(passed, minlength=3)
    seen[0] = 20 * 200 - seen.sum()
    expected = 20 * 200 * stats.binom.pmf([0, 1, 2], 2, 0.3)
    assert stats.chisquare(seen, expected).pvalue > 0.001


def sent_together(events, last):
    """Step and sender of what is sent, and the last weight of each, or the sum of its weights."""
    key = np.stack([np.rint(np.asarray(events["times"]) / H), events["senders"]])
    key, place = np.unique(key, axis=1, return_inverse=True)
    weights, place = np.asarray(events["weights"]), place.ravel()
    if not last:
        return key, np.bincount(place, weights)
    found = np.zeros(key.shape[1])
    found[place] = weights
    return key, found


def recorded(events, ids):
    """Synapse, step and weight of each event."""
    which = {pair: k for k, pair in enumerate(zip(*(i.tolist() for i in ids), strict=True))}
    ends = zip(events["senders"], events["targets"], strict=True)
    synapse = np.array([which[int(s), int(t)] for s, t in ends])
    return synapse, np.rint(events["times"] / H).astype(int), events["weights"]


@pytest.mark.nest
# That both ways agree is proved in core: the grid has the one that large networks do not take.
@pytest.mark.parametrize(
    "loops",
    [
        pytest.param(False, id="all synapses", marks=pytest.mark.grid),
        pytest.param(True, id="loops"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_sent_are_nests(nest, kind, loops, monkeypatch):
    monkeypatch.setattr(_plastic_walk, "FEWEST", 0 if loops else 10**9)
    jax.clear_caches()
    case = draw(kind)
    sent, shown = run(case)
    events, connections, ids = run_nest(nest, case)
    synapse, step, weights = recorded(events, ids)
    spikes = sum(len(case.pre[i]) for i in case.pairs[:, 0])
    passing = 0.4 if kind == "quantal" else np.mean(case.values.get("p_transmit", 1.0))
    assert len(weights) > 0.8 * passing * spikes
    np.testing.assert_allclose(sent[step, synapse], weights, rtol=0, atol=1e-9)
    ends = zip(*(connections.get(end) for end in ("source", "target")), strict=True)
    place = {pair: k for k, pair in enumerate(ends)}
    order = [place[pair] for pair in zip(*(i.tolist() for i in ids), strict=True)]
    for name in variables(case.model):
        nests = np.array(connections.get(name))[order]
        np.testing.assert_allclose(shown(name), nests, rtol=0, atol=1e-9, err_msg=name)


def variables(model):
    """What NEST shows of a synapse that changes."""
    rule = sx.model(model)
    fields = {p.name for p in parameters(rule)} | {"weight"}
    return [n for n in ("weight", *rule.variables) if n in fields]


def test_spikes_pass_with_their_probability():
    case = draw("bernoulli")
    p = np.linspace(0.1, 0.9, N_SYNAPSES)
    case.values["p_transmit"] = p
    runs = [run(case, seed)[0] for seed in (1, 1, 2)]
    passed = [
        np.array([r[case.pre[i], k] != 0 for r in runs]) for k, i in enumerate(case.pairs[:, 0])
    ]
    assert all(np.array_equal(row[0], row[1]) for row in passed)
    assert any(np.any(row[0] != row[2]) for row in passed)
    counts = np.array([row[[0, 2]].sum() for row in passed])
    trials = np.array([2 * row.shape[1] for row in passed])
    z = (counts - trials * p) / np.sqrt(trials * p * (1 - p))
    assert stats.kstest(z, "norm").pvalue > 0.01


def test_loops_draw_the_same_numbers(monkeypatch):
    case = draw("bernoulli")
    case.values["p_transmit"] = np.full(N_SYNAPSES, 0.5)
    sent = []
    for fewest in (0, 10**9):
        monkeypatch.setattr(_plastic_walk, "FEWEST", fewest)
        jax.clear_caches()
        sent.append(
            np.concatenate([run(case)[0][case.pre[i], k] for k, i in enumerate(case.pairs[:, 0])])
        )
    np.testing.assert_array_equal(*sent)


@pytest.mark.nest
@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_nests(nest, model):
    rule, theirs = sx.model(model), nest.GetDefaults(model)
    assert rule.nest_defaults() == {n: v for n, v in theirs.items() if n not in GENERIC}
    assert set(rule.names.values()) <= set(rule.declared)


REFUSED = {
    "Kplus": ("stdp_synapse", {"Kplus": -1.0}),
    "U": ("tsodyks2_synapse", {"U": 1.5}),
    "u": ("tsodyks2_synapse", {"u": -0.1}),
    "tau_rec": ("tsodyks2_synapse", {"tau_rec": 0.0}),
    "tau_fac": ("tsodyks_synapse", {"tau_fac": -1.0}),
    "tau_psc": ("tsodyks_synapse", {"tau_psc": 0.0}),
    "x and y": ("tsodyks_synapse", {"x": 0.8, "y": 0.5}),
    "p_transmit": ("bernoulli_synapse", {"p_transmit": 1.5}),
}


@pytest.mark.nest
@pytest.mark.parametrize(("model", "values"), REFUSED.values(), ids=REFUSED)
def test_what_nest_refuses_is_refused(nest, model, values):
    nest.ResetKernel()
    nodes = nest.Create("parrot_neuron", 2)
    with pytest.raises(nest.NESTErrors.BadProperty):
        nest.Connect(nodes[0], nodes[1], syn_spec={"synapse_model": model, **values})
    rule = sx.model(model)
    units = {p.name: p.unit for p in parameters(rule)}
    with pytest.raises(ConfigError, match=rf"{rule.__name__}\.({'|'.join(values)})"):
        rule(w_max=1.0, **{n: v * units[n] for n, v in values.items()})


def test_parameters_in_common_are_one_number():
    with pytest.raises(ConfigError, match=r"StdpSynapseHom\.alpha .* share one number"):
        sx.model("stdp_synapse_hom")(w_max=1 * pA, alpha=[1.0, 2.0])


def test_equal_time_constants_have_a_limit():
    case = draw("tsodyks")
    sent = []
    for tau_psc in (case.values["tau_rec"], case.values["tau_rec"] * (1 + 1e-7)):
        case.values["tau_psc"] = tau_psc
        sent.append(run(case)[0])
    assert np.abs(sent[0]).max() > 1
    np.testing.assert_allclose(*sent, atol=1e-4)
