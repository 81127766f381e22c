"""NEST's `aeif_cond_alpha`."""

from __future__ import annotations

from spikax_nest.neurons._aeif import Aeif, AeifState
from spikax_nest.neurons._conductance import AlphaConductances, RisingState


class AeifCondAlphaState(AeifState, RisingState):
    """Variables of `aeif_cond_alpha`."""


class AeifCondAlpha(AlphaConductances, Aeif):
    """Adaptive exponential neuron with alpha-shaped conductances (NEST's `aeif_cond_alpha`).

    `aeif_cond_exp` with the conductances of `iaf_cond_alpha`.

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    recordables = ("V_m", "g_ex", "g_in", "w")
    State = AeifCondAlphaState
