"""What a plugin offers: small records that name a target without importing it."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
from typing import Any, ClassVar, TypeVar

from spikax.errors import PluginError

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclasses.dataclass(frozen=True)
class Origin:
    """The plugin that a record came from: its entry point, distribution and version."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        source = f"{self.distribution} {self.version}".strip()
        return f"plugin {self.plugin!r} ({source})"

    @property
    def repair(self) -> str:
        """What to paste when the plugin cannot be used."""
        if not self.version:
            return f"Its metadata is missing: install it again, or {self.leave_out}."
        return f"Upgrade it with `pip install --upgrade {self.distribution}`, or {self.leave_out}."

    @property
    def leave_out(self) -> str:
        """How to go on without it."""
        return f"leave it out with SPIKAX_DISABLE_PLUGINS={self.plugin}"


@dataclasses.dataclass(frozen=True)
class Record:
    """One thing that a plugin offers; yield one of the kinds below, not this.

    Attributes:
        name: The name that users look it up by, unique among the records of its kind.
        target: Where it is, "package.module:Attribute"; imported on first use.
        origin: Who offers it; filled in by the registry.
    """

    kind: ClassVar[str]
    hook: ClassVar[str]

    name: str
    target: str
    origin: Origin | None = dataclasses.field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a target that could never be imported."""
        if not _TARGET.fullmatch(self.target):
            raise PluginError(
                f"{self.kind} {self.name!r} has the target {self.target!r}; "
                "write it as 'package.module:Attribute'."
            )

    @classmethod
    def plural(cls) -> str:
        """The kind as reports count it: "models", "learning_rules"."""
        return cls.hook.removeprefix("spikax_")

    @property
    def module(self) -> str:
        """The module that the target is in."""
        return self.target.partition(":")[0]

    def load(self) -> Any:
        """Import the target.

        Raises:
            PluginError: the module or the attribute cannot be imported.
        """
        names = self.target.partition(":")[2].split(".")
        try:
            return functools.reduce(getattr, names, importlib.import_module(self.module))
        except Exception as cause:
            source = f" of {self.origin}" if self.origin else ""
            repair = f" {self.origin.repair}" if self.origin else ""
            raise PluginError(
                f"{self.kind} {self.name!r}{source} cannot be used: {self.target!r} "
                f"did not load ({type(cause).__name__}: {cause}).{repair}"
            ) from cause


@dataclasses.dataclass(frozen=True)
class Model(Record):
    """A class of models: a `System`, or the `Kinetics` or `Coupling` of a receptor.

    Attributes:
        family: What it is in a network: "neuron", "synapse", "coupling", "release", "input", ...
        reference: The paper and equation, or the simulator and version, it is checked against.
        summary: One line for `spikax models`.
    """

    kind = "model"
    hook = "spikax_models"

    family: str = "neuron"
    reference: str = ""
    summary: str = ""


@dataclasses.dataclass(frozen=True)
class Kernel(Record):
    """An implementation of a connectivity operator for one format on one platform.

    Attributes:
        op: The operator: "forward", "transpose", "weight_gradient", "scatter", "collect" or
            "learn".
        format: The format that it reads: "dense", "one_to_one", "fixed_fan_out" or "csr".
        platform: Where it runs: "cpu", "gpu", "tpu".
        reference: Where the algorithm is described.
    """

    kind = "kernel"
    hook = "spikax_kernels"

    op: str
    format: str
    platform: str
    reference: str = ""


@dataclasses.dataclass(frozen=True)
class LearningRule(Record):
    """A rule that changes weights, online or from a gradient."""

    kind = "learning rule"
    hook = "spikax_learning_rules"

    reference: str = ""


@dataclasses.dataclass(frozen=True)
class Connectivity(Record):
    """A rule that says who connects to whom."""

    kind = "connectivity rule"
    hook = "spikax_connectivity"

    reference: str = ""


@dataclasses.dataclass(frozen=True)
class Exporter(Record):
    """A function `(network, path)` that writes a network down in another format."""

    kind = "exporter"
    hook = "spikax_exporters"

    reference: str = ""


R = TypeVar("R", bound=Record)
KINDS: tuple[type[Record], ...] = (Model, Kernel, LearningRule, Connectivity, Exporter)
