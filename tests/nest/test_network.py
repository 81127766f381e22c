"""`nest.network()`: the nodes and synapses of the kernel as an ordinary network of core."""

import jax
import numpy as np
import pytest

import spikax as sx
import spikax_nest
from spikax.units import ms

pytestmark = pytest.mark.usefixtures("x64")
BETWEEN = "iaf_psc_exp->iaf_psc_alpha:syn:static"


def small(delay=1.7, back=-20.0):
    """Two populations that spike, synapses of one delay or of several, one kind that learns."""
    spikax_nest.ResetKernel()
    first = spikax_nest.Create("iaf_psc_exp", 5, {"I_e": 420.0})
    second = spikax_nest.Create("iaf_psc_alpha", 3, {"I_e": [350.0, 380.0, 400.0]})
    noise = spikax_nest.Create("poisson_generator", params={"rate": 5000.0})
    recorder = spikax_nest.Create("spike_recorder")
    spikax_nest.Connect(first, second, syn_spec={"weight": 40.0, "delay": delay})
    spikax_nest.Connect(first, first[:2], syn_spec={"weight": back, "delay": delay})
    plastic = {"synapse_model": "stdp_synapse", "weight": 30.0, "delay": 2.5}
    spikax_nest.Connect(second, first, syn_spec=plastic)
    spikax_nest.Connect(noise, first, syn_spec={"weight": 20.0})
    spikax_nest.Connect(first + second, recorder)
    return recorder


def fired(recorder, after):
    """Spikes of the neurons of both populations later than a time: (step, id)."""
    events = recorder.events
    late = events["times"] > after
    steps = np.round(events["times"][late] / 0.1).astype(int)
    return sorted(zip(steps.tolist(), events["senders"][late].tolist(), strict=True))


def test_it_has_the_nodes_and_synapses_of_the_kernel_and_no_others():
    small()
    model, _ = spikax_nest.network()
    sizes = {name: size for name, size in model.sizes}
    assert sizes == {"iaf_psc_exp": 5, "iaf_psc_alpha": 3, "poisson_generator": 5}
    synapses = {name: edge.format.n_synapses for name, edge in model.edges.items()}
    assert synapses[BETWEEN] == 15
    assert sum(synapses.values()) == 15 + 10 + 15 + 5
    assert np.ndim(model.nodes["iaf_psc_exp"].tau_m) == 0
    assert np.ndim(model.nodes["iaf_psc_alpha"].I_e) == 1
    assert model.edges[BETWEEN].delays is None


@pytest.mark.parametrize("back", [-20.0, 20.0])
@pytest.mark.parametrize("several", [False, True], ids=["one delay", "several"])
def test_it_goes_on_where_the_kernel_is(several, back):
    """With spikes on their way, synapses that have learned, and the same random numbers."""
    recorder = small(spikax_nest.random.uniform(1.0, 4.0) if several else 1.7, back)
    spikax_nest.Simulate(60.3)
    model, state = spikax_nest.network()
    record = {"iaf_psc_exp": ["spike"], "iaf_psc_alpha": ["spike"]}
    _, seen = sx.simulate(model, state, 100 * ms, record=record)
    found = []
    for first, name in ((1, "iaf_psc_exp"), (6, "iaf_psc_alpha")):
        spikes = seen[f"{name}.spike"]
        found += zip(np.asarray(spikes.steps).tolist(), (spikes.ids + first).tolist(), strict=True)
    spikax_nest.Simulate(100.0)
    expected = fired(recorder, 60.3)
    assert len(expected) > 20
    assert sorted(found) == expected


def test_a_generator_reaches_each_of_many_nodes_as_a_sum():
    """A source of its own for each target, in the order of these: no synapse is looked for."""
    spikax_nest.ResetKernel()
    nodes = spikax_nest.Create("iaf_psc_exp", 1100)
    for some in (nodes[500:], nodes[:500]):
        noise = spikax_nest.Create("poisson_generator", params={"rate": 9000.0})
        spikax_nest.Connect(noise, some, syn_spec={"weight": 20.0})
    model, _ = spikax_nest.network()
    (edge,) = model.edges.values()
    assert edge.format.name == "one_to_one"


def test_it_has_gradients():
    small()
    model, state = spikax_nest.network()
    weights, rest = sx.select(model, sx.weights())

    def depolarisation(weights):
        net = sx.merge(weights, rest)
        _, rows = sx.simulate(net, state, 30 * ms, record={"iaf_psc_alpha": "V_m"})
        return rows["iaf_psc_alpha.V_m"].values.mean()

    gradient = jax.grad(depolarisation)(weights)
    moved = np.asarray(gradient.edges[BETWEEN].weight)
    assert moved.shape == (15,)
    assert np.all(np.isfinite(moved))
    assert np.abs(moved).min() > 1e-9


def bytes_of_a_step(receptors):
    """What a step moves where each receptor has a projection of its own."""
    spikax_nest.ResetKernel()
    taus = [2.0 + 0.1 * k for k in range(receptors)]
    nodes = spikax_nest.Create("iaf_psc_exp_multisynapse", 200, {"tau_syn": taus})
    for k in range(receptors):
        spikax_nest.Connect(nodes, nodes, "one_to_one", {"receptor_type": k + 1})
    model, state = spikax_nest.network()
    step = jax.jit(lambda s: model.update(s, {}, t=s.t, dt=model.dt))
    return step.lower(state).compile().cost_analysis()["bytes accessed"]


def test_a_step_moves_each_receptor_once():
    assert bytes_of_a_step(32) < 3 * bytes_of_a_step(16)
