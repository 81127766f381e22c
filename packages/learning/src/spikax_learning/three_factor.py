"""Three factors: what came, what the neuron did, and how good it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spikax.units import ms
from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule
from spikax_learning._signals import Modulated
from spikax_learning._traces import in_ms


@dataclass(frozen=True)
class ThreeFactor(OnlineRule):
    """Eligibility times a modulator that all synapses share (Fremaux & Gerstner 2016).

        G_ji = sum_t M(t) E_ji(t),   E_ji <- exp(-dt / tau) E_ji + e_ji,   e_ji as in `DRTRL`

    The modulator M is the loss of the step itself: the negative of a reward, less what was
    expected. It is no gradient of it: descending G makes what the neurons did before a high loss
    less likely.

    Attributes:
        tau: Time constant of the eligibility.
        chunk: Steps of a window; see `DRTRL`.
    """

    tau: Any = field(default_factory=lambda: 500 * ms)

    @property
    def axes(self) -> Axes:
        return Axes("ThreeFactor", feedback=Modulated(), tau=in_ms(self.tau))
