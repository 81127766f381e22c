"""NEST's `tsodyks_synapse_hom`."""

from __future__ import annotations

from spikax_nest.synapses.tsodyks_synapse import TsodyksSynapse


class TsodyksSynapseHom(TsodyksSynapse):
    """`tsodyks_synapse` whose weight, U and time constants all synapses share.

    Source: Tsodyks, Uziel & Markram 2000, J. Neurosci. 20; behaviour as of NEST 3.10.
    """

    common = ("U", "tau_psc", "tau_rec", "tau_fac")
