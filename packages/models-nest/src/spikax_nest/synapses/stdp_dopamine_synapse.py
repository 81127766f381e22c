"""NEST's `stdp_dopamine_synapse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import param, static
from spikax.units import ms
from spikax_nest.synapses._synapse import NO_BOUND, Traced


class StdpDopamineSynapse(Traced):
    """Spike-timing-dependent plasticity that dopamine gates (NEST's `stdp_dopamine_synapse`).

        dw/dt = c (n - b), between Wmin and Wmax
        dc/dt = -c / tau_c;  a spike of the target:  c <- c + A_plus Kplus
                             a spike of the source:  c <- c - A_minus Kminus, Kplus <- Kplus + 1
        dn/dt = -n / tau_n;  a spike that reaches the volume transmitter:  n <- n + 1 / tau_n

    Exact between spikes. The weight, its bounds and A_plus, A_minus count in the unit of the
    weight; n and b are 1 / ms. NEST bounds the weight at spikes and once in deliver_interval, here
    it is bounded in every step: they differ where a weight at its bound turns back in between.
    What NEST shows of a synapse is as of the end of the last slice, here as of its start.

    Source: Izhikevich 2007, Cereb. Cortex 17; Potjans, Morrison & Diesmann 2010, Front. Comput.
    Neurosci. 4:141; behaviour as of NEST 3.10.
    """

    modulator: str = static(
        "volume_transmitter.spike", doc='what carries dopamine: "population.signal"'
    )
    transmitter: int | None = static(None, doc="which neuron of it; all of them if None")
    A_plus: Array = param(1.0, doc="factor of potentiation")
    A_minus: Array = param(1.5, doc="factor of depression")
    b: Array = param(0.0, doc="concentration of dopamine without effect")
    c: Array = param(0.0, doc="eligibility at the start")
    n: Array = param(0.0, doc="concentration of dopamine at the start")
    Wmin: Array = param(0.0, doc="lowest weight")
    Wmax: Array = param(200.0, doc="largest weight")
    tau_c: Array = param(1000 * ms, above=0, doc="time constant of the eligibility")
    tau_n: Array = param(200 * ms, above=0, doc="time constant of dopamine")
    tau_plus: Array = param(20 * ms, above=0, doc="time constant of Kplus")
    w_max: Any = NO_BOUND
    common = ("A_plus", "A_minus", "b", "Wmin", "Wmax", "tau_c", "tau_n", "tau_plus")
    mod_traces = {"jump": "tau_n"}
    variables = {"Kplus": "Kplus", "c": "c", "n": "n", "efficacy": "weight"}
    sends = "efficacy"
    shown = {"weight": "weight"}

    @property
    def modulators(self) -> tuple[str, ...]:
        return (self.modulator,)

    def modulation(self, mod: Mapping[str, Array]) -> Array:
        values = mod[self.modulator]
        spikes = jnp.sum(values) if self.transmitter is None else values[self.transmitter]
        return spikes / self.tau_n

    def decay(self, trace: str, dt: float) -> Array:
        # Each synapse has an n of its own: of dopamine it is told the spikes of this step alone.
        return jnp.zeros(()) if trace == "jump" else super().decay(trace, dt)

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"c": self.A_plus * self.now(at)}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {
            "c": -self.A_minus * at["Kminus"],
            "efficacy": at["weight"] - at["efficacy"],
            **self.rise(at),
        }

    def flow(self, at: Mapping[str, Array], dt: float) -> Mapping[str, Array]:
        c, n, rate = at["c"], at["n"] + at["jump"], 1.0 / self.tau_c + 1.0 / self.tau_n
        gained = -c * n / rate * jnp.expm1(-rate * dt)
        lost = -c * self.b * self.tau_c * jnp.expm1(-dt / self.tau_c)
        w = jnp.clip(at["weight"] + gained - lost, self.Wmin, self.Wmax)
        return {
            "weight": w - at["weight"],
            "c": c * jnp.expm1(-dt / self.tau_c),
            "n": n * jnp.exp(-dt / self.tau_n) - at["n"],
        }
