"""What the gates of saturating synapses share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from spikax._distributions import Distribution
from spikax._receptor import Coupling, Kinetics, Receptor
from spikax._system import Dynamics, Port
from spikax.errors import ConfigError
from spikax.synapses import COBA
from spikax.units import Quantity, mV


class Gate(Dynamics):
    """The gate of a saturating synapse, one for each source neuron whatever the number of synapses.

    What saturates belongs to the source; what is left for the target is its receptor:

        gate = AMPA()
        cell = Cell(LIF(), ampa=gate.receptor())
        Population(cell, 100, release={"gate": gate})
        Projection("E", "E", "ampa", rule, weight=1 * nS, delay=1 * ms, signal="gate")

    A weight is the conductance with all channels open.
    """

    coupling: ClassVar[Coupling] = COBA(0 * mV)
    ports: Mapping[str, Port] = {"spike": Port()}

    @abstractmethod
    def kinetics(self) -> Kinetics:
        """The time course at the target that goes with what the gate releases."""

    def receptor(self) -> Receptor:
        """The receptor of the target, of the gate's decay and the published reversal potential.

        Another potential: `gate.receptor().replace(coupling=COBA(-70 * mV))`.

        Raises:
            ConfigError: The gate's decay differs among its neurons: a receptor has one for all.
        """
        return Receptor(self.kinetics(), self.coupling)

    def shared(self, name: str) -> Quantity:
        """The one value of a parameter that a receptor takes over."""
        value = getattr(self, name)
        if isinstance(value, Distribution) or np.ndim(value):
            raise ConfigError(
                f"{type(self).__name__}.{name} is {value}, but a receptor decays in one way for "
                "all its sources; give one number."
            )
        return self.quantity(name)
