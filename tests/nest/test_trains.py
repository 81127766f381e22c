"""Random trains: a run may be split, and targets share a train or do not."""

import numpy as np
import pytest

import spikax_nest as nest

TRAINS = {
    "gamma_sup_generator": {"rate": 500.0, "gamma_shape": 3, "n_proc": 4},
    "mip_generator": {"rate": 2000.0, "p_copy": 0.5},
    "ppd_sup_generator": {"rate": 200.0, "dead_time": 1.0, "n_proc": 5},
    "pulsepacket_generator": {"pulse_times": [5.0, 9.0], "activity": 40, "sdev": 2.0},
    "sinusoidal_gamma_generator": {"rate": 900.0, "order": 2.0},
}


def trains(model, pieces):
    nest.ResetKernel()
    nodes, recorder = nest.Create("parrot_neuron", 3), nest.Create("spike_recorder")
    nest.Connect(nest.Create(model, params=TRAINS[model]), nodes)
    nest.Connect(nodes, recorder)
    for piece in pieces:
        nest.Simulate(piece)
    events = recorder.events
    return [np.sort(events["times"][events["senders"] == gid]) for gid in nodes.tolist()]


@pytest.mark.parametrize("model", TRAINS)
def test_a_run_may_be_split(model):
    whole, parts = trains(model, [20.0]), trains(model, [3.0, 0.4, 16.6])
    assert sum(map(len, whole)) > 20
    assert all(map(np.array_equal, whole, parts))
    alike = model == "pulsepacket_generator"
    assert np.array_equal(whole[0], whole[1]) == alike
