"""Which synapse models there are, by NEST's names; light to import."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spikax.units import in_unit, to_coherent


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
        symmetric: Whether it needs its counterpart in the other direction.
        with_devices: Whether a plastic one may begin at a generator.
    """

    name: str
    target: str = ""
    carries: str = "spike"
    common: tuple[str, ...] = ()
    variants: bool = True
    delayed: bool = True
    symmetric: bool = False
    with_devices: bool = False

    def load(self) -> Any:
        """The rule; None for a static synapse."""
        if not self.target:
            return None
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)

    def defaults(self) -> Mapping[str, Any]:
        """NEST's values of its own parameters."""
        rule = self.load()
        if rule is None:
            return {}
        fields = {n: p for n, p in rule.declared.items() if n not in ("w_max", *rule.per_neuron)}
        named = {field: name for name, field in rule.names.items()}
        own = {named.get(n, n): in_unit(_number(p), p.unit) for n, p in fields.items()}
        return {**rule.defaults, **{n: float(v) for n, v in own.items()}}


def _number(field: Any) -> Any:
    return to_coherent(field.default, field.unit, field.name)


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
