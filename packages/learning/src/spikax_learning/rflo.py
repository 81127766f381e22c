"""RFLO: random feedback, local, online."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule
from spikax_learning._signals import RANDOM, Feedback
from spikax_learning._traces import Leak, in_ms


@dataclass(frozen=True)
class RFLO(OnlineRule):
    """Random-feedback local online learning (Murray 2019).

        e_ji <- a e_ji + psi_j x_i,   psi_j = dz_j/dh_j Ju_j,   L_j = sum_k B_jk error_k

    What arrives must act within the step, as into the port "delta"; of a receptor that answers a
    step later psi would be zero, so its edges are refused.

    Attributes:
        tau: Time constant of a = exp(-dt / tau); None for the membrane's tau_m.
        feedback: `Random(seed=0)`, `Adaptive(seed=0)` or `Symmetric()`.
        filtered: Whether traces follow the memory of readouts.
        chunk: Steps of a window; see `DRTRL`.
    """

    tau: Any = None
    feedback: Feedback = RANDOM
    filtered: bool = True

    @property
    def axes(self) -> Axes:
        return Axes("RFLO", Leak(in_ms(self.tau)), self.feedback, self.filtered)
