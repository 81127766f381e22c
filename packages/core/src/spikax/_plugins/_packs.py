"""Which official pack has a name, so that a failed look-up can say what to install.

NEST's names are those of `nest.node_models` in NEST 3.10.0; a test compares them with the live
wheel, and the others with the packs.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from spikax._plugins._records import LearningRule, Model, Record

_NEST = """
    ac_generator aeif_cond_alpha aeif_cond_alpha_astro aeif_cond_alpha_multisynapse
    aeif_cond_beta_multisynapse aeif_cond_exp aeif_psc_alpha aeif_psc_delta aeif_psc_delta_clopath
    aeif_psc_exp amat2_psc_exp astrocyte_lr_1994 cm_default correlation_detector
    correlomatrix_detector correlospinmatrix_detector dc_generator eprop_iaf eprop_iaf_adapt
    eprop_iaf_adapt_bsshslm_2020 eprop_iaf_bsshslm_2020 eprop_iaf_psc_delta
    eprop_iaf_psc_delta_adapt eprop_readout eprop_readout_bsshslm_2020 erfc_neuron
    gamma_sup_generator gauss_rate_ipn gif_cond_exp gif_cond_exp_multisynapse gif_pop_psc_exp
    gif_psc_exp gif_psc_exp_multisynapse ginzburg_neuron glif_cond glif_psc glif_psc_double_alpha
    hh_cond_beta_gap_traub hh_cond_exp_traub hh_psc_alpha hh_psc_alpha_clopath hh_psc_alpha_gap
    ht_neuron iaf_bw_2001 iaf_bw_2001_exact iaf_chs_2007 iaf_chxk_2008 iaf_cond_alpha
    iaf_cond_alpha_mc iaf_cond_beta iaf_cond_exp iaf_cond_exp_sfa_rr iaf_psc_alpha
    iaf_psc_alpha_multisynapse iaf_psc_alpha_ps iaf_psc_delta iaf_psc_delta_ps iaf_psc_exp
    iaf_psc_exp_htum iaf_psc_exp_multisynapse iaf_psc_exp_ps iaf_psc_exp_ps_lossless iaf_tum_2000
    ignore_and_fire inhomogeneous_poisson_generator izhikevich lin_rate_ipn lin_rate_opn
    mat2_psc_exp mcculloch_pitts_neuron mip_generator multimeter noise_generator parrot_neuron
    parrot_neuron_ps poisson_generator poisson_generator_ps pp_cond_exp_mc_urbanczik pp_psc_delta
    ppd_sup_generator pulsepacket_generator rate_transformer_gauss rate_transformer_lin
    rate_transformer_sigmoid rate_transformer_sigmoid_gg_1998 rate_transformer_tanh
    rate_transformer_threshold_lin siegert_neuron sigmoid_rate_gg_1998_ipn sigmoid_rate_ipn
    sinusoidal_gamma_generator sinusoidal_poisson_generator spike_dilutor spike_generator
    spike_recorder spike_train_injector spin_detector step_current_generator step_rate_generator
    tanh_rate_ipn tanh_rate_opn threshold_lin_rate_ipn threshold_lin_rate_opn voltmeter
    volume_transmitter weight_recorder
"""
NEST_MODELS = tuple(_NEST.split())
# Those that the pack has; a synapse that does not change is core's own.
_NEST_SYNAPSES = """
    bernoulli_synapse eprop_synapse eprop_synapse_bsshslm_2020 ht_synapse jonke_synapse
    quantal_stp_synapse stdp_dopamine_synapse stdp_facetshw_synapse_hom
    stdp_nn_pre_centered_synapse stdp_nn_restr_synapse stdp_nn_symm_synapse stdp_pl_synapse_hom
    stdp_synapse stdp_synapse_hom stdp_triplet_synapse tsodyks_synapse tsodyks_synapse_hom
    tsodyks2_synapse vogels_sprekeler_synapse
"""
NEST_SYNAPSES = tuple(_NEST_SYNAPSES.split())

_LEARNING = """
bptt d_rtrl decolle eprop eventprop ostl ottt pp_prop rflo rtrl snap three_factor uoro
"""
LEARNING_RULES = tuple(_LEARNING.split())

# By the extra of `spikax` that installs a pack, which is also the name of its entry point.
PACKS: Mapping[str, Mapping[type[Record], tuple[str, ...]]] = {
    "nest": {Model: (*NEST_MODELS, *NEST_SYNAPSES)},
    "learning": {LearningRule: LEARNING_RULES},
}


def install_hint(kind: type[Record], name: str, installed: Collection[str]) -> str:
    """Say which official pack that is not installed has this name, or one spelt nearly so."""
    for extra, offers in PACKS.items():
        near = difflib.get_close_matches(name, offers.get(kind, ()), n=1, cutoff=0.85)
        if near and extra not in installed:
            return f'{near[0]!r} is in an official pack: pip install "spikax[{extra}]".'
    return ""
