"""NEST's `ht_neuron`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import Unit, ms, mV
from spikax_nest.neurons._ht_currents import CURRENTS, IntrinsicCurrents, IntrinsicState
from spikax_nest.neurons._ht_synapses import RECEPTORS, UNBLOCKED, HtSynapses, HtSynapsesState
from spikax_nest.neurons._neuron import whole_steps
from spikax_nest.neurons._runge_kutta import SubsteppedState, Y

GATES = (*UNBLOCKED, *IntrinsicState.cells)


class HtNeuronState(HtSynapsesState, IntrinsicState, SubsteppedState):
    """Variables of `ht_neuron`."""

    V_m: Array = cell(mV, init="V_m", doc="membrane potential")
    theta: Array = cell(mV, init="theta", doc="threshold")
    I_0: Array = cell(mV, doc="current that arrived in the last step")
    V_c: Array = cell(mV, doc="potential that a clamp held in the last step")
    V_i: Array = cell(mV, doc="potential that the intrinsic currents were last taken at")


class HtNeuron(HtSynapses, IntrinsicCurrents):
    """Hill and Tononi's neuron of thalamus and cortex (NEST's `ht_neuron`).

        tau_m dV/dt = -g_NaL (V - E_Na) - g_KL (V - E_K) + I_syn + I_h + I_NaP + I_T + I_KNa + I
        dtheta/dt = -(theta - theta_eq) / tau_theta
        V >= theta:  spike, V <- E_Na, theta <- E_Na; for t_ref then, without further spikes,
            -(V - E_K) / tau_spike is added to dV/dt
        I_syn = -sum_k g_k (V - E_rev_k), of g_NMDA what is not blocked:
            m = (0.51 - 0.0028 V) m_fast + (0.49 + 0.0028 V) m_slow,  dm_x/dt = (m_eq - m_x) / tau_x
            m_eq = 1 / (1 + exp(-S_act (V - V_act))), beyond which m_x falls to it at once
        g_k: a spike of weight w adds w g_peak_k times a difference of exponentials of peak 1
        I_h = -g m (V - E_rev),  I_T = -g m^N h (V - E_rev),  I_NaP = -g m_eq^N (V - E_rev)
        I_KNa = -g / (1 + (0.25 / D)^3.5) (V - E_rev),  dD/dt = (D_eq - D) / tau_D

    Threshold and reset come after every substep. Conductances have no unit, so currents are in mV.
    Gates start at rest at V_m; where PyNEST sets V_m they stay unless `equilibrate` is given, as in
    NEST, which takes the parameters of before that call for it. With voltage_clamp V is held where
    it is; NEST holds it at E_Na from then on if a run ends with the substep of a spike. With an N_T
    that is not whole, a trial substep in which m falls below 0 is no number. It is tried again at a
    fifth of its length; NEST's wheel goes by the errors of some of the variables, and may accept it
    (seen with steps of 1 ms).

    Source: Hill & Tononi 2005, J. Neurophysiol. 93; behaviour as of NEST 3.10.
    """

    E_Na: Array = param(30 * mV, doc="reversal potential of sodium")
    E_K: Array = param(-90 * mV, doc="reversal potential of potassium")
    g_NaL: Array = param(0.2, at_least=0, doc="leak conductance of sodium")
    g_KL: Array = param(1.0, at_least=0, doc="leak conductance of potassium")
    tau_m: Array = param(16 * ms, above=0, doc="membrane time constant")
    theta_eq: Array = param(-51 * mV, doc="threshold at rest")
    tau_theta: Array = param(2 * ms, above=0, doc="time constant of the threshold")
    tau_spike: Array = param(1.75 * ms, above=0, doc="time constant of the repolarisation")
    t_ref: Array = param(2 * ms, at_least=0, doc="how long that is, rounded up to whole steps")
    voltage_clamp: Array = param(0.0, doc="whether V is held")
    theta: Array = param(-51 * mV, doc="threshold at the start")
    equilibrate: Array = param(0.0, doc="set it and the gates are at rest at V_m")
    width: Array = param(10 * mV, above=0, doc="scale of the surrogate gradient")
    types = dict.fromkeys(("instant_unblock_NMDA", "voltage_clamp", "equilibrate"), bool)
    unshown = ("equilibrate", *GATES)
    receptors_shown = {k + 1: k for k in range(len(RECEPTORS))}
    ports = {"syn": HtSynapses.syn, "current": Port(mV)}
    recordables = (*CURRENTS, "V_m", *(f"g_{name}" for name in RECEPTORS), "theta")
    variables = ("V_m", "theta", *HtSynapsesState.cells, *IntrinsicState.cells)
    State = HtNeuronState

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        if not values["equilibrate"]:
            return {}
        declared: Any = cls.declared
        return {n: declared[n].default(values) for n in GATES} | {"equilibrate": False}

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, **dict.fromkeys(CURRENTS, mV)}

    def read(self, state: Any, name: str) -> Array:
        if name in CURRENTS:
            return self.currents(vars(state), state.V_i)[name]
        if name == "g_NMDA":
            return state.g_NMDA * self.unblocked(vars(state), state.V_m)
        return super().read(state, name)

    def clamped(self, V: Array, V_c: Array) -> Array:
        """The potential, that of the clamp where there is one."""
        return jnp.where(self.voltage_clamp != 0, V_c, V)

    def rates(self, y: Y, args: Mapping[str, Array]) -> Y:
        V = self.clamped(y["V_m"], args["V_c"])
        z = self.blocked(y, V)
        leak = -self.g_NaL * (V - self.E_Na) - self.g_KL * (V - self.E_K)
        flow = leak + self.synaptic_current(z, V) + sum(self.currents(y, V).values()) + args["I"]
        falling = jnp.where(args["r"] > 0, -(V - self.E_K) / self.tau_spike, 0.0)
        return {
            "V_m": flow / self.tau_m + falling,
            "theta": -(y["theta"] - self.theta_eq) / self.tau_theta,
            **self.synaptic_rates(z, V),
            **self.channel_rates(y, V),
        }

    def event(self, y: Y, args: Y) -> tuple[Y, Y]:
        """Clamp, block and threshold after a substep."""
        V = self.clamped(y["V_m"], args["V_c"])
        spikes = self.crossed(V, args["r"], y["theta"])
        # One more than the period: the step of the spike itself is counted down, too.
        r = jnp.where(spikes >= 0.5, args["period"] + 1, args["r"])
        peak = {
            n: (1 - spikes) * v + spikes * self.E_Na for n, v in (("V_m", V), ("theta", y["theta"]))
        }
        args = args | {"r": r, "spike": args["spike"] + spikes, "V_i": V}
        return self.blocked(y, V) | peak, args

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> HtNeuronState:
        s, start = state, {n: getattr(state, n) for n in self.variables}
        V_c = jnp.where(s.spike >= 0.5, s.V_c, s.V_m)
        period = jnp.broadcast_to(whole_steps(self.t_ref, dt), s.r.shape)
        args = {"r": s.r, "I": s.I_0, "V_c": V_c, "V_i": V_c, "period": period}
        args |= {"spike": jnp.zeros_like(V_c)}
        y, args, solver = self.integrate(s, start, args, dt)
        after = self.arrive(y, inputs["syn"]) | {n: args[n] for n in ("V_i", "spike")}
        after |= {"r": jnp.maximum(args["r"] - 1, 0), "V_c": self.clamped(y["V_m"], V_c)}
        return s.replace(**after, **solver, I_0=inputs["current"])
