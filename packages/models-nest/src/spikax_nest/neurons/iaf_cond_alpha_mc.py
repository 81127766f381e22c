"""NEST's `iaf_cond_alpha_mc`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import Component, Port, cell, param, part
from spikax.units import Unit, ms, mV, nS, pA, pF
from spikax_nest.neurons._conductance import AlphaShape
from spikax_nest.neurons._neuron import NestNeuron
from spikax_nest.neurons._runge_kutta import RungeKutta, SubsteppedState, Y

COMPARTMENTS = ("soma", "proximal", "distal")
Each = Mapping[str, Array]


def by_other(values: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values by two names, the other first."""
    names = next(iter(values.values()))
    return {n: {k: of[n] for k, of in values.items()} for n in names}


class Compartment(AlphaShape, Component):
    """A membrane with two alpha-shaped conductances."""

    C_m: Array = param(150 * pF, above=0, doc="membrane capacitance")
    g_L: Array = param(10 * nS, doc="leak conductance")
    E_L: Array = param(-70 * mV, doc="leak reversal potential")
    E_ex: Array = param(0 * mV, doc="reversal potential of g_ex")
    E_in: Array = param(-85 * mV, doc="reversal potential of g_in")
    tau_syn_ex: Array = param(0.5 * ms, above=0, doc="time to the peak of g_ex")
    tau_syn_in: Array = param(2 * ms, above=0, doc="time to the peak of g_in")
    I_e: Array = param(0 * pA, doc="constant current")
    V_m: Array = param(-70 * mV, doc="membrane potential at the start")
    synaptic = ("g_ex", "dg_ex", "g_in", "dg_in")

    def rates(self, y: Y, V: Array, I: Array) -> Y:
        """Rates of its variables at a potential V, where a current I flows in."""
        flow = I + self.I_e - self.g_L * (V - self.E_L)
        flow = flow - y["g_ex"] * (V - self.E_ex) - y["g_in"] * (V - self.E_in)
        return {"V_m": flow / self.C_m, **self.synaptic_rates(y)}


class IafCondAlphaMcState(SubsteppedState):
    """Variables of `iaf_cond_alpha_mc`, most by compartment."""

    V_m: Each = cell(mV, init="V_m", doc="membrane potential")
    g_ex: Each = cell(nS, doc="excitatory conductance")
    dg_ex: Each = cell(nS / ms, doc="what g_ex rises by")
    g_in: Each = cell(nS, doc="inhibitory conductance")
    dg_in: Each = cell(nS / ms, doc="what g_in rises by")
    I_0: Each = cell(pA, doc="current that arrived in the last step")
    t_ref_remaining: Array = cell(ms, doc="what is left of the refractory period")


class IafCondAlphaMc(RungeKutta, NestNeuron):
    """Integrate-and-fire neuron of three compartments (NEST's `iaf_cond_alpha_mc`).

        C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_c + I_e + I  for each
        I_c = g_sp (V_p - V_s),  g_sp (V_s - V_p) + g_pd (V_d - V_p),  g_pd (V_p - V_d)
        g: a spike of weight w at time 0 adds w e t / tau_syn exp(-t / tau_syn), whose peak is w
        V_s >= V_th:  spike, V_s <- V_reset, all three potentials held for t_ref

    Parameters of the soma, the proximal and the distal dendrite stand in a dict each. PyNEST
    refuses a name that is none of theirs, which NEST passes over.

    Source: Meffin et al. 2004, J. Comput. Neurosci. 16; behaviour as of NEST 3.10.
    """

    V_reset: Array = param(-60 * mV, doc="potential of the soma after a spike, below V_th")
    g_sp: Array = param(2.5 * nS, doc="conductance between soma and proximal dendrite")
    g_pd: Array = param(1 * nS, doc="conductance between proximal and distal dendrite")
    soma: Compartment = part(Compartment(), doc="the soma")
    proximal: Compartment = part(Compartment(C_m=75 * pF, g_L=5 * nS), doc="the proximal dendrite")
    distal: Compartment = part(Compartment(), doc="the distal dendrite")
    ports = {
        "syn": Port(nS, channels=tuple(f"{c}_{k}" for c in COMPARTMENTS for k in ("exc", "inh"))),
        "current": Port(pA, channels=tuple(f"{c}_curr" for c in COMPARTMENTS)),
    }
    receptors_shown = {**{k + 1: k for k in range(6)}, **{k + 7: k for k in range(3)}}
    variables = ("V_m", *Compartment.synaptic)
    recordables = (
        *(f"{n}.{c[0]}" for n in ("V_m", "g_ex", "g_in") for c in COMPARTMENTS),
        "t_ref_remaining",
    )
    State = IafCondAlphaMcState

    @property
    def compartments(self) -> Mapping[str, Compartment]:
        """All three by name."""
        return {c: getattr(self, c) for c in COMPARTMENTS}

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {k + 1: f"syn.{name}" for k, name in enumerate(self.ports["syn"].channels)}

    @property
    def current_ports(self) -> Mapping[int, str]:
        return {k + 7: f"current.{name}" for k, name in enumerate(self.ports["current"].channels)}

    @property
    def receptor_types(self) -> Mapping[str, int]:
        ports = {**self.spike_ports, **self.current_ports}
        return {port.partition(".")[2]: number for number, port in ports.items()}

    @property
    def signals(self) -> Mapping[str, Unit]:
        units = self.State.cells
        own = {n: units[n.partition(".")[0]].unit for n in self.recordables}
        return {"spike": units["spike"].unit, **own}

    def read(self, state: Any, name: str) -> Array:
        cell, _, letter = name.partition(".")
        value = super().read(state, name) if not letter else getattr(state, cell)
        return next(value[c] for c in COMPARTMENTS if c[0] == letter) if letter else value

    def initial(self, spec: Any, size: int, name: str) -> Any:
        if name not in (*self.variables, "I_0"):
            return super().initial(spec, size, name)
        starts = {c: p.V_m if name == "V_m" else spec.init for c, p in self.compartments.items()}
        first = super().initial
        return {c: first(dataclasses.replace(spec, init=v), size, name) for c, v in starts.items()}

    def coupling(self, V: Each, V_soma: Array) -> dict[str, Array]:
        """What flows into each from the others (pA); the soma itself is at V_soma."""
        up, down = V["proximal"] - V["soma"], V["distal"] - V["proximal"]
        return {
            "soma": self.g_sp * (V["proximal"] - V_soma),
            "proximal": -self.g_sp * up + self.g_pd * down,
            "distal": -self.g_pd * down,
        }

    def rates(self, y: Y, args: Mapping[str, Any]) -> Y:
        held, V = args["r"] > 0, y["V_m"]
        V_soma = jnp.where(held, self.V_reset, jnp.minimum(V["soma"], self.V_th))
        into, own = self.coupling(V, V_soma), by_other(y)
        V = V | {"soma": V_soma}
        found = by_other(
            {c: p.rates(own[c], V[c], into[c] + args["I"][c]) for c, p in self.compartments.items()}
        )
        return found | {"V_m": {c: jnp.where(held, 0.0, v) for c, v in found["V_m"].items()}}

    def arrive(self, y: Y, weights: Array) -> Y:
        """The conductances after spikes."""
        own = by_other(y)
        for (c, p), (w_ex, w_in) in zip(
            self.compartments.items(), weights.reshape(3, 2, -1), strict=True
        ):
            own[c] = p.arrive(own[c], {"syn": (w_ex, -w_in)})
        return by_other(own)

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> IafCondAlphaMcState:
        s, start = state, {n: getattr(state, n) for n in self.variables}
        y, _, solver = self.integrate(s, start, {"r": s.r, "I": s.I_0}, dt)
        y = self.arrive(y, inputs["syn"])
        V = jnp.where(s.r > 0, self.V_reset, y["V_m"]["soma"])
        V, spikes, r = self.fire(V, s.r, dt)
        y["V_m"] |= {"soma": V}
        left = r.astype(V.dtype) * dt
        I_0 = dict(zip(COMPARTMENTS, inputs["current"], strict=True))
        return s.replace(**y, **solver, spike=spikes, r=r, I_0=I_0, t_ref_remaining=left)
