"""Neurons that have the short-term plasticity of all that they send, beside a live NEST."""

import nest_fuzz as fuzz
import numpy as np
import pytest

import spikax_nest

MODEL, N = "iaf_tum_2000", 12
SYNAPSES = ("static_synapse", "stdp_synapse", "tsodyks_synapse")


def recurrent(nest, params, h):
    """Neurons that drive each other by synapses of several models, and some made in mid-run."""
    rng = np.random.default_rng(5)
    nest.ResetKernel()
    nest.resolution = h
    nodes, reader = nest.Create(MODEL, N), nest.Create("iaf_psc_exp", 2)
    nodes.set(params[:N])
    pulses, recorder = nest.Create("spike_generator", N), nest.Create("spike_recorder")
    pulses.set([{"spike_times": np.arange(5.0 + k, 190.0, 17.0)} for k in range(N)])
    nest.Connect(pulses, nodes, "one_to_one", {"weight": 400.0, "delay": 1.0})
    current = nest.Create("dc_generator", params={"amplitude": 100.0, "start": 60.0})
    nest.Connect(current, nodes[:4], syn_spec={"receptor_type": 1})
    for synapse in SYNAPSES:
        weight, delay = rng.normal(60.0, 80.0, (N, N)), rng.integers(1, 5, (N, N)).astype(float)
        if synapse == "stdp_synapse":
            weight = rng.uniform(10.0, 90.0, (N, N))
        among = {"synapse_model": synapse, "weight": weight, "delay": delay, "receptor_type": 1}
        nest.Connect(nodes, nodes, syn_spec=among)
    nest.Connect(nodes, reader, syn_spec={"weight": 30.0, "delay": 2.0})
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "I_syn_ex", "I_syn_in"]})
    nest.Connect(meter, nodes)
    nest.Connect(nodes + reader, recorder)
    nest.Simulate(70.0)
    nodes[0].set(u=0.3, x=0.2, y=0.1)
    late = nest.Create(MODEL, 2, {"I_e": 600.0})
    nest.Connect(late, nodes, syn_spec={"weight": 100.0, "receptor_type": 1})
    nest.Connect(late, recorder)
    for piece in (h, 130.0 - h):
        nest.Simulate(piece)
    found = {name: getattr(nodes + late, name) for name in ("x", "y", "u", "t_spike", "Ca")}
    found["V_m"] = reader.V_m
    learned = nest.GetConnections(nodes, nodes, "stdp_synapse").get(["source", "target", "weight"])
    order = np.lexsort((learned["target"], learned["source"]))
    found["weight"] = np.array(learned["weight"])[order]
    events = recorder.events
    order = np.lexsort((events["times"], events["senders"]))
    found |= {name: events[name][order] for name in ("senders", "times")}
    return found | {f"meter {name}": values for name, values in meter.events.items()}


@pytest.mark.nest
@pytest.mark.parametrize("h", [0.1, 1.0])
def test_a_recurrent_network_is_that_of_nest(nest, h):
    params = fuzz.params_of(nest, MODEL, N, np.random.default_rng(4))
    params[1]["tau_fac"] = 0.0
    theirs, mine = recurrent(nest, params, h), recurrent(spikax_nest, params, h)
    assert len(theirs["times"]) > 100
    assert np.any(theirs["times"] % h > 0.01 * h)  # the release, as an offset
    for name, values in theirs.items():
        np.testing.assert_allclose(mine[name], values, rtol=1e-9, atol=1e-9, err_msg=name)


WIRING = [
    (MODEL, MODEL, 0),
    (MODEL, MODEL, 1),
    (MODEL, MODEL, 2),
    (MODEL, "iaf_psc_exp", 0),
    (MODEL, "parrot_neuron", 0),
    (MODEL, "iaf_psc_exp_ps", 0),
    (MODEL, "parrot_neuron_ps", 0),
    (MODEL, "iaf_chxk_2008", 0),
    ("iaf_psc_exp", MODEL, 0),
    ("iaf_chxk_2008", MODEL, 0),
    ("iaf_psc_exp", MODEL, 2),
    ("dc_generator", MODEL, 1),
]


@pytest.mark.nest
@pytest.mark.parametrize(("source", "target", "receptor"), WIRING)
def test_what_nest_refuses_to_connect_is_refused(nest, source, target, receptor):
    def outcome(nest):
        nest.ResetKernel()
        pre, post = nest.Create(source), nest.Create(target)
        try:
            nest.Connect(pre, post, syn_spec={"receptor_type": receptor})
        except nest.NESTErrors.KernelException as error:
            return type(error).__name__
        return ""

    assert outcome(spikax_nest) == outcome(nest)


@pytest.mark.parametrize("source", ["iaf_psc_exp", "poisson_generator"])
def test_spikes_of_others_are_refused_where_they_would_count_for_nothing(source):
    spikax_nest.ResetKernel()
    pre, post = spikax_nest.Create(source), spikax_nest.Create(MODEL)
    with pytest.raises(spikax_nest.NESTErrors.IllegalConnection, match="Use receptor_type 0"):
        spikax_nest.Connect(pre, post, syn_spec={"receptor_type": 1})
