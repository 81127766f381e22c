"""NEST's `iaf_cond_alpha`."""

from __future__ import annotations

from typing import Any

from jax import Array

from spikax import cell
from spikax.units import ms
from spikax_nest.neurons._conductance import AlphaConductances, AlphaState
from spikax_nest.neurons._iaf_cond import IafCond


class IafCondAlphaState(AlphaState):
    """Variables of `iaf_cond_alpha`."""

    t_ref_remaining: Array = cell(ms, doc="what is left of the refractory period")


class IafCondAlpha(AlphaConductances, IafCond):
    """Leaky integrate-and-fire neuron with alpha-shaped conductances (NEST's `iaf_cond_alpha`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e + I
        g: a spike of weight w at time 0 adds |w| e t / tau_syn exp(-t / tau_syn), whose peak is |w|
        V >= V_th:  spike, V <- V_reset, held for t_ref

    Source: Meffin et al. 2004, J. Comput. Neurosci. 16; behaviour as of NEST 3.10.
    """

    recordables = ("V_m", "g_ex", "g_in", "t_ref_remaining")
    State = IafCondAlphaState

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        after = super().update(state, inputs, t=t, dt=dt)
        return after.replace(t_ref_remaining=after.r.astype(after.V_m.dtype) * dt)
