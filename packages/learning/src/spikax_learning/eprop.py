"""E-prop: eligibility propagation."""

from __future__ import annotations

from dataclasses import dataclass

from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule
from spikax_learning._signals import SYMMETRIC, Feedback


@dataclass(frozen=True)
class EProp(OnlineRule):
    """E-prop (Bellec et al. 2020).

        dE/dW_ji = sum_t L_j(t) F_kappa(e_ji)(t),   L_j(t) = sum_k B_kj dE(t)/dy_k(t)
        e_ji = dz_j/dh_j eps_ji,   eps_ji <- J_j eps_ji + Ju_j x_ji

    J_j and Ju_j are the Jacobians of the variables h_j of neuron j, by themselves and by what
    arrives, x_ji is what the synapse receives, its delay ago, and F_kappa is the readout's filter.
    So it holds for every Dynamics, with receptors, refractoriness, resets and delays.

    With symmetric feedback B = W, the gradient equals that of backpropagation through time where a
    spike's way to the readout is followed and its way to other neurons is cut: exact without
    recurrence.

    Attributes:
        feedback: `Symmetric()`, `Random(seed=0)` or `Adaptive(seed=0)`.
        chunk: Steps of a window, over which errors go back at once; None chooses it by memory. The
            gradient does not depend on it.
    """

    feedback: Feedback = SYMMETRIC

    @property
    def axes(self) -> Axes:
        return Axes("EProp", feedback=self.feedback)
