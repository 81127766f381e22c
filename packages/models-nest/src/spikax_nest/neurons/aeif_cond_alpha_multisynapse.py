"""NEST's `aeif_cond_alpha_multisynapse`."""

from __future__ import annotations

from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest.neurons._aeif_multisynapse import AeifMultisynapse


class AeifCondAlphaMultisynapse(AeifMultisynapse):
    """Adaptive exponential neuron with any number of conductances of alpha shape.

    `aeif_cond_exp` with receptors k = 1 to n: a spike of weight w at time 0 adds to g_k

        w e t / tau_syn exp(-t / tau_syn)

    whose peak is w, and -g_k (V - E_rev_k) flows (NEST's `aeif_cond_alpha_multisynapse`).

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    tau_syn: Array = param([2.0] * ms, above=0, free=True, doc="time constant of each")
    pads = {"E_rev": 0.0, "tau_syn": 2.0}

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("E_rev", "tau_syn")

    @property
    def tau_rise(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.tau_syn

    @property
    def tau_decay(self) -> Array:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.tau_syn
