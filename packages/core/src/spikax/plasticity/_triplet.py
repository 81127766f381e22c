"""Spike-timing-dependent plasticity of triplets of spikes."""

from __future__ import annotations

from collections.abc import Mapping

from spikax._fields import param
from spikax._plasticity import Paired
from spikax._system import Array
from spikax.units import ms


class TripletSTDP(Paired):
    """Spike-timing-dependent plasticity of triplets (Pfister & Gerstner 2006).

        dr1/dt = -r1 / tau_plus,  dr2/dt = -r2 / tau_x,  both + 1 at a spike of the source
        do1/dt = -o1 / tau_minus,  do2/dt = -o2 / tau_y,  both + 1 at a spike of the target
        spike of the target:  w <- w + w_max r1 (A2_plus + A3_plus o2)
        spike of the source:  w <- w - w_max o1 (A2_minus + A3_minus r2)

    r2 and o2 are those before the spike itself. With `pairing="nearest"` a spike sets the traces to
    1. The amplitudes are those of the paper for visual cortex, all to all.
    """

    A2_plus: Array = param(5e-10, at_least=0, doc="potentiation by a pair, as a share of w_max")
    A3_plus: Array = param(6.2e-3, at_least=0, doc="potentiation by a triplet")
    A2_minus: Array = param(7e-3, at_least=0, doc="depression by a pair")
    A3_minus: Array = param(2.3e-4, at_least=0, doc="depression by a triplet")
    tau_plus: Array = param(16.8 * ms, above=0, doc="fast trace of the source")
    tau_x: Array = param(101 * ms, above=0, doc="slow trace of the source")
    tau_minus: Array = param(33.7 * ms, above=0, doc="fast trace of the target")
    tau_y: Array = param(125 * ms, above=0, doc="slow trace of the target")
    pre_traces = {"r1": "tau_plus", "r2": "tau_x"}
    post_traces = {"o1": "tau_minus", "o2": "tau_y"}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": at["r1"] * (self.A2_plus + self.A3_plus * at["o2"])}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": -at["o1"] * (self.A2_minus + self.A3_minus * at["r2"])}
