"""DECOLLE: every population has a loss of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule
from spikax_learning._signals import Local
from spikax_learning._traces import AtOnce, in_ms


@dataclass(frozen=True)
class DECOLLE(OnlineRule):
    """Deep continuous local learning (Kaiser, Mostafa & Neftci 2020).

        y_k = sum_j G_kj z_j,   L_j = sum_k G_kj dE/dy_k
        e_ji = psi_j x_i,   x_i <- a x_i + x_i(t)

    Each population has fixed random readouts G, to which the loss is applied with the same target;
    no error comes from another population. A readout that the loss reads is trained as it is.

    What arrives must act within the step, as into the port "delta"; of a receptor that answers a
    step later psi would be zero, so its edges are refused.

    Attributes:
        outputs: Readouts of each population; as many as the target of the loss expects.
        seed: Seed of G, normal numbers of variance 1 / neurons.
        tau: Time constant of a = exp(-dt / tau); None for the membrane's tau_m.
        chunk: Steps of a window; see `DRTRL`.
    """

    outputs: int
    seed: int = 0
    tau: Any = None

    @property
    def axes(self) -> Axes:
        feedback = Local(self.seed, outputs=self.outputs)
        return Axes("DECOLLE", AtOnce(in_ms(self.tau)), feedback, filtered=False)
