"""NEST's `aeif_cond_beta_multisynapse`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from spikax import Port, cell, param
from spikax.units import Unit, ms, mV, nS, pA
from spikax_nest.neurons._aeif import Aeif, AeifState
from spikax_nest.neurons._conductance import beta_rise
from spikax_nest.neurons._runge_kutta import Y
from spikax_nest.neurons._stacked import Stacked, apart, of_defaults, rows, stacked


class AeifCondBetaMultisynapseState(AeifState):
    """Variables of `aeif_cond_beta_multisynapse`."""

    g: Mapping[str, Array] = cell(nS, init="g", doc="conductance of each receptor")
    dg: Mapping[str, Array] = cell(nS / ms, init="dg", doc="what it rises by")


class AeifCondBetaMultisynapse(Stacked, Aeif):
    """Adaptive exponential neuron with any number of conductances of beta shape.

    `aeif_cond_exp` with receptors k = 1 to n: a spike of weight w at time 0 adds to g_k

        w (exp(-t / tau_decay) - exp(-t / tau_rise)) / (its largest value)

    and -g_k (V - E_rev_k) flows (NEST's `aeif_cond_beta_multisynapse`).

    Source: Brette & Gerstner 2005, J. Neurophysiol. 94; behaviour as of NEST 3.10.
    """

    E_rev: Array = param([0.0] * mV, free=True, doc="reversal potential of each receptor")
    tau_rise: Array = param([2.0] * ms, above=0, free=True, doc="rise time of each")
    tau_decay: Array = param([20.0] * ms, above=0, free=True, doc="decay time of each")
    g: Array = param([0.0] * nS, free=True, doc="conductance of each at the start")
    dg: Array = param([0.0] * (nS / ms), free=True, doc="what it rises by at the start")
    stacks = {"g": "E_rev", "dg": "E_rev"}
    pads = {"E_rev": 0.0, "tau_rise": 2.0, "tau_decay": 20.0}
    computed = {
        "n_receptors": lambda values: len(values["E_rev"]),
        "has_connections": lambda _: False,
    }
    synaptic = ("g", "dg")
    State = AeifCondBetaMultisynapseState

    def validate(self) -> None:
        super().validate()
        self.refuse_unequal("E_rev", "tau_rise", "tau_decay")

    @property
    def receptors(self) -> range:
        """NEST's numbers of the receptors."""
        return range(1, self.length("E_rev") + 1)

    @property
    def syn(self) -> Port:
        return Port(nS, channels=tuple(map(str, self.receptors)))

    @property
    def ports(self) -> Mapping[str, Port]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {**({"syn": self.syn} if self.receptors else {}), "current": Port(pA)}

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {k: f"syn.{k}" for k in self.receptors}

    @of_defaults
    def recordables(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("V_m", *(f"g_{k}" for k in self.receptors), "w")

    @property
    def signals(self) -> Mapping[str, Unit]:
        return {**super().signals, **{f"g_{k}": nS for k in self.receptors}}

    def read(self, state: Any, name: str) -> Array:
        return state.g[name[2:]] if name.startswith("g_") else super().read(state, name)

    def initial(self, spec: Any, size: int, name: str) -> Any:
        if name not in self.stacks:
            return super().initial(spec, size, name)
        given = rows(jnp.asarray(getattr(self, name)))
        wide = jnp.zeros((len(self.receptors), size)).at[: len(given)].add(given)
        return apart(wide)

    def synaptic_rates(self, y: Y) -> Y:
        V, ends = y["V_m"], (rows(self.tau_rise), rows(self.tau_decay))
        dg, g = stacked(y["dg"], V), stacked(y["g"], V)
        return {"dg": apart(-dg / ends[0]), "g": apart(dg - g / ends[1])}

    def synaptic_current(self, y: Y, V: Array) -> Array:
        return -jnp.sum(stacked(y["g"], V) * (V[None] - rows(self.E_rev)), axis=0)

    def arrive(self, y: Y, inputs: Any) -> Y:
        if not self.receptors:
            return y
        jump = rows(jax.vmap(partial(beta_rise))(self.tau_rise, self.tau_decay))
        return y | {"dg": apart(stacked(y["dg"], y["V_m"]) + inputs["syn"] * jump)}
