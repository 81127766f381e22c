"""The synapse models that can be named in `Connect`: defaults, copies, what they transmit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikax_nest._synapses import SYNAPSES, SynapseRecord
from spikax_nest.pynest._errors import NESTErrors, unknown_name

COMMON: Mapping[str, Any] = {"weight": 1.0, "delay": 1.0, "receptor_type": 0}
KINDS: Mapping[type, tuple[str, str]] = {
    bool: ("b", "a bool"),
    int: ("iu", "an integer"),
    np.ndarray: ("iub", "a list of integers"),
    float: ("iufb", "a number"),
}
"""What a value of each type may be given as, by kind of NumPy's types; what it must be."""
LABELLED, COMPACT = "_lbl", "_hpc"


@dataclass
class SynapseModel:
    """A synapse model under its name.

    Attributes:
        name: By which it is connected.
        record: What it is.
        defaults: NEST's values.
        number: NEST's synapse_modelid.
        nodes: The nodes that it names, by name; None where there is none yet.
    """

    name: str
    record: SynapseRecord
    defaults: dict[str, Any]
    number: int
    nodes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes = {"weight_recorder": None, **dict.fromkeys(self.record.names)} | self.nodes

    @property
    def labelled(self) -> bool:
        """Whether its synapses carry a label."""
        return "synapse_label" in self.defaults

    @property
    def per_synapse(self) -> tuple[str, ...]:
        """Parameters that each synapse has for itself, beside weight and delay."""
        own = set(self.defaults) - set(COMMON) - {"synapse_label"} - set(self.record.common)
        return tuple(sorted(own))

    def type_of(self, name: str) -> type:
        """The type of one of its values: float for what is a number."""
        kind = type(self.defaults.get(name))
        return kind if kind in (bool, int, np.ndarray) else float

    def check_type(self, name: str, values: np.ndarray) -> None:
        """Raise for values that are not of its type."""
        kind = self.type_of(name)
        allowed, says = KINDS[kind]
        if values.dtype.kind not in allowed or values.ndim != (kind is np.ndarray):
            raise NESTErrors.TypeMismatch(f"{name} is {values.tolist()!r}; it must be {says}.")


def _names() -> dict[str, SynapseRecord]:
    found: dict[str, SynapseRecord] = {}
    for record in SYNAPSES:
        found[record.name] = record
        found |= {record.name + end: record for end in record.variants}
    return dict(sorted(found.items()))


def synapse_models() -> dict[str, SynapseModel]:
    """The built-in synapse models."""
    return {
        name: SynapseModel(
            name,
            record,
            {**COMMON, "weight": record.weight, **record.defaults()}
            | ({"synapse_label": -1} if name.endswith(LABELLED) else {}),
            number,
        )
        for number, (name, record) in enumerate(_names().items())
    }


@dataclass
class SynapseCatalogue:
    """All synapse models by name."""

    models: dict[str, SynapseModel] = field(default_factory=synapse_models)

    def __getitem__(self, name: str) -> SynapseModel:
        if name not in self.models:
            raise NESTErrors.UnknownSynapseType(unknown_name("synapse model", name, self.models))
        return self.models[name]

    def copy(self, existing: str, new: str) -> SynapseModel:
        """Register a copy under a new name."""
        old = self[existing]
        made = SynapseModel(new, old.record, dict(old.defaults), len(self.models), dict(old.nodes))
        self.models[new] = made
        return made
