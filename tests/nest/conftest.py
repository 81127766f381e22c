"""A live NEST, where it is installed, spoken to in arrays."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _quick(request):
    """The long comparisons run what ships; the others compile for most of their time."""
    if request.node.get_closest_marker("nest_live") is None:
        request.getfixturevalue("quick_compiler")


@pytest.fixture(scope="session")
def nest():
    module = pytest.importorskip("nest")
    module.verbosity = module.VerbosityLevel.ERROR
    return module


@pytest.fixture
def oracle(nest):
    return Oracle(nest)


class Oracle:
    """One network in NEST."""

    def __init__(self, nest):
        self.nest = nest

    def reset(self, h):
        self.nest.ResetKernel()
        self.nest.resolution = h

    def create(self, model, values):
        """Neurons with one value each of some parameters."""
        n = len(next(iter(values.values())))
        return self.nest.Create(model, n, params={k: v.tolist() for k, v in values.items()})

    def connect(self, pre, post, weights, delays):
        """Synapses from lists of node ids, weights and delays."""
        synapses = {"weight": np.asarray(weights), "delay": np.asarray(delays)}
        self.nest.Connect(np.asarray(pre), np.asarray(post), "one_to_one", synapses)

    def run(self, neurons, duration, margin):
        """V_m and spikes of adjacent neurons as tables (steps, neurons), first row after one step.

        A meter hands out what lies a slice back, hence the margin: the longest delay or more.
        """
        h = self.nest.resolution
        meter = self.nest.Create("multimeter", params={"record_from": ["V_m"], "interval": h})
        recorder = self.nest.Create("spike_recorder")
        self.nest.Connect(meter, neurons)
        self.nest.Connect(neurons, recorder)
        self.nest.Simulate(duration + margin)
        V, spikes = (np.zeros((round(duration / h), len(neurons))) for _ in range(2))
        _place(V, neurons, h, meter.events, meter.events["V_m"])
        _place(spikes, neurons, h, recorder.events, 1)
        return V, spikes


def _place(table, neurons, h, events, values):
    # The arrays of no events at all are of floats.
    steps = np.rint(events["times"] / h).astype(int)
    ids = events["senders"].astype(int) - neurons.tolist()[0]
    inside = steps <= len(table)
    np.add.at(table, (steps[inside] - 1, ids[inside]), np.broadcast_to(values, steps.shape)[inside])
