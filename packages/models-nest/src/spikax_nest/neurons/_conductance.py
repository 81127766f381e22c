"""Synaptic conductances: exponential, alpha and beta functions of time."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Port, by_sign, cell, param
from spikax.units import ms, mV, nS
from spikax_nest.neurons._runge_kutta import RungeKuttaState, Y


class ExpState(RungeKuttaState):
    """With the two conductances."""

    g_ex: Array = cell(nS, init="g_ex", doc="excitatory conductance")
    g_in: Array = cell(nS, init="g_in", doc="inhibitory conductance")


class RisingState(ExpState):
    """With what the conductances rise by."""

    dg_ex: Array = cell(nS / ms, init="dg_ex", doc="what g_ex rises by")
    dg_in: Array = cell(nS / ms, init="dg_in", doc="what g_in rises by")


class ExpShape:
    """Two synaptic variables that jump by the weight and decay exponentially."""

    synaptic: tuple[str, ...]
    tau_syn_ex: Array
    tau_syn_in: Array

    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the synaptic variables."""
        ex, into = self.synaptic[:2]
        return {ex: -y[ex] / self.tau_syn_ex, into: -y[into] / self.tau_syn_in}

    def arrive(self, y: Y, inputs: Any) -> Y:
        """The synaptic variables after spikes."""
        (ex, into), (w_ex, w_in) = self.synaptic[:2], inputs["syn"]
        return y | {ex: y[ex] + w_ex, into: y[into] - w_in}


class AlphaShape:
    """Two synaptic variables that rise to the weight and fall: w e t / tau exp(-t / tau)."""

    synaptic: tuple[str, ...]
    tau_syn_ex: Array
    tau_syn_in: Array

    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the synaptic variables."""
        ex, dex, into, dinto = self.synaptic
        return {
            ex: y[dex] - y[ex] / self.tau_syn_ex,
            dex: -y[dex] / self.tau_syn_ex,
            into: y[dinto] - y[into] / self.tau_syn_in,
            dinto: -y[dinto] / self.tau_syn_in,
        }

    def arrive(self, y: Y, inputs: Any) -> Y:
        """The synaptic variables after spikes."""
        (_, dex, _, dinto), (w_ex, w_in) = self.synaptic, inputs["syn"]
        rise, fall = math.e * w_ex / self.tau_syn_ex, math.e * w_in / self.tau_syn_in
        return y | {dex: y[dex] + rise, dinto: y[dinto] - fall}


class Conductances:
    """Two synaptic conductances: positive weights go into g_ex, negative ones into g_in."""

    E_ex: Array = param(0 * mV, doc="reversal potential of g_ex")
    E_in: Array = param(-85 * mV, doc="reversal potential of g_in")
    g_ex: Array = param(0 * nS, at_least=0, doc="excitatory conductance at the start")
    g_in: Array = param(0 * nS, at_least=0, doc="inhibitory conductance at the start")
    synaptic: tuple[str, ...] = ("g_ex", "g_in")

    @property
    def syn(self) -> Port:
        """The port of spikes."""
        return Port(nS, channels=("ex", "in"), route=by_sign)

    def synaptic_current(self, y: Y, V: Array) -> Array:
        """What flows in at a potential (pA)."""
        return -y["g_ex"] * (V - self.E_ex) - y["g_in"] * (V - self.E_in)


class Decaying(Conductances):
    """Each has one time constant."""

    tau_syn_ex: Array = param(0.2 * ms, above=0, doc="time constant of g_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="time constant of g_in")


class Rising(Conductances):
    """Each has a variable that it rises by."""

    dg_ex: Array = param(0 * nS / ms, doc="what g_ex rises by at the start")
    dg_in: Array = param(0 * nS / ms, doc="what g_in rises by at the start")
    synaptic = ("g_ex", "dg_ex", "g_in", "dg_in")


class ExpConductances(  # pyright: ignore[reportIncompatibleVariableOverride]
    ExpShape, Decaying
):
    """Conductances that jump by the weight and decay exponentially."""

    synaptic = ("g_ex", "g_in")


class AlphaConductances(  # pyright: ignore[reportIncompatibleVariableOverride]
    AlphaShape, Rising, Decaying
):
    """Conductances that rise to the weight and fall: w e t / tau exp(-t / tau)."""

    synaptic = ("g_ex", "dg_ex", "g_in", "dg_in")


class BetaConductances(Rising):
    """Conductances that rise and fall with time constants of their own, to a peak of the weight."""

    tau_rise_ex: Array = param(0.2 * ms, above=0, doc="rise time of g_ex")
    tau_decay_ex: Array = param(0.2 * ms, above=0, doc="decay time of g_ex")
    tau_rise_in: Array = param(2 * ms, above=0, doc="rise time of g_in")
    tau_decay_in: Array = param(2 * ms, above=0, doc="decay time of g_in")

    def synaptic_rates(self, y: Y) -> Y:
        """Rates of the conductances."""
        return {
            "g_ex": y["dg_ex"] - y["g_ex"] / self.tau_rise_ex,
            "dg_ex": -y["dg_ex"] / self.tau_decay_ex,
            "g_in": y["dg_in"] - y["g_in"] / self.tau_rise_in,
            "dg_in": -y["dg_in"] / self.tau_decay_in,
        }

    def arrive(self, y: Y, inputs: Any) -> Y:
        """The conductances after spikes."""
        w_ex, w_in = inputs["syn"]
        ex = beta_rise(self.tau_rise_ex, self.tau_decay_ex) * w_ex
        into = beta_rise(self.tau_rise_in, self.tau_decay_in) * w_in
        return y | {"dg_ex": y["dg_ex"] + ex, "dg_in": y["dg_in"] - into}


def beta_rise(tau_rise: Array, tau_decay: Array) -> Array:
    """What dg jumps by for a peak of 1, where g' = dg - g / tau_rise, dg' = -dg / tau_decay.

    The peak is at t = tau_rise tau_decay / (tau_decay - tau_rise) log(tau_decay / tau_rise).
    """
    gap = tau_decay - tau_rise
    same = jnp.abs(gap) < 1e-9 * tau_decay
    apart = jnp.where(same, tau_decay, gap)
    rise = jnp.where(same, tau_decay / 2, tau_rise)
    at = rise * tau_decay / jnp.where(same, tau_decay / 2, apart) * jnp.log(tau_decay / rise)
    peak = jnp.exp(-at / tau_decay) - jnp.exp(-at / rise)
    return jnp.where(same, math.e / tau_decay, (1 / rise - 1 / tau_decay) / peak)
