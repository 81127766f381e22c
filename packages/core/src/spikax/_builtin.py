"""What core itself offers, through the hooks that any plugin uses."""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Connectivity, Model, hookimpl

_MODELS = {
    "neuron": (
        "spikax.neurons",
        {
            "LIF": "Lapicque 1907; Gerstner et al. 2014, eq. 1.9",
            "ALIF": "Bellec et al. 2020, eqs. 6-8",
            "AdExIF": "Brette & Gerstner 2005, eqs. 1-2",
            "HH": "Hodgkin & Huxley 1952",
        },
    ),
    "synapse": (
        "spikax.synapses",
        {
            "Expon": "Rotter & Diesmann 1999, sec. 3",
            "DualExpon": "Gerstner et al. 2014, eq. 3.2",
            "Alpha": "Rall 1967; Rotter & Diesmann 1999, sec. 3",
        },
    ),
    "coupling": (
        "spikax.synapses",
        {
            "CUBA": "Rotter & Diesmann 1999, sec. 3",
            "COBA": "Gerstner et al. 2014, eq. 3.1",
            "MgBlock": "Jahr & Stevens 1990, eq. 4",
        },
    ),
    "release": ("spikax.releases", {"STP": "Tsodyks, Pawelzik & Markram 1998, eqs. 2.1-2.4"}),
    "input": (
        "spikax.inputs",
        dict.fromkeys(("SpikeTimes", "Poisson", "StepCurrent", "Relay"), ""),
    ),
    "readout": ("spikax.readouts", {"LeakyReadout": "Bellec et al. 2020, eq. 11"}),
}

_RULES = (
    "one_to_one",
    "all_to_all",
    "fixed_indegree",
    "fixed_outdegree",
    "fixed_total_number",
    "pairwise_bernoulli",
    "pairwise_poisson",
    "symmetric_pairwise_bernoulli",
)


@hookimpl
def spikax_models() -> Iterator[Model]:
    """Core's models, by family."""
    for family, (module, models) in _MODELS.items():
        for name, reference in models.items():
            yield Model(name, f"{module}:{name}", family=family, reference=reference)


@hookimpl
def spikax_connectivity() -> Iterator[Connectivity]:
    """The rules by which core's networks connect, under NEST's names."""
    for name in _RULES:
        yield Connectivity(name, f"spikax._connectivity:{name}", reference="NEST 3.10")
