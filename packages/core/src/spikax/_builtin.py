"""What core itself offers, through the hooks that any plugin uses."""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Connectivity, Model, hookimpl

_MODELS = {
    "neuron": (
        "spikax.neurons",
        {
            "LIF": "Gerstner, Kistler, Naud & Paninski 2014, Neuronal Dynamics, ch. 1.3",
            "ALIF": "Bellec et al. 2018, Long short-term memory in networks of spiking neurons",
            "AdExIF": "Brette & Gerstner 2005",
            "HH": "Hodgkin & Huxley 1952; Traub & Miles 1991; Brette et al. 2007, app. B",
        },
    ),
    "synapse": (
        "spikax.synapses",
        {
            "Expon": "Roth & van Rossum 2009, Modeling synapses, sec. 6.2",
            "DualExpon": "Roth & van Rossum 2009, Modeling synapses, sec. 6.2",
            "Alpha": "Rall 1967",
        },
    ),
    "coupling": (
        "spikax.synapses",
        {
            "CUBA": "Vogels & Abbott 2005",
            "COBA": "Vogels & Abbott 2005",
            "MgBlock": "Jahr & Stevens 1990",
        },
    ),
    "release": ("spikax.releases", {"STP": "Tsodyks, Pawelzik & Markram 1998"}),
    "input": (
        "spikax.inputs",
        {"SpikeTimes": "", "Poisson": "", "StepCurrent": "", "Relay": ""},
    ),
    "readout": ("spikax.readouts", {"LeakyReadout": "Bellec et al. 2020"}),
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
