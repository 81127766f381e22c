"""NEST's `iaf_psc_exp_htum`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Port, by_sign, cell, clock, param
from spikax.errors import ConfigError
from spikax.units import ms, mV, pA
from spikax_nest.neurons._linear import LinearMembrane, LinearState
from spikax_nest.neurons._neuron import left_after, width_between


class IafPscExpHtumState(LinearState):
    """Variables of `iaf_psc_exp_htum`."""

    I_syn_ex: Array = cell(pA, doc="synaptic current of positive weights")
    I_syn_in: Array = cell(pA, doc="synaptic current of negative weights")
    r_tot: Array = clock("steps left in which there is no spike")


class IafPscExpHtum(LinearMembrane):
    """`iaf_psc_exp` with a relative refractory period (NEST's `iaf_psc_exp_htum`).

        C_m dV/dt = -C_m (V - E_L) / tau_m + I_syn_ex + I_syn_in + I_e + I
        dI_syn/dt = -I_syn / tau_syn;  a spike of weight w adds w, to I_syn_in where w < 0
        V >= V_th, t_ref_tot or more after the last spike:  spike, V <- V_reset, held for t_ref_abs

    From t_ref_abs on V moves again, from t_ref_tot on there are spikes again. As in NEST, the V_m
    that is recorded is V - E_L.

    Source: Tsodyks, Uziel & Markram 2000, J. Neurosci. 20; Hill & Tononi 2005; behaviour as of NEST
    3.10.
    """

    V_th: Array = param(-55 * mV, doc="spike threshold")
    V_reset: Array = param(-70 * mV, doc="potential after a spike, below the threshold")
    tau_syn_ex: Array = param(2 * ms, above=0, doc="decay time of I_syn_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="decay time of I_syn_in")
    t_ref_abs: Array = param(2 * ms, above=0, doc="absolute refractory period, in whole steps")
    t_ref_tot: Array = param(2 * ms, above=0, doc="whole refractory period, in whole steps")
    width: Array = width_between("V_th", "V_reset")
    ports = {"syn": Port(pA, channels=("ex", "in"), route=by_sign), "current": Port(pA)}
    recordables = ("I_syn_ex", "I_syn_in", "V_m")
    State = IafPscExpHtumState

    def validate(self) -> None:
        V_reset, V_th, absolute, whole = self.V_reset, self.V_th, self.t_ref_abs, self.t_ref_tot
        if not all(isinstance(v, np.ndarray) for v in (V_reset, V_th, absolute, whole)):
            return
        if np.any(V_reset >= V_th):
            raise ConfigError("IafPscExpHtum.V_reset must be below V_th.")
        if np.any(absolute > whole):
            raise ConfigError(
                f"IafPscExpHtum.t_ref_abs is {np.max(absolute):g} ms and t_ref_tot is "
                f"{np.min(whole):g} ms; the absolute period must not be longer than the whole one."
            )

    def read(self, state: Any, name: str) -> Array:
        return state.V_m - self.E_L if name == "V_m" else super().read(state, name)

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafPscExpHtumState:
        s, (w_ex, w_in) = state, inputs["syn"]
        I_ex, by_ex = self.exp_current(s.I_syn_ex, w_ex, self.tau_syn_ex, dt)
        I_in, by_in = self.exp_current(s.I_syn_in, w_in, self.tau_syn_in, dt)
        V = jnp.where(s.r == 0, self.moved(s, by_ex + by_in, dt), s.V_m)
        spikes = self.crossed(V, s.r_tot, self.V_th)
        return IafPscExpHtumState(
            V_m=(1 - spikes) * V + spikes * self.V_reset,
            I_syn_ex=I_ex,
            I_syn_in=I_in,
            I_0=inputs["current"],
            spike=spikes,
            r=left_after(s.r, spikes, self.t_ref_abs, dt),
            r_tot=left_after(s.r_tot, spikes, self.t_ref_tot, dt),
        )
