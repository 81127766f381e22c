"""E-prop against a live NEST: small random networks that learn, in both families."""

import numpy as np
import pytest

import spikax_nest

FAMILIES = {
    "interval": (
        *("eprop_iaf_adapt_bsshslm_2020", "eprop_readout_bsshslm_2020"),
        *("eprop_synapse_bsshslm_2020", "eprop_learning_signal_connection_bsshslm_2020"),
    ),
    "continual": (
        *("eprop_iaf_adapt", "eprop_readout"),
        *("eprop_synapse", "eprop_learning_signal_connection"),
    ),
}


def learnt(nest, family, optimizer):
    """Weights, errors and potentials after 100 steps: 4 inputs, 3 neurons, 2 readouts."""
    recurrent, readout, synapse, teaching = FAMILIES[family]
    rng = np.random.default_rng(1)
    nest.ResetKernel()
    nest.set(resolution=1.0, eprop_update_interval=20.0, eprop_learning_window=10.0)
    common = {"optimizer": {"type": optimizer, "eta": 1e-2}}
    neuron = {"C_m": 1.0, "E_L": 0.0, "V_m": 0.0, "V_th": 1.0, "t_ref": 3.0}
    neuron |= {"c_reg": 0.5, "f_target": 20.0, "adapt_beta": 0.1, "adapt_tau": 50.0}
    if family == "interval":
        common["average_gradient"] = True
        out, within = {"loss": "cross_entropy"}, {}
    else:
        out, within = {}, {"eprop_isi_trace_cutoff": 6.0, "kappa": 0.9, "kappa_reg": 0.8}
    nest.SetDefaults(synapse, common)
    generators = nest.Create("spike_generator", 4)
    times = [np.sort(rng.choice(np.arange(2.0, 95.0), k, False)) for k in (30, 20, 10, 3)]
    generators.set([{"spike_times": t} for t in times])
    parrots, neurons = nest.Create("parrot_neuron", 4), nest.Create(recurrent, 3, neuron | within)
    readouts = nest.Create(readout, 2, {"C_m": 1.0, **out})
    steps = {"amplitude_times": np.arange(1.0, 100.0), "amplitude_values": rng.normal(size=99)}
    target = nest.Create("step_rate_generator", params=steps)
    others = {"rule": "all_to_all", "allow_autapses": False}
    rate = {"synapse_model": "rate_connection_delayed", "delay": 1.0}
    nest.Connect(generators, parrots, "one_to_one")
    for pre, post, scale in (
        (parrots, neurons, 1.0),
        (neurons, neurons, 0.3),
        (neurons, readouts, 1.0),
    ):
        weight = 0.5 + scale * rng.normal(size=(len(post), len(pre)))
        spec = {"synapse_model": synapse, "delay": 1.0, "weight": weight}
        nest.Connect(pre, post, others, spec)
    back = {"synapse_model": teaching, "delay": 1.0, "weight": rng.normal(size=(3, 2))}
    nest.Connect(readouts, neurons, "all_to_all", back)
    nest.Connect(target, readouts, "all_to_all", rate | {"receptor_type": 2})
    if family == "interval":
        nest.Connect(readouts, readouts, others, rate | {"receptor_type": 1})
    else:
        window = {"amplitude_times": [1.0], "amplitude_values": [1.0]}
        open_ = nest.Create("step_rate_generator", params=window)
        nest.Connect(open_, readouts, "all_to_all", rate | {"receptor_type": 1})
    meters = [
        nest.Create("multimeter", params={"record_from": [n]}) for n in ("V_m", "error_signal")
    ]
    nest.Connect(meters[0], neurons)
    nest.Connect(meters[1], readouts)
    nest.Simulate(100.0)
    found = nest.GetConnections(synapse_model=synapse)
    order = np.lexsort((found.get("target"), found.get("source")))
    weights = np.array(found.get("weight"))[order]
    return weights, np.array(meters[1].events["error_signal"]), np.array(meters[0].events["V_m"])


@pytest.mark.nest
@pytest.mark.parametrize(
    ("family", "optimizer"), [("interval", "adam"), ("continual", "gradient_descent")]
)
def test_networks_learn_as_in_nest(nest, family, optimizer):
    theirs = learnt(nest, family, optimizer)
    ours = learnt(spikax_nest, family, optimizer)
    for mine, nests in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, nests, rtol=1e-9, atol=1e-12)
