"""pp-prop: a trace before the synapse times a trace behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spikax_learning._online import Axes
from spikax_learning._rule import OnlineRule
from spikax_learning._traces import Factored, in_ms


@dataclass(frozen=True)
class PPProp(OnlineRule):
    """The trace of D-RTRL as a product of one for sources and one for targets (Wang et al. 2024).

        x_i <- a x_i + x_i(t),   f_j <- a J_j f_j + (1 - a) Ju_j,   e_ji = (dz_j/dh_j f_j) x_i

    Memory grows with neurons, not with synapses, but for the filter of a leaky readout. Near a =
    the membrane's decay it lies close to D-RTRL (cosine 0.99). Parameters of models are few and get
    the exact trace.

    Attributes:
        tau: Time constant of a = exp(-dt / tau); None for the membrane's tau_m.
        filtered: Whether traces follow the memory of readouts: one number for each synapse.
        chunk: Steps of a window; see `DRTRL`.
    """

    tau: Any = None
    filtered: bool = True

    @property
    def axes(self) -> Axes:
        return Axes("PPProp", trace=Factored(in_ms(self.tau)), filtered=self.filtered)
