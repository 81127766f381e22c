"""Generalised leaky integrate-and-fire neurons of the Allen Institute: what follows a spike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax import State, cell, param
from spikax.errors import ConfigError
from spikax.integrate import exp_current_propagator, membrane_propagators
from spikax.units import Unit, ms, mV, pA, pF
from spikax_nest.neurons._neuron import NestNeuron, left_after
from spikax_nest.neurons._receptors import Receptors
from spikax_nest.neurons._stacked import apart, rows, stacked


def across(values: Array, like: Array) -> Array:
    """A value, one for all neurons alike or one for each, in a shape that meets (n, N)."""
    return jnp.broadcast_to(values, like.shape)[None]


class GlifState(State):
    """With the threshold and what spikes trigger."""

    ASCurrents: Mapping[str, Array] = cell(pA, init="ASCurrents", doc="after-spike currents")
    ASCurrents_sum: Array = cell(pA, doc="mean of their sum over the last step that was not held")
    threshold_spike: Array = cell(mV, init="threshold_spike", doc="part that spikes raise")
    threshold_voltage: Array = cell(mV, init="threshold_voltage", doc="part that follows V")


class Glif(Receptors, NestNeuron):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A leaky membrane with three mechanisms, of which `glif_psc` has the equations.

    In the refractory period V, the currents and the threshold are held: what they decay by in it
    is part of the reset.
    """

    V_th: Array = param(-51.68 * mV, doc="threshold at rest")
    E_L: Array = param(-78.85 * mV, doc="resting potential")
    C_m: Array = param(58.72 * pF, above=0, doc="membrane capacitance")
    t_ref: Array = param(3.75 * ms, above=0, doc="refractory period, rounded up to whole steps")
    V_reset: Array = param(-78.85 * mV, doc="potential after a spike, below V_th")
    V_m: Array = param(-78.85 * mV, doc="membrane potential at the start")
    spike_dependent_threshold: Array = param(0.0, doc="whether spikes raise the threshold")
    after_spike_currents: Array = param(0.0, doc="whether spikes trigger currents")
    adapting_threshold: Array = param(0.0, doc="whether the threshold follows V")
    th_spike_add: Array = param(0.37 * mV, doc="rise of threshold_spike by a spike")
    th_spike_decay: Array = param(0.009 / ms, above=0, doc="decay rate of threshold_spike")
    voltage_reset_fraction: Array = param(
        0.2, at_least=0, at_most=1, doc="part of V - E_L that a spike leaves"
    )
    voltage_reset_add: Array = param(18.51 * mV, doc="what V is reset to beyond that")
    th_voltage_index: Array = param(0.005 / ms, doc="how much the threshold follows V")
    th_voltage_decay: Array = param(0.09 / ms, above=0, doc="decay rate of threshold_voltage")
    asc_init: Array = param([0.0, 0.0] * pA, free=True, doc="changes nothing, as in NEST")
    asc_decay: Array = param(
        np.array([0.003, 0.1]) / ms, above=0, free=True, doc="decay rate of each"
    )
    asc_amps: Array = param(
        np.array([-9.18, -198.94]) * pA, free=True, doc="what a spike adds to each"
    )
    asc_r: Array = param(
        [1.0, 1.0], at_least=0, at_most=1, free=True, doc="part of each that a spike leaves"
    )
    ASCurrents: Array = param([0.0, 0.0] * pA, free=True, doc="after-spike currents at the start")
    threshold_spike: Array = param(0 * mV, doc="threshold_spike at the start")
    threshold_voltage: Array = param(0 * mV, doc="threshold_voltage at the start")
    types = dict.fromkeys(
        ("spike_dependent_threshold", "after_spike_currents", "adapting_threshold"), bool
    )
    stacks = {"ASCurrents": "asc_decay"}
    pads = {"asc_decay": 1.0}
    computed = {"has_connections": Receptors.computed["has_connections"]}
    recordables = (
        *("ASCurrents_sum", "I", "V_m", "threshold", "threshold_spike", "threshold_voltage"),
    )

    @property
    @abstractmethod
    def leak(self) -> Array:
        """The membrane conductance, which NEST names in two ways."""

    @classmethod
    def settled(
        cls, values: Mapping[str, Any], given: Collection[str], dt: float, now: float
    ) -> Mapping[str, Any]:
        owners = {
            "threshold_spike": "spike_dependent_threshold",
            "ASCurrents": "after_spike_currents",
            "threshold_voltage": "adapting_threshold",
        }
        for name, mechanism in owners.items():
            if name in given and not values[mechanism]:
                raise ConfigError(f"{name} can only be set where {mechanism} is on.")
        sizes = len(values["ASCurrents"]), len(values["asc_decay"])
        if values["after_spike_currents"] and sizes[0] != sizes[1]:
            raise ConfigError(
                f"There are {sizes[0]} ASCurrents and {sizes[1]} values of asc_decay, where NEST "
                "leaves some out or reads past the end: set ASCurrents, too, to one value for each."
            )
        return {}

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("asc_init", "asc_decay", "asc_amps", "asc_r")
        flags = [getattr(self, name) for name in self.types]
        if not all(isinstance(flag, np.ndarray) for flag in flags):
            return
        by_spikes, currents, by_voltage = (np.asarray(flag) != 0 for flag in flags)
        if np.any(by_voltage & ~(by_spikes & currents)):
            raise ConfigError(
                f"{type(self).__name__}.adapting_threshold is on; NEST wants "
                "spike_dependent_threshold and after_spike_currents with it: switch on all three."
            )

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, "I": pA, "threshold": mV}

    def read(self, state: Any, name: str) -> Array:
        if name == "threshold":
            return self.V_th + state.threshold_spike + state.threshold_voltage
        return state.I_0 if name == "I" else super().read(state, name)

    def spikes(self, excess: Array) -> Array:
        """1 where a potential is above its threshold: NEST asks for more than equality here."""
        return 1 - super().spikes(-excess)

    def triggered(self, s: Any, dt: float) -> tuple[Array, Array]:
        """The after-spike currents: the mean of their sum over a step, each at its end."""
        kept, mean = membrane_propagators(1 / rows(self.asc_decay), dt, dt)
        now, on = stacked(s.ASCurrents, s.V_m), across(self.after_spike_currents != 0, s.V_m)
        return jnp.where(on, mean * now, 0.0).sum(0), jnp.where(on, kept * now, now)

    def followed(self, s: Any, I: Array, dt: float) -> Array:
        """threshold_voltage after a step in which a current flowed."""
        tau, decay, a = self.C_m / self.leak, self.th_voltage_decay, self.th_voltage_index
        kept, risen = membrane_propagators(1 / decay, 1.0, dt)
        end, late = I / self.leak, exp_current_propagator(tau, 1 / decay, 1.0, dt)
        V = s.V_m - self.E_L
        return kept * s.threshold_voltage + a * (risen * end + late * (V - end))

    def after(
        self, s: Any, V: Array, currents: tuple[Array, Array], dt: float, **more: Any
    ) -> dict[str, Any]:
        """Threshold and reset after a step that brought the potential to V; `more` is held, too."""
        mean, asc = currents
        by_spikes, follows = self.spike_dependent_threshold != 0, self.adapting_threshold != 0
        th_s = jnp.where(by_spikes, jnp.exp(-self.th_spike_decay * dt), 1.0) * s.threshold_spike
        th_v = jnp.where(follows, self.followed(s, s.I_0 + mean, dt), s.threshold_voltage)
        spikes = self.crossed(V, s.r, self.V_th + th_s + th_v)
        new = {
            "V_m": (1 - spikes) * V + spikes * self.reset(s),
            "threshold_spike": th_s + spikes * jnp.where(by_spikes, self.raised(th_s) - th_s, 0.0),
            "threshold_voltage": th_v,
            "ASCurrents": apart(asc + spikes[None] * self.added(asc, V)),
            "ASCurrents_sum": mean,
        } | more
        held = {name: getattr(s, name) for name in new}
        new = jax.tree.map(partial(jnp.where, s.r == 0), new, held)
        return new | {"spike": spikes, "r": left_after(s.r, spikes, self.t_ref, dt)}

    def reset(self, s: Any) -> Array:
        """The potential after a spike, by that a step before it."""
        part = self.E_L + self.voltage_reset_fraction * (s.V_m - self.E_L) + self.voltage_reset_add
        return jnp.where(self.spike_dependent_threshold != 0, part, self.V_reset)

    def raised(self, th_s: Array) -> Array:
        """threshold_spike after a spike and the refractory period."""
        return self.th_spike_add + jnp.exp(-self.th_spike_decay * self.t_ref) * th_s

    def added(self, asc: Array, like: Array) -> Array:
        """How far a spike and the refractory period move the after-spike currents."""
        decay = jnp.exp(-rows(self.asc_decay) * across(self.t_ref, like))
        moved = rows(self.asc_amps) + (rows(self.asc_r) * decay - 1) * asc
        return jnp.where(across(self.after_spike_currents != 0, like), moved, 0.0)
