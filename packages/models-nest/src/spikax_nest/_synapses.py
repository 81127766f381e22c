"""Which synapse models there are, by NEST's names; light to import."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spikax_nest._models import target

COUPLED = ("diffusion", "gap", "instant")
"""What acts within a step, without delay."""


@dataclass(frozen=True)
class SynapseRecord:
    """A synapse model of NEST.

    Attributes:
        name: NEST's name.
        changes: Whether it has a rule of plasticity, in a file of its name.
        carries: What it transmits: "spike", "rate", "learning" (a learning signal), or what its
            ends need of each other within a step: "instant" (a rate), "diffusion" or "gap".
        common: Parameters that all synapses of a model share.
        variants: Endings of the names of its forms: with a label, compact.
        delayed: Whether it has a delay.
        precise: Whether its delay need not be whole steps: how much less it is, is `early`.
        instead: What NEST says to use in place of one.
        factors: Parameters that are the weights, each for a port of its own, by port.
        names: Parameters that are nodes, each a model of that name; all synapses share them.
        sized: Whether NEST says how many bytes one takes.
        weight: NEST's default.
        targets: Models that it can end on, with a delay of one step; all of them if empty.
        nested: Values of a synapse that NEST shows and sets within a dict, `optimizer`.
        numbered: Whether synapses get a number each when they first transmit.
    """

    name: str
    changes: bool = False
    carries: str = "spike"
    common: tuple[str, ...] = ()
    variants: tuple[str, ...] = ("_hpc", "_lbl")
    delayed: bool = True
    precise: bool = False
    instead: str = ""
    factors: Mapping[str, str] = field(default_factory=dict[str, str])
    names: tuple[str, ...] = ()
    sized: bool = True
    weight: float = 1.0
    targets: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    numbered: bool = False

    def load(self) -> Any:
        """The rule; None for a static synapse."""
        if not self.changes:
            return None
        module, _, name = target("synapses", self.name).partition(":")
        return getattr(importlib.import_module(module), name)

    def defaults(self) -> Mapping[str, Any]:
        """NEST's values of its own parameters."""
        rule = self.load()
        return dict.fromkeys(self.factors.values(), 1.0) if rule is None else rule.nest_defaults()

    @property
    def couples(self) -> bool:
        """Whether its ends act on each other within a step."""
        return self.carries in COUPLED

    @property
    def symmetric(self) -> bool:
        """Whether each needs another one of the same values in the other direction."""
        return self.carries == "gap"


SYNAPSES = (
    SynapseRecord("bernoulli_synapse", changes=True),
    SynapseRecord("cont_delay_synapse", precise=True),
    SynapseRecord(
        "diffusion_connection",
        carries="diffusion",
        variants=(),
        delayed=False,
        factors={"drift": "drift_factor", "diffusion": "diffusion_factor"},
    ),
    SynapseRecord("eprop_learning_signal_connection", carries="learning", variants=()),
    SynapseRecord("eprop_learning_signal_connection_bsshslm_2020", carries="learning", variants=()),
    SynapseRecord(
        "eprop_synapse",
        changes=True,
        variants=("_hpc",),
        common=("optimizer",),
        nested=("m", "v"),
        targets=(
            *("eprop_iaf", "eprop_iaf_adapt", "eprop_iaf_psc_delta", "eprop_iaf_psc_delta_adapt"),
            "eprop_readout",
        ),
    ),
    SynapseRecord(
        "eprop_synapse_bsshslm_2020",
        changes=True,
        variants=("_hpc",),
        common=("average_gradient", "optimizer"),
        nested=("m", "v"),
        targets=(
            *("eprop_iaf_adapt_bsshslm_2020", "eprop_iaf_bsshslm_2020"),
            "eprop_readout_bsshslm_2020",
        ),
    ),
    SynapseRecord("gap_junction", carries="gap", variants=(), delayed=False),
    SynapseRecord("ht_synapse", changes=True),
    SynapseRecord(
        "jonke_synapse",
        changes=True,
        common=("Wmax", "alpha", "beta", "lambda", "mu_minus", "mu_plus", "tau_plus"),
    ),
    SynapseRecord("quantal_stp_synapse", changes=True, sized=False),
    SynapseRecord("rate_connection_delayed", carries="rate", variants=()),
    SynapseRecord(
        "rate_connection_instantaneous",
        carries="instant",
        variants=(),
        delayed=False,
        instead="rate_connection_delayed",
    ),
    SynapseRecord("static_synapse"),
    SynapseRecord("static_synapse_hom_w", common=("weight",)),
    SynapseRecord(
        "stdp_dopamine_synapse",
        changes=True,
        common=("A_minus", "A_plus", "Wmax", "Wmin", "b", "tau_c", "tau_n", "tau_plus"),
        names=("volume_transmitter",),
        sized=False,
    ),
    SynapseRecord(
        "stdp_facetshw_synapse_hom",
        changes=True,
        common=(
            *("Wmax", "configbit_0", "configbit_1", "driver_readout_time", "lookuptable_0"),
            *("lookuptable_1", "lookuptable_2", "no_synapses", "readout_cycle_duration"),
            *("reset_pattern", "synapses_per_driver", "tau_minus_stdp", "tau_plus"),
            "weight_per_lut_entry",
        ),
        sized=False,
        numbered=True,
    ),
    SynapseRecord("stdp_nn_pre_centered_synapse", changes=True),
    SynapseRecord("stdp_nn_restr_synapse", changes=True),
    SynapseRecord("stdp_nn_symm_synapse", changes=True),
    SynapseRecord(
        "stdp_pl_synapse_hom", changes=True, common=("alpha", "lambda", "mu", "tau_plus")
    ),
    SynapseRecord("stdp_synapse", changes=True),
    SynapseRecord(
        "stdp_synapse_hom",
        changes=True,
        common=("Wmax", "alpha", "lambda", "mu_minus", "mu_plus", "tau_plus"),
    ),
    SynapseRecord("stdp_triplet_synapse", changes=True, sized=False),
    SynapseRecord("tsodyks2_synapse", changes=True),
    SynapseRecord("tsodyks_synapse", changes=True),
    SynapseRecord(
        "tsodyks_synapse_hom",
        changes=True,
        common=("U", "tau_fac", "tau_psc", "tau_rec", "weight"),
        sized=False,
    ),
    SynapseRecord("vogels_sprekeler_synapse", changes=True, weight=0.5),
)
