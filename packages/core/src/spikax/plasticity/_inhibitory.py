"""Plasticity of inhibitory synapses."""

from __future__ import annotations

from collections.abc import Mapping

from spikax._fields import param
from spikax._plasticity import Plasticity
from spikax._system import Array
from spikax.units import Hz, ms


class InhibitorySTDP(Plasticity):
    """Inhibitory plasticity that balances excitation (Vogels et al. 2011).

        dx/dt = -x / tau,  x <- x + 1 at a spike of the source; y the same of the target
        spike of the target:  w <- w + eta w_max x
        spike of the source:  w <- w + eta w_max (y - alpha),  alpha = 2 rho_0 tau

    Weights settle where the target fires at about rho_0.
    """

    eta: Array = param(1e-3, at_least=0, doc="change by a pair, as a share of w_max")
    rho_0: Array = param(5 * Hz, at_least=0, doc="rate at which the target is held")
    tau: Array = param(20 * ms, above=0, doc="time constant of both traces")
    pre_traces = {"x": "tau"}
    post_traces = {"y": "tau"}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": self.eta * at["x"]}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": self.eta * (at["y"] - 2.0 * self.rho_0 * self.tau)}
