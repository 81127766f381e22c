"""Which models there are, by NEST's names; light to import.

A row is NEST's name, what the model is, and who described it first. Its class stands in a file of
its name, in the folder of its kind.
"""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Model, hookimpl

NEURONS = (
    ("erfc_neuron", "binary neuron whose gain is an error function", "McCulloch & Pitts 1943"),
    ("mcculloch_pitts_neuron", "binary neuron with a sharp threshold", "McCulloch & Pitts 1943"),
    ("lin_rate_ipn", "linear rate unit with input noise", "Hahne et al. 2017"),
    ("lin_rate_opn", "linear rate unit with output noise", "Hahne et al. 2017"),
    ("tanh_rate_ipn", "sigmoidal rate unit with input noise", "Hahne et al. 2017"),
    ("tanh_rate_opn", "sigmoidal rate unit with output noise", "Hahne et al. 2017"),
    ("threshold_lin_rate_ipn", "threshold-linear rate unit with input noise", "Hahne et al. 2017"),
    ("threshold_lin_rate_opn", "threshold-linear rate unit with output noise", "Hahne et al. 2017"),
    ("sigmoid_rate_ipn", "sigmoidal rate unit with input noise", "Hahne et al. 2017"),
    (
        "sigmoid_rate_gg_1998_ipn",
        "sigmoidal rate unit with input noise",
        "Gancarz & Grossberg 1998",
    ),
    ("gauss_rate_ipn", "gaussian rate unit with input noise", "Hahne et al. 2017"),
    ("rate_transformer_lin", "linear gain that rates go through", "Hahne et al. 2017"),
    ("rate_transformer_tanh", "sigmoidal gain that rates go through", "Hahne et al. 2017"),
    (
        "rate_transformer_threshold_lin",
        "threshold-linear gain that rates go through",
        "Hahne et al. 2017",
    ),
    ("rate_transformer_sigmoid", "sigmoidal gain that rates go through", "Hahne et al. 2017"),
    (
        "rate_transformer_sigmoid_gg_1998",
        "sigmoidal gain that rates go through",
        "Gancarz & Grossberg 1998",
    ),
    ("rate_transformer_gauss", "gaussian gain that rates go through", "Hahne et al. 2017"),
    ("amat2_psc_exp", "mat2_psc_exp whose threshold follows the potential", "Yamauchi et al. 2011"),
    ("iaf_psc_exp_htum", "iaf_psc_exp with a relative refractory period", "Tsodyks et al. 2000"),
    (
        "iaf_chs_2007",
        "spike-response neuron of the lateral geniculate nucleus",
        "Carandini et al. 2007",
    ),
    ("ignore_and_fire", "spikes at a fixed rate, whatever arrives", ""),
    (
        "aeif_cond_alpha",
        "adaptive exponential, alpha-shaped conductances",
        "Brette & Gerstner 2005",
    ),
    (
        "aeif_cond_alpha_multisynapse",
        "adaptive exponential, any number of alpha-shaped conductances",
        "Brette & Gerstner 2005",
    ),
    (
        "aeif_cond_beta_multisynapse",
        "adaptive exponential, any number of beta-shaped conductances",
        "Brette & Gerstner 2005",
    ),
    ("aeif_cond_exp", "adaptive exponential, exponential conductances", "Brette & Gerstner 2005"),
    ("aeif_psc_alpha", "adaptive exponential, alpha-shaped currents", "Brette & Gerstner 2005"),
    (
        "aeif_psc_delta",
        "adaptive exponential, spikes make the potential jump",
        "Brette & Gerstner 2005",
    ),
    ("aeif_psc_exp", "adaptive exponential, exponential currents", "Brette & Gerstner 2005"),
    (
        "gif_cond_exp",
        "generalised integrate-and-fire with escape noise, exponential conductances",
        "Pozzorini et al. 2015",
    ),
    (
        "gif_cond_exp_multisynapse",
        "the same with any number of receptors",
        "Pozzorini et al. 2015",
    ),
    ("eprop_iaf", "leaky integrate-and-fire with a soft reset, for e-prop", "Bellec et al. 2020"),
    ("eprop_iaf_adapt", "the same with an adaptive threshold", "Bellec et al. 2020"),
    (
        "eprop_iaf_adapt_bsshslm_2020",
        "the same with updates at fixed intervals",
        "Bellec et al. 2020",
    ),
    (
        "eprop_iaf_bsshslm_2020",
        "leaky integrate-and-fire for e-prop at fixed intervals",
        "Bellec et al. 2020",
    ),
    ("eprop_iaf_psc_delta", "iaf_psc_delta for e-prop", "Korcsak-Gorzo et al. 2025"),
    (
        "eprop_iaf_psc_delta_adapt",
        "the same with an adaptive threshold",
        "Korcsak-Gorzo et al. 2025",
    ),
    ("eprop_readout", "leaky readout for e-prop", "Bellec et al. 2020"),
    (
        "eprop_readout_bsshslm_2020",
        "leaky readout for e-prop at fixed intervals",
        "Bellec et al. 2020",
    ),
    (
        "gif_psc_exp",
        "generalised integrate-and-fire with escape noise, exponential currents",
        "Pozzorini et al. 2015",
    ),
    ("gif_psc_exp_multisynapse", "the same with any number of receptors", "Pozzorini et al. 2015"),
    ("ginzburg_neuron", "binary neuron, updated at random times", "Ginzburg & Sompolinsky 1994"),
    (
        "glif_cond",
        "generalised leaky integrate-and-fire, alpha-shaped conductances",
        "Teeter et al. 2018",
    ),
    (
        "glif_psc",
        "generalised leaky integrate-and-fire, alpha-shaped currents",
        "Teeter et al. 2018",
    ),
    ("glif_psc_double_alpha", "the same with currents of two parts", "Teeter et al. 2018"),
    (
        "hh_cond_beta_gap_traub",
        "Hodgkin-Huxley after Traub, beta-shaped conductances, gap junctions",
        "Hahne et al. 2015",
    ),
    (
        "hh_cond_exp_traub",
        "Hodgkin-Huxley after Traub, exponential conductances",
        "Traub & Miles 1991",
    ),
    ("hh_psc_alpha", "Hodgkin-Huxley, alpha-shaped synaptic currents", "Hodgkin & Huxley 1952"),
    ("hh_psc_alpha_gap", "fast-spiking Hodgkin-Huxley, gap junctions", "Mancilla et al. 2007"),
    ("ht_neuron", "four intrinsic currents and a moving threshold", "Hill & Tononi 2005"),
    (
        "iaf_chxk_2008",
        "no reset, an afterhyperpolarising conductance, spikes off the grid",
        "Casti et al. 2008",
    ),
    ("iaf_cond_alpha", "leaky integrate-and-fire, alpha-shaped conductances", "Meffin et al. 2004"),
    (
        "iaf_cond_alpha_mc",
        "three compartments, each with alpha-shaped conductances",
        "Meffin et al. 2004",
    ),
    ("iaf_cond_beta", "leaky integrate-and-fire, beta-shaped conductances", "Meffin et al. 2004"),
    (
        "iaf_cond_exp_sfa_rr",
        "the same with adaptation and relative refractoriness",
        "Dayan & Abbott 2001",
    ),
    ("iaf_cond_exp", "leaky integrate-and-fire, exponential conductances", "Meffin et al. 2004"),
    (
        "iaf_psc_alpha",
        "leaky integrate-and-fire, alpha-shaped synaptic currents",
        "Rotter & Diesmann 1999",
    ),
    (
        "iaf_psc_alpha_multisynapse",
        "the same with any number of receptors",
        "Rotter & Diesmann 1999",
    ),
    (
        "iaf_psc_alpha_ps",
        "leaky integrate-and-fire, alpha-shaped currents, exact between events off the grid",
        "Morrison et al. 2007",
    ),
    (
        "iaf_psc_delta",
        "leaky integrate-and-fire, spikes make the potential jump",
        "Rotter & Diesmann 1999",
    ),
    (
        "iaf_psc_delta_ps",
        "the same, exact between events off the grid",
        "Morrison et al. 2007",
    ),
    (
        "iaf_psc_exp",
        "leaky integrate-and-fire, exponential synaptic currents",
        "Rotter & Diesmann 1999",
    ),
    ("iaf_psc_exp_multisynapse", "the same with any number of receptors", "Rotter & Diesmann 1999"),
    (
        "iaf_psc_exp_ps",
        "leaky integrate-and-fire, exponential currents, exact between events off the grid",
        "Hanuschkin et al. 2010",
    ),
    (
        "iaf_psc_exp_ps_lossless",
        "the same, no spike within a step is overlooked",
        "Krishnan et al. 2018",
    ),
    (
        "iaf_tum_2000",
        "iaf_psc_exp with short-term plasticity of all that it sends",
        "Tsodyks, Uziel & Markram 2000",
    ),
    ("izhikevich", "simple spiking neuron by the Euler method", "Izhikevich 2003"),
    (
        "mat2_psc_exp",
        "no reset, a threshold of two time scales",
        "Kobayashi, Tsubo & Shinomoto 2009",
    ),
    ("parrot_neuron", "sends on what arrives", ""),
    ("parrot_neuron_ps", "sends on what arrives, at precise times", "Morrison et al. 2007"),
    ("pp_psc_delta", "point process whose rate follows a leaky potential", "Jolivet et al. 2006"),
    ("siegert_neuron", "mean-field rate of integrate-and-fire neurons", "Hahne et al. 2017"),
)
DEVICES = (
    ("ac_generator", "sinusoidal current", ""),
    ("dc_generator", "constant current", ""),
    ("gamma_sup_generator", "superposition of gamma processes", "Deger et al. 2012"),
    ("inhomogeneous_poisson_generator", "Poisson spike trains of changing rate", ""),
    ("mip_generator", "correlated Poisson spike trains", "Kuhn, Aertsen & Rotter 2003"),
    ("noise_generator", "current of Gaussian noise", ""),
    ("poisson_generator", "Poisson spike trains", ""),
    ("poisson_generator_ps", "Poisson spike trains with dead time, off the grid", ""),
    ("ppd_sup_generator", "superposition of Poisson processes with dead time", "Deger et al. 2012"),
    ("pulsepacket_generator", "packets of spikes about given times", ""),
    ("sinusoidal_gamma_generator", "gamma spike trains of sinusoidally modulated rate", ""),
    ("sinusoidal_poisson_generator", "Poisson spike trains of sinusoidally modulated rate", ""),
    ("spike_dilutor", "sends on what arrives with a probability", ""),
    ("spike_generator", "spikes at given times", ""),
    ("spike_train_injector", "a neuron that spikes at given times", ""),
    ("step_current_generator", "current that changes in steps", ""),
    ("step_rate_generator", "rate that changes in steps", ""),
    ("volume_transmitter", "collects dopamine for plastic synapses", "Potjans et al. 2010"),
)
SYNAPSES = (
    ("bernoulli_synapse", "spikes pass with a probability", "Lefort et al. 2009"),
    ("eprop_synapse", "e-prop in every step", "Korcsak-Gorzo et al. 2025"),
    ("eprop_synapse_bsshslm_2020", "e-prop at fixed intervals", "Bellec et al. 2020"),
    ("ht_synapse", "short-term depression, recovering to a full pool", "Hill & Tononi 2005"),
    ("jonke_synapse", "changes that depend on the weight exponentially", "Jonke et al. 2017"),
    ("quantal_stp_synapse", "short-term plasticity of release sites", "Fuhrmann et al. 2002"),
    (
        "stdp_dopamine_synapse",
        "spike-timing-dependent plasticity gated by dopamine",
        "Izhikevich 2007",
    ),
    ("stdp_facetshw_synapse_hom", "look-up tables of wafer-scale hardware", "Pfeil et al. 2012"),
    ("stdp_nn_pre_centered_synapse", "spikes pair around the source's", "Morrison et al. 2008"),
    ("stdp_nn_restr_synapse", "only successive spikes pair", "Morrison et al. 2008"),
    ("stdp_nn_symm_synapse", "each spike pairs with the last one", "Morrison et al. 2008"),
    ("stdp_pl_synapse_hom", "potentiation by a power of the weight", "Morrison et al. 2007"),
    ("stdp_synapse", "spike-timing-dependent plasticity with a power law", "Guetig et al. 2003"),
    ("stdp_synapse_hom", "the same with parameters in common", "Guetig et al. 2003"),
    ("stdp_triplet_synapse", "pairs and triplets of spikes", "Pfister & Gerstner 2006"),
    ("tsodyks2_synapse", "short-term depression and facilitation", "Fuhrmann et al. 2002"),
    ("tsodyks_synapse", "short-term plasticity of three states", "Tsodyks et al. 2000"),
    ("tsodyks_synapse_hom", "the same with parameters in common", "Tsodyks et al. 2000"),
    ("vogels_sprekeler_synapse", "inhibitory plasticity that balances", "Vogels et al. 2011"),
)


def target(folder: str, name: str) -> str:
    """Where the class of a model stands: "module:Class"."""
    return f"spikax_nest.{folder}.{name}:{''.join(map(str.capitalize, name.split('_')))}"


def _models(folder: str, family: str, rows: tuple[tuple[str, str, str], ...]) -> Iterator[Model]:
    for name, summary, source in rows:
        reference = f"NEST 3.10; {source}" if source else "NEST 3.10"
        where = target(folder, name)
        yield Model(name, where, family=family, reference=reference, summary=summary)


MODELS = (
    *_models("devices", "nest", DEVICES),
    *_models("neurons", "nest", NEURONS),
    *_models("synapses", "plasticity", SYNAPSES),
)


@hookimpl
def spikax_models() -> Iterator[Model]:
    """This pack's models."""
    yield from MODELS
