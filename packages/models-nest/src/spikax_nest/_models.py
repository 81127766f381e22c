"""Which models there are, by NEST's names; light to import."""

from __future__ import annotations

from collections.abc import Iterator

from spikax.plugins import Model, hookimpl

MODELS = (
    Model(
        "ac_generator",
        "spikax_nest.devices.ac_generator:AcGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="sinusoidal current",
    ),
    Model(
        "aeif_cond_alpha",
        "spikax_nest.neurons.aeif_cond_alpha:AeifCondAlpha",
        family="nest",
        reference="NEST 3.10; Brette & Gerstner 2005",
        summary="adaptive exponential, alpha-shaped conductances",
    ),
    Model(
        "aeif_cond_beta_multisynapse",
        "spikax_nest.neurons.aeif_cond_beta_multisynapse:AeifCondBetaMultisynapse",
        family="nest",
        reference="NEST 3.10; Brette & Gerstner 2005",
        summary="adaptive exponential, any number of beta-shaped conductances",
    ),
    Model(
        "aeif_cond_exp",
        "spikax_nest.neurons.aeif_cond_exp:AeifCondExp",
        family="nest",
        reference="NEST 3.10; Brette & Gerstner 2005",
        summary="adaptive exponential, exponential conductances",
    ),
    Model(
        "bernoulli_synapse",
        "spikax_nest.synapses.bernoulli_synapse:BernoulliSynapse",
        family="plasticity",
        reference="NEST 3.10; Lefort et al. 2009",
        summary="spikes pass with a probability",
    ),
    Model(
        "dc_generator",
        "spikax_nest.devices.dc_generator:DcGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="constant current",
    ),
    Model(
        "gif_psc_exp",
        "spikax_nest.neurons.gif_psc_exp:GifPscExp",
        family="nest",
        reference="NEST 3.10; Pozzorini et al. 2015",
        summary="generalised integrate-and-fire with escape noise, exponential currents",
    ),
    Model(
        "ginzburg_neuron",
        "spikax_nest.neurons.ginzburg_neuron:GinzburgNeuron",
        family="nest",
        reference="NEST 3.10; Ginzburg & Sompolinsky 1994",
        summary="binary neuron, updated at random times",
    ),
    Model(
        "hh_psc_alpha",
        "spikax_nest.neurons.hh_psc_alpha:HhPscAlpha",
        family="nest",
        reference="NEST 3.10; Hodgkin & Huxley 1952",
        summary="Hodgkin-Huxley, alpha-shaped synaptic currents",
    ),
    Model(
        "iaf_cond_alpha",
        "spikax_nest.neurons.iaf_cond_alpha:IafCondAlpha",
        family="nest",
        reference="NEST 3.10; Meffin et al. 2004",
        summary="leaky integrate-and-fire, alpha-shaped conductances",
    ),
    Model(
        "iaf_cond_exp",
        "spikax_nest.neurons.iaf_cond_exp:IafCondExp",
        family="nest",
        reference="NEST 3.10; Meffin et al. 2004",
        summary="leaky integrate-and-fire, exponential conductances",
    ),
    Model(
        "iaf_psc_alpha",
        "spikax_nest.neurons.iaf_psc_alpha:IafPscAlpha",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="leaky integrate-and-fire, alpha-shaped synaptic currents",
    ),
    Model(
        "iaf_psc_alpha_multisynapse",
        "spikax_nest.neurons.iaf_psc_alpha_multisynapse:IafPscAlphaMultisynapse",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="the same with any number of receptors",
    ),
    Model(
        "iaf_psc_delta",
        "spikax_nest.neurons.iaf_psc_delta:IafPscDelta",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="leaky integrate-and-fire, spikes make the potential jump",
    ),
    Model(
        "iaf_psc_exp",
        "spikax_nest.neurons.iaf_psc_exp:IafPscExp",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="leaky integrate-and-fire, exponential synaptic currents",
    ),
    Model(
        "iaf_psc_exp_multisynapse",
        "spikax_nest.neurons.iaf_psc_exp_multisynapse:IafPscExpMultisynapse",
        family="nest",
        reference="NEST 3.10; Rotter & Diesmann 1999",
        summary="the same with any number of receptors",
    ),
    Model(
        "izhikevich",
        "spikax_nest.neurons.izhikevich:Izhikevich",
        family="nest",
        reference="NEST 3.10; Izhikevich 2003",
        summary="simple spiking neuron by the Euler method",
    ),
    Model(
        "lin_rate_ipn",
        "spikax_nest.neurons.lin_rate_ipn:LinRateIpn",
        family="nest",
        reference="NEST 3.10; Hahne et al. 2017",
        summary="linear rate unit with input noise",
    ),
    Model(
        "mat2_psc_exp",
        "spikax_nest.neurons.mat2_psc_exp:Mat2PscExp",
        family="nest",
        reference="NEST 3.10; Kobayashi, Tsubo & Shinomoto 2009",
        summary="no reset, a threshold of two time scales",
    ),
    Model(
        "noise_generator",
        "spikax_nest.devices.noise_generator:NoiseGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="current of Gaussian noise",
    ),
    Model(
        "parrot_neuron",
        "spikax_nest.neurons.parrot_neuron:ParrotNeuron",
        family="nest",
        reference="NEST 3.10",
        summary="sends on what arrives",
    ),
    Model(
        "poisson_generator",
        "spikax_nest.devices.poisson_generator:PoissonGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="Poisson spike trains",
    ),
    Model(
        "pp_psc_delta",
        "spikax_nest.neurons.pp_psc_delta:PpPscDelta",
        family="nest",
        reference="NEST 3.10; Jolivet et al. 2006",
        summary="point process whose rate follows a leaky potential",
    ),
    Model(
        "spike_generator",
        "spikax_nest.devices.spike_generator:SpikeGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="spikes at given times",
    ),
    Model(
        "stdp_synapse",
        "spikax_nest.synapses.stdp_synapse:StdpSynapse",
        family="plasticity",
        reference="NEST 3.10; Guetig et al. 2003",
        summary="spike-timing-dependent plasticity with a power law",
    ),
    Model(
        "stdp_synapse_hom",
        "spikax_nest.synapses.stdp_synapse:StdpSynapseHom",
        family="plasticity",
        reference="NEST 3.10; Guetig et al. 2003",
        summary="the same with parameters in common",
    ),
    Model(
        "step_current_generator",
        "spikax_nest.devices.step_current_generator:StepCurrentGenerator",
        family="nest",
        reference="NEST 3.10",
        summary="current that changes in steps",
    ),
    Model(
        "tsodyks2_synapse",
        "spikax_nest.synapses.tsodyks2_synapse:Tsodyks2Synapse",
        family="plasticity",
        reference="NEST 3.10; Fuhrmann et al. 2002",
        summary="short-term depression and facilitation",
    ),
    Model(
        "tsodyks_synapse",
        "spikax_nest.synapses.tsodyks_synapse:TsodyksSynapse",
        family="plasticity",
        reference="NEST 3.10; Tsodyks et al. 2000",
        summary="short-term plasticity of three states",
    ),
)


@hookimpl
def spikax_models() -> Iterator[Model]:
    """This pack's models."""
    yield from MODELS
