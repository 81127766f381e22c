"""The models that can be created by name: defaults, copies, what NEST shows of every node."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np

from spikax import Component
from spikax.units import in_unit
from spikax_nest._models import MODELS
from spikax_nest._node import NestNode
from spikax_nest.pynest._detectors import DETECTORS, FOREVER
from spikax_nest.pynest._errors import NESTErrors, unknown_name

ARCHIVED: Mapping[str, Any] = {
    "Ca": 0.0,
    "beta_Ca": 0.001,
    "tau_Ca": 10000.0,
    "tau_minus": 20.0,
    "tau_minus_triplet": 110.0,
    "ignore_and_spike": False,
    "ignore_and_spike_interval": 100.0,
    "ignore_and_spike_offset": 1.0,
    "synaptic_elements": {},
}
"""What a neuron keeps for its synapses, beside its own parameters."""

GENERIC: Mapping[str, Mapping[str, Any]] = {"stimulator": {"label": "", "stimulus_source": ""}}
"""What other nodes have beside their own parameters."""

WINDOW: Mapping[str, Any] = {"label": "", "origin": 0.0, "start": 0.0, "stop": FOREVER}
RECORDER: Mapping[str, Any] = {
    **WINDOW,
    "record_to": "memory",
    "time_in_steps": False,
    "file_extension": "dat",
    "precision": 3,
}
METER: Mapping[str, Any] = {**RECORDER, "interval": 1.0, "offset": 0.0}
RECORDERS: Mapping[str, Mapping[str, Any]] = {
    "multimeter": {**METER, "record_from": ()},
    "spike_recorder": RECORDER,
    "spin_detector": RECORDER,
    "voltmeter": {**METER, "record_from": ("V_m",)},
    "weight_recorder": {**RECORDER, "senders": (), "targets": ()},
    **DETECTORS,
}
"""Recorders have no dynamics: they say what a run is to record."""


@dataclass
class NodeModel:
    """A model of nodes under its name, built in or copied.

    Attributes:
        name: By which it is created.
        base: Name of the built-in model that it is a copy of.
        system: Its dynamics; None for recorders.
        defaults: NEST's values, in NEST's units.
        number: NEST calls it model_id.
    """

    name: str
    base: str
    system: type[NestNode] | None
    defaults: dict[str, Any]
    number: int = 0

    @property
    def element_type(self) -> str:
        """neuron, stimulator or recorder."""
        return "recorder" if self.system is None else self.system.element_type

    def copy(self, name: str, number: int) -> NodeModel:
        """The same under another name, with defaults of its own."""
        return NodeModel(name, self.base, self.system, dict(self.defaults), number)


@functools.cache
def parts_of(system: type[NestNode]) -> dict[str, type[Component]]:
    """The parts whose parameters NEST shows and sets in a dict of their name."""
    declared: Any = {n: f for n, f in system.declared.items() if n not in system.hidden}
    return {n: type(f.default) for n, f in declared.items() if isinstance(f.default, Component)}


def field_names(system: type[NestNode]) -> dict[str, str]:
    """NEST's names of the parameters, and of the fields: those of a part are "part.name"."""
    parts = parts_of(system)
    inner = [f"{n}.{f}" for n, part in parts.items() for f in part.declared]
    own = [n for n in system.declared if n not in system.hidden and n not in parts]
    # `lambda` is no name in Python: the field has an underscore more.
    return {n.rstrip("_"): n for n in (*own, *inner)}


def field_of(system: type[NestNode], name: str) -> Any:
    """What the class says of a field."""
    part, _, inner = name.rpartition(".")
    return (parts_of(system)[part] if part else system).declared[inner]


def own_defaults(system: type[NestNode]) -> dict[str, Any]:
    """The parameters that the class itself declares, as NEST shows them."""
    model: Any = system()
    return {
        name: shown(system, name, in_unit(attrgetter(f)(model), field_of(system, f).unit))
        for name, f in field_names(system).items()
    }


def shown(system: type[NestNode] | None, name: str, value: Any) -> Any:
    """A value in the type that NEST gives it."""
    if np.ndim(value):
        return np.array(value, np.float64)
    if system is not None and name in system.choices:
        return value if isinstance(value, str) else system.choices[name][int(value)]
    kind = float if system is None else system.types.get(name, float)
    number = float(value)
    return kind(number) if math.isfinite(number) else number


def builtin_names() -> list[str]:
    """The built-in models of nodes, by name."""
    return sorted([*(m.name for m in MODELS if m.family == "nest"), *RECORDERS])


@functools.cache
def builtin(name: str) -> NodeModel:
    """A built-in model; its class is imported when it is first asked for."""
    number = builtin_names().index(name)
    if name in RECORDERS:
        return NodeModel(name, name, None, dict(RECORDERS[name]), number)
    system: Any = next(m for m in MODELS if m.name == name).load()
    generic = ARCHIVED if system.archives else GENERIC.get(system.element_type, {})
    if system.forced and system.element_type == "neuron":
        generic = {**generic, **{n: v for n, v in ARCHIVED.items() if n.startswith("ignore_and")}}
    return NodeModel(name, name, system, {**generic, **own_defaults(system)}, number)


@dataclass
class Catalogue:
    """All models of nodes by name, in the order in which they came; None until first used."""

    models: dict[str, NodeModel | None] = field(
        default_factory=lambda: dict.fromkeys(builtin_names())
    )

    def __getitem__(self, name: str) -> NodeModel:
        if name not in self.models:
            raise NESTErrors.UnknownModelName(unknown_name("model name", name, self.models))
        found = self.models[name]
        if found is None:
            found = self.models[name] = builtin(name).copy(name, builtin(name).number)
        return found

    def copy(self, existing: str, new: str) -> NodeModel:
        """Register a copy under a new name."""
        made = self.models[new] = self[existing].copy(new, len(self.models))
        return made
