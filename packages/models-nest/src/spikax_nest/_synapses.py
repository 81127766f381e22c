"""Which synapse models there are, by NEST's names; light to import."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SynapseRecord:
    """A synapse model of NEST.

    Attributes:
        name: NEST's name.
        target: Its rule of plasticity, "module:Class"; empty for a static one.
        carries: What it transmits: "spike" or "rate".
        common: Parameters that all synapses of a model share.
        variants: Whether there are `_lbl` and `_hpc` forms of it.
        delayed: Whether it has a delay.
    """

    name: str
    target: str = ""
    carries: str = "spike"
    common: tuple[str, ...] = ()
    variants: bool = True
    delayed: bool = True

    def load(self) -> Any:
        """The rule; None for a static synapse."""
        if not self.target:
            return None
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)

    def defaults(self) -> Mapping[str, Any]:
        """NEST's values of its own parameters."""
        rule = self.load()
        return {} if rule is None else rule.nest_defaults()


_STDP = "spikax_nest.synapses.stdp_synapse"
SYNAPSES = (
    SynapseRecord("bernoulli_synapse", "spikax_nest.synapses.bernoulli_synapse:BernoulliSynapse"),
    SynapseRecord("static_synapse"),
    SynapseRecord("static_synapse_hom_w", common=("weight",)),
    SynapseRecord("stdp_synapse", f"{_STDP}:StdpSynapse"),
    SynapseRecord(
        "stdp_synapse_hom",
        f"{_STDP}:StdpSynapseHom",
        common=("Wmax", "alpha", "lambda", "mu_minus", "mu_plus", "tau_plus"),
    ),
    SynapseRecord("tsodyks2_synapse", "spikax_nest.synapses.tsodyks2_synapse:Tsodyks2Synapse"),
    SynapseRecord("tsodyks_synapse", "spikax_nest.synapses.tsodyks_synapse:TsodyksSynapse"),
    SynapseRecord("rate_connection_delayed", carries="rate", variants=False),
)
