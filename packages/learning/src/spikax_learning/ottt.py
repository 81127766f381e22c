"""OTTT: a trace before the synapse, the surrogate's slope behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule
from spikax_learning._traces import AtOnce, in_ms


@dataclass(frozen=True)
class OTTT(OnlineRule):
    """Online training through time (Xiao et al. 2022).

        x_i <- a x_i + x_i(t),   e_ji = psi_j x_i,   psi_j = dz_j/dh_j Ju_j

    Exact for one layer of leaky integrate-and-fire neurons whose reset carries no gradient
    (`LIF(detach_reset=True)`, port "delta", a = their leak); elsewhere an approximation. Parameters
    of models are few and get the exact trace.

    What arrives must act within the step, as into the port "delta"; of a receptor that answers a
    step later psi would be zero, so its edges are refused.

    Attributes:
        tau: Time constant of a = exp(-dt / tau); None for the membrane's tau_m.
        filtered: Whether traces follow the memory of readouts: one number for each synapse.
        chunk: Steps of a window; see `DRTRL`.
    """

    tau: Any = None
    filtered: bool = True

    @property
    def axes(self) -> Axes:
        return Axes("OTTT", trace=AtOnce(in_ms(self.tau)), filtered=self.filtered)
