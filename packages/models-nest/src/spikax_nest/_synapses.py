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
        return {} if rule is None else rule.nest_defaults()


SYNAPSES = (
    SynapseRecord("static_synapse"),
    SynapseRecord("static_synapse_hom_w", common=("weight",)),
    SynapseRecord("rate_connection_delayed", carries="rate", variants=False),
)
