"""The intrinsic currents of Hill and Tononi's neuron, and what opens their channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from spikax import State, cell, param
from spikax.units import ms, mV
from spikax_nest.neurons._runge_kutta import RungeKutta, Y

CURRENTS = ("I_h", "I_NaP", "I_T", "I_KNa")
Values = Mapping[str, Any]


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + (jnp if isinstance(x, Array) else np).exp(-x))


def power(x: Array, n: Array) -> Array:
    """Raise x to n; the derivative by n is 0 where x is not above 0."""
    fixed = lax.stop_gradient(n)
    y = x**fixed
    return y + (n - fixed) * y * jnp.log(jnp.where(x > 0, x, 1.0))


def m_h(V: Any) -> Any:
    """Activation of I_h at rest at V."""
    return sigmoid(-(V + 75) / 5.5)


def m_T(V: Any) -> Any:
    """Activation of I_T at rest at V."""
    return sigmoid((V + 59) / 6.2)


def h_T(V: Any) -> Any:
    """Inactivation of I_T at rest at V."""
    return sigmoid(-(V + 83) / 4)


def D_KNa(V: Any, tau: Any) -> Any:
    """Sodium at rest at V."""
    return 0.025 * tau * sigmoid((V + 10) / 5) + 0.001


class IntrinsicState(State):
    """What opens the channels."""

    m_Ih: Array = cell(init="m_Ih", doc="activation of I_h")
    D_IKNa: Array = cell(init="D_IKNa", doc="sodium that opens I_KNa")
    m_IT: Array = cell(init="m_IT", doc="activation of I_T")
    h_IT: Array = cell(init="h_IT", doc="inactivation of I_T")


class IntrinsicCurrents(RungeKutta):
    """Four currents, in mV as conductances have no unit."""

    V_m: Array = param(-70 * mV, doc="membrane potential at the start")
    g_peak_NaP: Array = param(1.0, at_least=0, doc="conductance of persistent sodium")
    E_rev_NaP: Array = param(30 * mV, doc="its reversal potential")
    N_NaP: Array = param(3.0, doc="its number of gates")
    g_peak_KNa: Array = param(1.0, at_least=0, doc="conductance of potassium that sodium opens")
    E_rev_KNa: Array = param(-90 * mV, doc="its reversal potential")
    tau_D_KNa: Array = param(1250 * ms, above=0, doc="time constant of that sodium")
    g_peak_T: Array = param(1.0, at_least=0, doc="conductance of low-threshold calcium")
    E_rev_T: Array = param(0 * mV, doc="its reversal potential")
    N_T: Array = param(2.0, doc="its number of gates")
    g_peak_h: Array = param(1.0, at_least=0, doc="conductance of the pacemaker")
    E_rev_h: Array = param(-40 * mV, doc="its reversal potential")
    m_Ih: Array = param(lambda p: m_h(p["V_m"]), doc="activation of I_h at the start")
    D_IKNa: Array = param(lambda p: D_KNa(p["V_m"], p["tau_D_KNa"]), doc="sodium at the start")
    m_IT: Array = param(lambda p: m_T(p["V_m"]), doc="activation of I_T at the start")
    h_IT: Array = param(lambda p: h_T(p["V_m"]), doc="inactivation of I_T at the start")

    def currents(self, y: Values, V: Array) -> dict[str, Array]:
        """What flows in at a potential (mV)."""
        NaP = self.g_peak_NaP * sigmoid((V + 55.7) / 7.7) ** self.N_NaP
        KNa = self.g_peak_KNa / (1 + (0.25 / y["D_IKNa"]) ** 3.5)
        T = self.g_peak_T * power(y["m_IT"], self.N_T) * y["h_IT"]
        return {
            "I_h": -self.g_peak_h * y["m_Ih"] * (V - self.E_rev_h),
            "I_NaP": -NaP * (V - self.E_rev_NaP),
            "I_T": -T * (V - self.E_rev_T),
            "I_KNa": -KNa * (V - self.E_rev_KNa),
        }

    def channel_rates(self, y: Y, V: Array) -> Y:
        """Rates of what opens the channels."""
        rate_h = jnp.exp(-14.59 - 0.086 * V) + jnp.exp(-1.87 + 0.0701 * V)
        tau_m = 0.13 + 0.22 / (jnp.exp(-(V + 132) / 16.7) + jnp.exp((V + 16.8) / 18.2))
        tau_h = 8.2 + (56.6 + 0.27 * jnp.exp((V + 115.2) / 5)) * sigmoid(-(V + 86) / 3.2)
        return {
            "m_Ih": (m_h(V) - y["m_Ih"]) * rate_h,
            "D_IKNa": (D_KNa(V, self.tau_D_KNa) - y["D_IKNa"]) / self.tau_D_KNa,
            "m_IT": (m_T(V) - y["m_IT"]) / tau_m,
            "h_IT": (h_T(V) - y["h_IT"]) / tau_h,
        }
