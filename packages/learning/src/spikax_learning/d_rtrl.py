"""D-RTRL: real-time recurrent learning with the Jacobians of single neurons."""

from __future__ import annotations

from dataclasses import dataclass

from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule


@dataclass(frozen=True)
class DRTRL(OnlineRule):
    """Real-time recurrent learning, of which each neuron keeps its own block (Wang et al. 2024).

        dE/dtheta = sum_t L_j(t) e_j(t),   e_j = dz_j/dh_j eps_j,   eps_j <- J_j eps_j + dh_j/dtheta

    for weights and for parameters of models. L_j goes back through later populations and readouts
    within the step. A leaky readout, which would keep the effect of earlier steps, is followed by
    a filtered trace, so that the gradient equals that of backpropagation through time with the
    recurrent signals held: exact without recurrence, for the population next to the loss.

    OSTL (Bohnstingl et al. 2022) without H, the Jacobian between neurons, is this rule; so is
    SnAp-1 (Menick et al. 2021) where no neuron projects to itself.

    Attributes:
        filtered: Whether traces follow the memory of readouts; False is wrong by its own size where
            a readout leaks.
        chunk: Steps of a window, over which errors go back at once; None chooses it by memory. The
            gradient does not depend on it.
    """

    filtered: bool = True

    @property
    def axes(self) -> Axes:
        return Axes("DRTRL", filtered=self.filtered)


@dataclass(frozen=True)
class OSTL(DRTRL):
    """Online spatio-temporal learning without H (Bohnstingl et al. 2022); it is `DRTRL`."""
