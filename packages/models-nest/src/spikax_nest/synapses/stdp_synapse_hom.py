"""NEST's `stdp_synapse_hom`."""

from __future__ import annotations

from spikax_nest.synapses.stdp_synapse import StdpSynapse


class StdpSynapseHom(StdpSynapse):
    """`stdp_synapse` whose parameters all synapses share (NEST's `stdp_synapse_hom`)."""

    common = ("tau_plus", "lambda_", "alpha", "mu_plus", "mu_minus", "w_max")
