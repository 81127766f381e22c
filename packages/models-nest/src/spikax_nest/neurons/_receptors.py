"""Neurons with any number of receptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from jax import Array

from spikax import Port
from spikax.units import Unit, pA
from spikax_nest.neurons._stacked import Stacked, stacked


class Receptors(Stacked):
    """Receptors 1 to n, each a channel of the port of spikes: a parameter has n values."""

    each_receptor: ClassVar[str] = "tau_syn"
    """The parameter that tells the number."""
    weights: ClassVar[Unit] = pA
    """The unit of what spikes add."""
    computed = {
        "n_receptors": lambda values: len(values["tau_syn"]),
        "has_connections": lambda _: False,
    }

    @property
    def receptors(self) -> range:
        """NEST's numbers of the receptors."""
        return range(1, self.length(self.each_receptor) + 1)

    @property
    def syn(self) -> Port:
        """The port of spikes, where there is a receptor."""
        return Port(self.weights, channels=tuple(map(str, self.receptors)))

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {**({"syn": self.syn} if self.receptors else {}), "current": Port(pA)}

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {k: f"syn.{k}" for k in self.receptors}

    def arrived(self, inputs: Mapping[str, Array], like: Array) -> Array:
        """What arrived at each receptor, (n, N)."""
        return inputs["syn"] if self.receptors else stacked({}, like)

    def numbered(self, name: str) -> dict[str, str]:
        """Names that end in the number of a receptor, and the number."""
        return {f"{name}_{k}": str(k) for k in self.receptors}
