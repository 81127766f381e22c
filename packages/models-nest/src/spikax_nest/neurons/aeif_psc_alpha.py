"""NEST's `aeif_psc_alpha`."""

from __future__ import annotations

from jax import Array

from spikax import cell, param
from spikax.units import ms, pA
from spikax_nest.neurons._aeif_psc import AeifPsc, AeifPscState
from spikax_nest.neurons._conductance import AlphaShape


class AeifPscAlphaState(AeifPscState):
    """Variables of `aeif_psc_alpha`."""

    dI_syn_ex: Array = cell(pA / ms, init="dI_syn_ex", doc="what I_syn_ex rises by")
    dI_syn_in: Array = cell(pA / ms, init="dI_syn_in", doc="what I_syn_in rises by")


class AeifPscAlpha(  # pyright: ignore[reportIncompatibleVariableOverride]
    AlphaShape, AeifPsc
):
    """Adaptive exponential neuron with alpha-shaped currents (NEST's `aeif_psc_alpha`).

    `aeif_psc_exp`, but a spike of weight w at time 0 adds |w| e t / tau_syn exp(-t / tau_syn),
    whose peak is |w|.

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    dI_syn_ex: Array = param(0 * pA / ms, doc="what I_syn_ex rises by at the start")
    dI_syn_in: Array = param(0 * pA / ms, doc="what I_syn_in rises by at the start")
    synaptic = ("I_syn_ex", "dI_syn_ex", "I_syn_in", "dI_syn_in")
    State = AeifPscAlphaState
