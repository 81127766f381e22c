"""Spikes at precise times: against a live NEST, whatever the step, without loss, with gradients."""

import jax
import jax.numpy as jnp
import nest_fuzz as fuzz
import numpy as np
import pytest

import spikax as sx
import spikax_nest
from spikax.errors import NumericsError
from spikax.units import ms, pA
from spikax_nest.devices.spike_generator import SpikeGenerator
from spikax_nest.neurons.iaf_psc_exp_ps import IafPscExpPs

MODELS = ("iaf_psc_alpha_ps", "iaf_psc_delta_ps", "iaf_psc_exp_ps", "iaf_psc_exp_ps_lossless")
N, SOURCES = 8, 4


def simulate(nest, model, h, params, seed):
    """Spike times in order of neurons, and V_m, of neurons with precise input, all to all."""
    rng, scale = np.random.default_rng(seed), fuzz.WEIGHT.get(model, 150.0)
    nest.ResetKernel()
    nest.resolution = h
    nodes = nest.Create(model, N)
    nodes.set(params)
    generators = nest.Create("spike_generator", N * SOURCES)
    trains = [np.sort(rng.uniform(0.0, 100.0, 40)).tolist() for _ in range(N * SOURCES)]
    generators.set([{"spike_times": train, "precise_times": True} for train in trains])
    weight = scale * rng.normal(size=N * SOURCES)
    delay = rng.integers(1, 5, N * SOURCES).astype(float)
    targets = np.repeat(np.array(nodes.tolist()), SOURCES)
    synapses = {"weight": weight, "delay": delay}
    nest.Connect(np.array(generators.tolist()), targets, "one_to_one", synapses)
    among = {"weight": 0.3 * scale * rng.normal(size=(N, N)), "delay": 1.0}
    nest.Connect(nodes, nodes, "all_to_all", among)
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": h})
    recorder = nest.Create("spike_recorder")
    nest.Connect(meter, nodes)
    nest.Connect(nodes, recorder)
    for piece in (50.0, 1.0, 50.0):
        nest.Simulate(piece)
    times, senders = (np.asarray(recorder.events[n]) for n in ("times", "senders"))
    order = np.lexsort((times, senders))
    return times[order], senders[order], np.asarray(meter.events["V_m"])


def drawn(nest, model):
    return fuzz.params_of(nest, model, N, np.random.default_rng(3))


def check(nest, model, h):
    params = drawn(nest, model)
    theirs = simulate(nest, model, h, params, 3)
    mine = simulate(spikax_nest, model, h, params, 3)
    assert len(theirs[0]) > 10
    assert np.array_equal(mine[1], theirs[1])
    assert np.abs(mine[0] - theirs[0]).max() < 1e-10
    assert np.abs(mine[2] - theirs[2]).max() < 1e-9


@pytest.mark.nest_live
def test_spike_times_are_those_of_nest(nest):
    check(nest, "iaf_psc_alpha_ps", 1.0)


@pytest.mark.nest_live
@pytest.mark.parametrize("h", [0.1, 1.0])
@pytest.mark.parametrize("model", MODELS)
def test_spike_times_are_those_of_nest_in_all_models(nest, model, h):
    check(nest, model, h)


@pytest.mark.nest_live
@pytest.mark.parametrize("model", ["iaf_psc_delta_ps", "iaf_psc_exp_ps_lossless"])
def test_spike_times_do_not_depend_on_the_step(nest, model):
    """Of models that miss no crossing, and t_ref of whole steps in both."""
    params = [{**p, "t_ref": 2.0} for p in drawn(nest, model)]
    coarse, fine = (simulate(spikax_nest, model, h, params, 3) for h in (1.0, 0.25))
    assert len(coarse[0]) > 10
    assert np.array_equal(coarse[1], fine[1])
    assert np.abs(coarse[0] - fine[0]).max() < 1e-9


def interpolated(nest, h):
    """Neurons with interpolated spike times that send to one on the grid and to some off it."""
    nest.ResetKernel()
    nest.resolution = h
    nodes = nest.Create("iaf_chxk_2008", 2, {"I_e": [1900.0, 2300.0], "ahp_bug": [True, False]})
    targets = [nest.Create(name) for name in ("iaf_psc_exp", "iaf_psc_exp_ps", "parrot_neuron_ps")]
    recorder = nest.Create("spike_recorder")
    for target in targets:
        nest.Connect(nodes, target, syn_spec={"weight": 400.0, "delay": 1.0})
        nest.Connect(target, recorder)
    nest.Connect(nodes, recorder)
    for piece in (30.0, 1.0, 30.0):
        nest.Simulate(piece)
    times, senders = (np.asarray(recorder.events[n]) for n in ("times", "senders"))
    order = np.lexsort((times, senders))
    shown = (*nodes.t_spike, *nodes.Ca, targets[0].V_m, targets[1].V_m)
    return senders[order], times[order], np.array(shown)


@pytest.mark.nest
@pytest.mark.parametrize("h", [0.1, 1.0])
def test_interpolated_spike_times_are_those_of_nest(nest, h):
    mine, theirs = (interpolated(n, h) for n in (spikax_nest, nest))
    assert len(theirs[0]) > 10
    assert np.any(theirs[1] % h > 0.01 * h)
    for one, other in zip(mine, theirs, strict=True):
        assert np.abs(one - other).max() < 1e-9


def test_more_events_than_there_is_room_for_make_room():
    spikax_nest.ResetKernel()
    times = np.linspace(1.001, 1.099, 30)
    generator = spikax_nest.Create(
        "spike_generator", params={"spike_times": times, "precise_times": True}
    )
    parrot, recorder = spikax_nest.Create("parrot_neuron_ps"), spikax_nest.Create("spike_recorder")
    spikax_nest.Connect(generator, parrot)
    spikax_nest.Connect(parrot, recorder)
    spikax_nest.Simulate(5.0)
    assert np.allclose(recorder.events["times"], times + 1.0, rtol=0, atol=1e-14)


def network(times, most):
    generator = SpikeGenerator(spike_times=times * ms, precise_times=1.0, most_events=most)
    neuron = IafPscExpPs(I_e=300 * pA, most_events=most)
    return sx.Network(
        {"in": sx.Population(generator, 1), "n": sx.Population(neuron, 1)},
        [
            sx.Projection(
                "in", "n", "syn", sx.all_to_all(), 400 * pA, 1 * ms, signal="amplitude", name="w"
            )
        ],
    ).build(dt=0.5 * ms)


def test_a_list_that_is_full_raises():
    with jax.enable_x64(True):
        model = network([1.1, 1.2, 1.3], 2)
        with pytest.raises(NumericsError, match="overflow"):
            sx.simulate(model, model.init_state(), 10 * ms)


def test_the_gradient_of_a_spike_time_is_that_of_finite_differences():
    with jax.enable_x64(True):
        model = network([1.1, 1.3, 2.2, 2.7, 4.1, 4.45], 3)
        state = model.init_state()

        @jax.jit
        def first_spike(weight):
            edge = model.edges["w"].replace(weight=weight)
            net = model.replace(edges={"w": edge})
            _, seen = sx.simulate(net, state, 10 * ms, record={"n": ["spike", "offset"]})
            spikes = seen["n.spike"].values[:, 0]
            k = jnp.argmax(jax.lax.stop_gradient(spikes))
            return 0.5 * (k + 1).astype(float) - seen["n.offset"].values[k, 0]

        weight, h = jnp.asarray(400.0), 1e-3
        slope = jax.grad(first_spike)(weight)
        found = (first_spike(weight + h) - first_spike(weight - h)) / (2 * h)
        assert first_spike(weight) < 9.5
        assert slope < 0
        assert np.isclose(slope, found, rtol=1e-6)


def test_poisson_times_depend_neither_on_the_step_nor_on_the_pieces():
    def times(h, pieces):
        spikax_nest.ResetKernel()
        spikax_nest.resolution = h
        values = {"rate": 2000.0, "dead_time": 0.2}
        generator = spikax_nest.Create("poisson_generator_ps", params=values)
        parrots = spikax_nest.Create("parrot_neuron_ps", 2)
        recorder = spikax_nest.Create("spike_recorder")
        spikax_nest.Connect(generator, parrots)
        spikax_nest.Connect(parrots, recorder)
        for piece in pieces:
            spikax_nest.Simulate(piece)
        found, senders = (np.asarray(recorder.events[n]) for n in ("times", "senders"))
        return [np.sort(found[senders == gid]) for gid in parrots.tolist()]

    for one, other in zip(times(0.5, [60.0]), times(0.1, [20.0, 1.0, 39.0]), strict=True):
        assert np.abs(one - other).max() < 1e-12
        assert np.diff(one).min() > 0.2
        assert 0.4 < np.diff(one).mean() < 0.6


@pytest.mark.nest
@pytest.mark.parametrize(
    ("source", "model"),
    [
        ("parrot_neuron_ps", "iaf_psc_exp_ps"),
        ("parrot_neuron", "iaf_psc_exp_ps"),
        ("parrot_neuron", "iaf_psc_exp"),
    ],
)
def test_delays_need_not_be_whole_steps(nest, source, model):
    """Each copy of cont_delay_synapse has a delay of its own; on the grid it is rounded up."""
    rng, found = np.random.default_rng(4), []
    delays = np.append(rng.uniform(0.1, 3.0, 10), [0.1, 0.2, 1.0])
    times = np.sort(rng.uniform(0.0, 40.0, 20))
    if source == "parrot_neuron":
        times = np.round(times, 1) + 0.1
    for module in (nest, spikax_nest):
        module.ResetKernel()
        precise = source == "parrot_neuron_ps"
        told = {"spike_times": np.unique(times), "precise_times": precise}
        generator = module.Create("spike_generator", params=told)
        parrot, targets = module.Create(source), module.Create(model, len(delays))
        module.Connect(generator, parrot)
        for k, delay in enumerate(delays):
            module.CopyModel("cont_delay_synapse", f"late_{k}", {"delay": delay, "weight": 80.0})
            module.Connect(parrot, targets[k], syn_spec={"synapse_model": f"late_{k}"})
        meter = module.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1})
        module.Connect(meter, targets)
        module.Simulate(50.0)
        shown = module.GetConnections(parrot, targets).get("delay")
        found.append((np.sort(shown), np.asarray(meter.events["V_m"])))
    (nests_delays, nests), (delays, ours) = found
    assert np.ptp(nests) > 0.1
    np.testing.assert_allclose(delays, nests_delays, atol=1e-12)
    np.testing.assert_allclose(ours, nests, atol=1e-9)
