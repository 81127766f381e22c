"""Every registered model keeps the contract; a neuron does so with every receptor."""

from typing import Any

import pytest
from every_neuron import each_neuron

import spikax as sx
from spikax.plugins import Model, registry
from spikax.testing import check_dynamics
from spikax.units import Hz, ms, pA

pytestmark = pytest.mark.usefixtures("quick_compiler")
# What makes a model active, so that a case has spikes in it.
ACTIVE = {
    "LIF": {"I_e": 300 * pA},
    "ALIF": {"I_e": 300 * pA},
    "AdExIF": {"I_e": 900 * pA},
    "HH": {"I_e": 900 * pA},
    "IF": {"I_e": 300 * pA},
    "ExpIF": {"I_e": 200 * pA},
    "QuaIF": {"I_e": 400 * pA},
    "AdQuaIF": {"I_e": 400 * pA},
    "GIF": {"I_e": 400 * pA, "a": 0.005 / ms, "A_1": 2000 * pA, "A_2": -120 * pA},
    "Izhikevich": {"I_e": 1000 * pA},
    "FitzHughNagumo": {"I_e": 150 * pA},
    "HindmarshRose": {"I_e": 600 * pA},
    "MorrisLecar": {"I_e": 100 * pA},
    "WangBuzsaki": {"I_e": 400 * pA},
    "RateUnit": {"theta": -100 * Hz, "r_max": 2000 * Hz},
    "Poisson": {"rate": 2000 * Hz},
    "InhomogeneousPoisson": {"times": [1, 4] * ms, "rates": [0, 2000] * Hz},
    "RefractoryPoisson": {"rate": 600 * Hz, "t_ref": 0.5 * ms},
    "RateEncoder": {"max_rate": 3000 * Hz},
    "PopulationEncoder": {"max_rate": 3000 * Hz, "width": 0.6},
    "LatencyEncoder": {"tau": 1 * ms, "theta": 0.05},
    "DeltaEncoder": {"threshold": 0.3, "x_init": 0.05},
    "SpikeTimes": {"times": [0.3, 2.5, 2.8, 2.8] * ms},
}


def names(*families: str) -> list[str]:
    return [
        n
        for n, m in registry().records(Model).items()
        if (not families or m.family in families) and m.target.startswith("spikax.")
    ]


def create(name: str) -> Any:
    return sx.model(name)(**ACTIVE.get(name, {}))


def with_all_receptors(neuron: Any) -> sx.Cell:
    """One compile proves a neuron with every receptor: each kinetics, each coupling once."""
    kinetics, couplings = names("synapse"), names("coupling")
    pairs = [(kinetics[i % len(kinetics)], c) for i, c in enumerate(couplings)]
    pairs += [(k, couplings[0]) for k in kinetics[len(couplings) :]]
    return sx.Cell(
        neuron, **{f"r{i}": sx.Receptor(create(k), create(c)) for i, (k, c) in enumerate(pairs)}
    )


@pytest.mark.parametrize("name", each_neuron(names("neuron")))
def test_neuron_with_every_receptor(name):
    neuron = create(name)
    check_dynamics(with_all_receptors(neuron), dt=min(0.1, neuron.largest_dt) * ms)


# Any other family, a new one too, stands by itself; these are parts of a cell or of an edge.
DEVICES = sorted(set(names()) - set(names("neuron", "synapse", "coupling", "plasticity")))


@pytest.mark.parametrize("name", DEVICES)
def test_device(name):
    check_dynamics(create(name))


@pytest.mark.grid
@pytest.mark.parametrize("coupling", names("coupling"))
@pytest.mark.parametrize("synapse", names("synapse"))
@pytest.mark.parametrize("neuron", names("neuron"))
def test_grid(neuron, synapse, coupling):
    cell = sx.Cell(create(neuron), r=sx.Receptor(create(synapse), create(coupling)))
    check_dynamics(cell, dt=min(0.1, cell.neuron.largest_dt) * ms)
