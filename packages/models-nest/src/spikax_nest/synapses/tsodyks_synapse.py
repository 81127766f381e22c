"""NEST's `tsodyks_synapse`."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from spikax import param
from spikax.units import ms
from spikax_nest._short_term import ThreeStates
from spikax_nest.synapses._synapse import Unbounded


class TsodyksSynapse(ThreeStates, Unbounded):
    """Short-term plasticity with three states of the resources (NEST's `tsodyks_synapse`).

        dx/dt = z / tau_rec,  dy/dt = -y / tau_psc,  du/dt = -u / tau_fac,  z = 1 - x - y
        spike of the source:  u <- u + U (1 - u), then u x goes from x to y; it sends weight u x

    Exact between spikes, from t = 0 to the first. tau_fac = 0 stands for no facilitation.

    Source: Tsodyks, Uziel & Markram 2000, J. Neurosci. 20; behaviour as of NEST 3.10, save where
    tau_psc = tau_rec: there NEST sends NaN.
    """

    U: Array = param(0.5, at_least=0, at_most=1, doc="increase of u by a spike at rest")
    tau_psc: Array = param(3 * ms, above=0, doc="time constant of what is active")
    tau_rec: Array = param(800 * ms, above=0, doc="time constant of recovery")
    tau_fac: Array = param(0 * ms, at_least=0, doc="time constant of facilitation")
    x: Array = param(1.0, doc="share of resources that are ready at the start")
    y: Array = param(0.0, doc="share of resources that are active at the start")
    u: Array = param(0.0, at_least=0, at_most=1, doc="release probability at the start")
    pre_clocks = {"since": 0.0}
    variables = {"x": "x", "y": "y", "u": "u", "efficacy": "weight"}

    def validate(self) -> None:
        super().validate()
        self.check_shares()

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        released, after = self.released(at["since"], at["x"], at["y"], at["u"])
        after["efficacy"] = at["weight"] * released
        return {name: value - at[name] for name, value in after.items()}
