"""NEST's `aeif_cond_beta_multisynapse`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.neurons._aeif_multisynapse import AeifMultisynapse


class AeifCondBetaMultisynapse(AeifMultisynapse):
    """Adaptive exponential neuron with any number of conductances of beta shape.

    `aeif_cond_exp` with receptors k = 1 to n: a spike of weight w at time 0 adds to g_k

        w (exp(-t / tau_decay) - exp(-t / tau_rise)) / (its largest value)

    and -g_k (V - E_rev_k) flows (NEST's `aeif_cond_beta_multisynapse`).

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    tau_rise: Array = param([2.0] * ms, above=0, free=True, doc="rise time of each")
    tau_decay: Array = param([20.0] * ms, above=0, free=True, doc="decay time of each")
    pads = {"E_rev": 0.0, "tau_rise": 2.0, "tau_decay": 20.0}

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("E_rev", "tau_rise", "tau_decay")
