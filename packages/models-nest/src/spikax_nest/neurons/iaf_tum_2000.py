"""NEST's `iaf_tum_2000`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from spikax import cell, clock, param
from spikax.units import ms
from spikax_nest._short_term import ThreeStates
from spikax_nest.neurons._late import LateNode
from spikax_nest.neurons.iaf_psc_exp import IafPscExp, IafPscExpState


class IafTum2000State(IafPscExpState):
    """Variables of `iaf_tum_2000`; x, y and u as the last spike left them."""

    x: Array = cell(init="x", doc="share of resources that are ready")
    y: Array = cell(init="y", doc="share of resources that are active")
    u: Array = cell(init="u", doc="release probability")
    release: Array = cell(doc="what a spike of the last step releases")
    last: Array = clock("step of the last spike")


class IafTum2000(ThreeStates, LateNode, IafPscExp):
    """`iaf_psc_exp` whose spikes are subject to short-term plasticity (NEST's `iaf_tum_2000`).

        dx/dt = z / tau_rec,  dy/dt = -y / tau_psc,  du/dt = -u / tau_fac,  z = 1 - x - y
        V >= V_th:  u <- u + U (1 - u), then u x, the release, goes from x to y

    Exact between spikes, from t = 0 to the first. To others of its model a spike sends weight times
    release, as `tsodyks_synapse` does, but once for all of its connections; these must end on
    receptor 1. To all others it sends a spike. As in NEST, a spike recorder takes the release for
    the offset of the spike: the times it shows are so many ms early.

    Source: Tsodyks, Uziel & Markram 2000, J. Neurosci. 20; behaviour as of NEST 3.10, save where
    tau_psc = tau_rec, which makes NEST send NaN, and at receptor 1, where NEST takes spikes of
    other models, too, and multiplies them by their offset, which is 0 on the grid.
    """

    U: Array = param(0.5, at_least=0, at_most=1, doc="increase of u by a spike at rest")
    tau_psc: Array = param(2 * ms, above=0, doc="time constant of what is active")
    tau_rec: Array = param(400 * ms, above=0, doc="time constant of recovery")
    tau_fac: Array = param(1000 * ms, at_least=0, doc="time constant of facilitation")
    x: Array = param(0.0, doc="share of resources that are ready at the start")
    y: Array = param(0.0, doc="share of resources that are active at the start")
    u: Array = param(0.0, at_least=0, at_most=1, doc="release probability at the start")
    among = "release"
    archives_late = False
    offset_cell = "release"
    State = IafTum2000State

    @property
    def spike_ports(self) -> Mapping[int, str]:
        return {0: "syn", 1: "syn"}

    def validate(self) -> None:
        super().validate()
        self.check_shares()

    def update(self, state: Any, inputs: Any, *, t: Array, dt: float) -> Any:
        s: Any = super().update(state, inputs, t=t, dt=dt)
        since = (t + 1 - s.last).astype(s.x.dtype) * dt
        released, after = self.released(since, s.x, s.y, s.u)
        before = {name: getattr(s, name) for name in after}
        return s.replace(
            **{name: v + s.spike * (after[name] - v) for name, v in before.items()},
            release=s.spike * released,
            last=jnp.where(s.spike >= 0.5, t + 1, s.last),
        )
