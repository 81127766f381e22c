"""What core itself offers, through the hooks that any plugin uses."""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Connectivity, Kernel, Model, hookimpl

# Name, reference, summary: by the module that holds them, and by family.
_NEURONS = (
    ("LIF", "Lapicque 1907; Gerstner et al. 2014, eq. 1.9", "leaky integrate-and-fire"),
    ("ALIF", "Bellec et al. 2020, eqs. 6-8", "leaky integrate-and-fire, adaptive threshold"),
    ("AdExIF", "Brette & Gerstner 2005, eqs. 1-2", "adaptive exponential integrate-and-fire"),
    ("HH", "Hodgkin & Huxley 1952", "Hodgkin-Huxley"),
    ("IF", "Gerstein & Mandelbrot 1964", "integrate-and-fire without leak"),
    ("ExpIF", "Fourcaud-Trocme et al. 2003", "exponential integrate-and-fire"),
    ("QuaIF", "Latham et al. 2000; Gerstner et al. 2014, eq. 5.16", "quadratic integrate-and-fire"),
    ("AdQuaIF", "Izhikevich 2003; Touboul 2008", "adaptive quadratic integrate-and-fire"),
    ("GIF", "Mihalas & Niebur 2009", "generalised linear integrate-and-fire"),
    ("Izhikevich", "Izhikevich 2003, eqs. 1-3", "simple spiking neuron, quadratic"),
    ("FitzHughNagumo", "FitzHugh 1961; Nagumo et al. 1962", "FitzHugh-Nagumo"),
    ("HindmarshRose", "Hindmarsh & Rose 1984", "Hindmarsh-Rose, bursting"),
    ("MorrisLecar", "Morris & Lecar 1981; Rinzel & Ermentrout 1989", "Morris-Lecar"),
    ("WangBuzsaki", "Wang & Buzsaki 1996", "fast-spiking interneuron"),
)
_SYNAPSES = (
    ("Expon", "Rotter & Diesmann 1999, sec. 3", "exponential decay"),
    ("DualExpon", "Gerstner et al. 2014, eq. 3.2", "exponential rise and decay"),
    ("Alpha", "Rall 1967; Rotter & Diesmann 1999, sec. 3", "alpha function"),
    ("Held", "", "holds for a step what arrived"),
)
_COUPLINGS = (
    ("CUBA", "Rotter & Diesmann 1999, sec. 3", "current"),
    ("COBA", "Gerstner et al. 2014, eq. 3.1", "conductance"),
    ("MgBlock", "Jahr & Stevens 1990, eq. 4", "conductance with magnesium block (NMDA)"),
)
_RELEASES = (
    ("STP", "Tsodyks, Pawelzik & Markram 1998, eqs. 2.1-2.4", "facilitation and depression"),
    ("STD", "Tsodyks & Markram 1997; Abbott et al. 1997", "depression"),
    ("AMPA", "Destexhe, Mainen & Sejnowski 1998", "saturating AMPA gate"),
    ("GABAa", "Destexhe, Mainen & Sejnowski 1998", "saturating GABA_A gate"),
    ("GABAb", "Destexhe, Mainen & Sejnowski 1998", "GABA_B gate, cooperative"),
    ("NMDA", "Wang 1999, 2002", "slow saturating NMDA gate"),
)
_RATES = (
    ("RateUnit", "Wilson & Cowan 1972; Dayan & Abbott 2001, eq. 7.11", "a population by its rate"),
)
_INPUTS = (
    ("SpikeTimes", "", "spikes at given times"),
    ("Poisson", "", "Poisson spike trains, each the sum of several sources"),
    ("InhomogeneousPoisson", "Dayan & Abbott 2001, sec. 1.4", "Poisson trains, changing rate"),
    ("RefractoryPoisson", "Deger et al. 2012", "Poisson spike trains with dead time"),
    ("StepCurrent", "", "piecewise constant current"),
    ("Ramp", "", "current that rises or falls along a line"),
    ("Sine", "", "sinusoidal current"),
    ("OrnsteinUhlenbeck", "Uhlenbeck & Ornstein 1930; Gillespie 1996", "coloured noise"),
    ("Wiener", "Wiener 1923", "current that walks at random"),
    ("Relay", "", "passes on spikes made elsewhere"),
)
_ENCODERS = (
    ("RateEncoder", "Eshraghian et al. 2023", "Poisson spikes, rate in proportion to x"),
    ("PopulationEncoder", "Dayan & Abbott 2001, sec. 1.2", "Poisson spikes, tuned to x"),
    ("LatencyEncoder", "Eshraghian et al. 2023", "one spike, the earlier the larger x"),
    ("DeltaEncoder", "Lichtsteiner et al. 2008", "spikes when x rises or falls"),
)
_READOUTS = (
    ("LeakyReadout", "Bellec et al. 2020, eq. 11", "leaky sum of weighted spikes"),
    ("RateReadout", "Dayan & Abbott 2001, sec. 1.2", "filtered rate"),
    ("SpikeCount", "", "sum of weighted spikes"),
)

_PLASTICITY = (
    ("PairSTDP", "Song, Miller & Abbott 2000", "pairs of spikes, additive"),
    ("WeightDependentSTDP", "Guetig et al. 2003", "pairs of spikes, depends on the weight"),
    ("TripletSTDP", "Pfister & Gerstner 2006", "triplets of spikes"),
    ("InhibitorySTDP", "Vogels et al. 2011", "balances excitation by inhibition"),
    ("RewardSTDP", "Izhikevich 2007", "eligibility of pairs, turned into weight by dopamine"),
    ("HomeostaticScaling", "van Rossum, Bi & Turrigiano 2000", "scales weights to a target rate"),
)

_FAMILIES = (
    ("neuron", "spikax.neurons", _NEURONS),
    ("rate", "spikax.neurons", _RATES),
    ("synapse", "spikax.synapses", _SYNAPSES),
    ("coupling", "spikax.synapses", _COUPLINGS),
    ("release", "spikax.releases", _RELEASES),
    ("input", "spikax.inputs", _INPUTS),
    ("encoder", "spikax.encoders", _ENCODERS),
    ("readout", "spikax.readouts", _READOUTS),
    ("plasticity", "spikax.plasticity", _PLASTICITY),
)

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
    for family, module, members in _FAMILIES:
        for name, reference, summary in members:
            yield Model(name, f"{module}:{name}", family, reference, summary)


@hookimpl
def spikax_connectivity() -> Iterator[Connectivity]:
    """The rules by which core's networks connect, under NEST's names."""
    for name in _RULES:
        yield Connectivity(name, f"spikax._connectivity:{name}", reference="NEST 3.10")


@hookimpl
def spikax_kernels() -> Iterator[Kernel]:
    """The operators by which a CPU touches only what was sent."""
    places = {
        "forward": "_event_driven",
        "add_weight_gradient": "_event_driven",
        "scatter": "_event_driven",
        "collect": "_event_driven",
        "learn": "_plastic_walk",
    }
    for op, place in places.items():
        # A dense matrix is multiplied, unless its synapses have delays of their own.
        sparse = op in ("forward", "add_weight_gradient")
        for form in ("csr", "fixed_fan_out", "dense")[: 2 if sparse else 3]:
            yield Kernel(f"event_driven_{op}_{form}", f"spikax.{place}:{op}", op, form, "cpu")
    for op in ("forward", "scatter"):
        yield Kernel(f"event_driven_{op}_procedural", f"spikax._rows:{op}", op, "procedural", "cpu")
