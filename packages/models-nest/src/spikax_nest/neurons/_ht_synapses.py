"""The synapses of Hill and Tononi's neuron: four receptors, of which magnesium blocks one."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import Port, State, cell, param
from spikax.errors import ConfigError
from spikax.units import ms, mV
from spikax_nest.neurons._conductance import beta_rise
from spikax_nest.neurons._ht_currents import Values, sigmoid
from spikax_nest.neurons._runge_kutta import RungeKutta, Y

RECEPTORS = ("AMPA", "NMDA", "GABA_A", "GABA_B")
UNBLOCKED = ("m_fast_NMDA", "m_slow_NMDA")


def m_NMDA(p: Values, V: Any) -> Any:
    """The share of NMDA receptors that is not blocked at rest at V."""
    return sigmoid(p["S_act_NMDA"] * (V - p["V_act_NMDA"]))


class HtSynapsesState(State):
    """Conductances, and what they rise by."""

    g_AMPA: Array = cell(doc="conductance of AMPA")
    dg_AMPA: Array = cell(1 / ms, doc="what it rises by")
    g_NMDA: Array = cell(doc="conductance of NMDA; as a signal, of what is not blocked")
    dg_NMDA: Array = cell(1 / ms, doc="what it rises by")
    g_GABA_A: Array = cell(doc="conductance of GABA_A")
    dg_GABA_A: Array = cell(1 / ms, doc="what it rises by")
    g_GABA_B: Array = cell(doc="conductance of GABA_B")
    dg_GABA_B: Array = cell(1 / ms, doc="what it rises by")
    m_fast_NMDA: Array = cell(init="m_fast_NMDA", doc="share of NMDA that unblocks fast")
    m_slow_NMDA: Array = cell(init="m_slow_NMDA", doc="share of NMDA that unblocks slowly")


class HtSynapses(RungeKutta):
    """Conductances of beta shape, without unit."""

    g_peak_AMPA: Array = param(0.1, at_least=0, doc="peak of g_AMPA by a weight of 1")
    tau_rise_AMPA: Array = param(0.5 * ms, above=0, doc="its rise time")
    tau_decay_AMPA: Array = param(2.4 * ms, above=0, doc="its decay time")
    E_rev_AMPA: Array = param(0 * mV, doc="its reversal potential")
    g_peak_NMDA: Array = param(0.075, at_least=0, doc="peak of g_NMDA, were none blocked")
    tau_rise_NMDA: Array = param(4 * ms, above=0, doc="its rise time")
    tau_decay_NMDA: Array = param(40 * ms, above=0, doc="its decay time")
    E_rev_NMDA: Array = param(0 * mV, doc="its reversal potential")
    V_act_NMDA: Array = param(-25.57 * mV, doc="potential at which half of it is blocked")
    S_act_NMDA: Array = param(0.081 / mV, at_least=0, doc="slope of the block")
    tau_Mg_fast_NMDA: Array = param(0.68 * ms, above=0, doc="time to unblock fast")
    tau_Mg_slow_NMDA: Array = param(22.7 * ms, above=0, doc="time to unblock slowly")
    instant_unblock_NMDA: Array = param(0.0, doc="whether it unblocks at once")
    g_peak_GABA_A: Array = param(0.33, at_least=0, doc="peak of g_GABA_A by a weight of 1")
    tau_rise_GABA_A: Array = param(1 * ms, above=0, doc="its rise time")
    tau_decay_GABA_A: Array = param(7 * ms, above=0, doc="its decay time")
    E_rev_GABA_A: Array = param(-70 * mV, doc="its reversal potential")
    g_peak_GABA_B: Array = param(0.0132, at_least=0, doc="peak of g_GABA_B by a weight of 1")
    tau_rise_GABA_B: Array = param(60 * ms, above=0, doc="its rise time")
    tau_decay_GABA_B: Array = param(200 * ms, above=0, doc="its decay time")
    E_rev_GABA_B: Array = param(-90 * mV, doc="its reversal potential")
    m_fast_NMDA: Array = param(lambda p: m_NMDA(p, p["V_m"]), doc="m_fast at the start")
    m_slow_NMDA: Array = param(lambda p: m_NMDA(p, p["V_m"]), doc="m_slow at the start")
    syn = Port(channels=RECEPTORS)

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {number: f"syn.{name}" for name, number in self.receptor_types.items()}

    @property
    def receptor_types(self) -> Mapping[str, int]:
        return {name: k + 1 for k, name in enumerate(RECEPTORS)}

    def validate(self) -> None:
        for name in RECEPTORS:
            self.refuse_slower(f"tau_rise_{name}", f"tau_decay_{name}")
        self.refuse_slower("tau_Mg_fast_NMDA", "tau_Mg_slow_NMDA")

    def refuse_slower(self, fast: str, slow: str) -> None:
        """Raise if a time constant is not below another."""
        values = getattr(self, fast), getattr(self, slow)
        known = all(isinstance(v, np.ndarray) for v in values)
        if known and np.any(values[0] >= values[1]):
            raise ConfigError(f"{type(self).__name__}.{fast} must be below {slow}.")

    def unblocked(self, y: Values, V: Array) -> Array:
        """The share of NMDA receptors that is not blocked."""
        rest, fast = m_NMDA(vars(self), V), 0.51 - 0.0028 * V  # V / mV: a number
        gradual = fast * y["m_fast_NMDA"] + (1 - fast) * y["m_slow_NMDA"]
        return jnp.where(self.instant_unblock_NMDA != 0, rest, gradual)

    def blocked(self, y: Y, V: Array) -> Y:
        """Receptors after magnesium, which blocks at once."""
        return y | {n: jnp.minimum(m_NMDA(vars(self), V), y[n]) for n in UNBLOCKED}

    def synaptic_current(self, y: Y, V: Array) -> Array:
        """What flows in at a potential (mV)."""
        g = {name: y[f"g_{name}"] for name in RECEPTORS}
        g["NMDA"] = g["NMDA"] * self.unblocked(y, V)
        flows = [g[name] * (getattr(self, f"E_rev_{name}") - V) for name in RECEPTORS]
        return functools.reduce(jnp.add, flows)

    def synaptic_rates(self, y: Y, V: Array) -> Y:
        """Rates of the conductances and of the block."""
        rates: Y = {}
        for name in RECEPTORS:
            g, dg, rise = f"g_{name}", f"dg_{name}", getattr(self, f"tau_rise_{name}")
            rates[g] = y[dg] - y[g] / getattr(self, f"tau_decay_{name}")
            rates[dg] = -y[dg] / rise
        rest = m_NMDA(vars(self), V)
        rates["m_fast_NMDA"] = (rest - y["m_fast_NMDA"]) / self.tau_Mg_fast_NMDA
        rates["m_slow_NMDA"] = (rest - y["m_slow_NMDA"]) / self.tau_Mg_slow_NMDA
        return rates

    def arrive(self, y: Y, weights: Array) -> Y:
        """The conductances after spikes."""
        after = dict(y)
        for name, w in zip(RECEPTORS, weights, strict=True):
            times = getattr(self, f"tau_rise_{name}"), getattr(self, f"tau_decay_{name}")
            jump = getattr(self, f"g_peak_{name}") * beta_rise(*times)
            after[f"dg_{name}"] = y[f"dg_{name}"] + jump * w
        return after
