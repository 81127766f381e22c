"""A small network of every neuron of core with every receptor, for tests of gradients."""

import numpy as np
import pytest

import spikax as sx
from spikax.plugins import Model, registry
from spikax.units import ms, pA

N = 3
DRIVE = {"LIF": 260, "ALIF": 260, "AdExIF": 900, "HH": 700}
DRIVE |= {"IF": 260, "ExpIF": 200, "QuaIF": 400, "AdQuaIF": 400, "GIF": 400, "Izhikevich": 1000}
DRIVE |= {"FitzHughNagumo": 150, "HindmarshRose": 600, "MorrisLecar": 100, "WangBuzsaki": 800}
# The upstroke of its sodium channels outgrows a step of 0.25 ms.
DT = {"WangBuzsaki": 0.05}


# Most of the time of all neurons: compiled for the grid alone.
LARGE = {"HH", "WangBuzsaki", "HindmarshRose", "GIF", "MorrisLecar", "FitzHughNagumo"}
LARGE |= {"AdExIF", "AdQuaIF", "ExpIF", "Izhikevich"}


def each_neuron(found):
    """Names of neurons as parameters, the large ones for the grid alone."""
    return [pytest.param(n, marks=[pytest.mark.grid] if n in LARGE else []) for n in found]


def names(family):
    """Core's own models; a plugin proves its own. Held has no parameters to look at."""
    records = registry().records(Model).items()
    own = [n for n, m in records if m.family == family and m.target.startswith("spikax.")]
    return [n for n in own if n != "Held"]


def network(neuron, receptors):
    """Spikes from outside through every receptor, recurrence with a delay, a readout."""
    cell = sx.Cell(sx.model(neuron)(I_e=np.linspace(0.9, 1.2, N) * DRIVE[neuron] * pA), **receptors)
    inputs = [
        sx.Projection("in", "E", name, sx.all_to_all(), sx.each(8 * receptor.coupling.unit))
        for name, receptor in receptors.items()
    ]
    first, receptor = next(iter(receptors.items()))
    back = sx.Projection(
        "E",
        "E",
        first,
        sx.pairwise_bernoulli(0.7),
        4 * receptor.coupling.unit,
        0.5 * ms,
        name="back",
    )
    out = sx.Projection("E", "out", "input", sx.all_to_all(), sx.each(sx.Normal(0, 1)))
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), N),
            "E": sx.Population(cell, N),
            "out": sx.Population(sx.LeakyReadout(), 2),
        },
        [*inputs, back, out],
    )


def every_receptor():
    """Receptors that have each kinetics and each coupling once."""
    pairs = zip(names("synapse"), names("coupling"), strict=True)
    return {f"r{i}": receptor(*pair) for i, pair in enumerate(pairs)}


def receptor(kinetics, coupling):
    return sx.Receptor(sx.model(kinetics)(), sx.model(coupling)())
