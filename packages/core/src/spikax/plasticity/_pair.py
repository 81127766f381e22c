"""Spike-timing-dependent plasticity of pairs of spikes."""

from __future__ import annotations

from collections.abc import Mapping

from spikax._fields import param
from spikax._plasticity import Paired
from spikax._system import Array
from spikax.units import ms


class PairSTDP(Paired):
    """Additive spike-timing-dependent plasticity (Song, Miller & Abbott 2000).

        dx/dt = -x / tau_plus,  x <- x + 1 at a spike of the source
        dy/dt = -y / tau_minus,  y <- y + 1 at a spike of the target
        spike of the target:  w <- w + A_plus w_max x
        spike of the source:  w <- w - A_minus w_max y

    With `pairing="nearest"` a trace is set to 1 by a spike, so that only the last one counts.
    """

    A_plus: Array = param(0.005, at_least=0, doc="potentiation by a pair, as a share of w_max")
    A_minus: Array = param(0.00525, at_least=0, doc="depression by a pair, as a share of w_max")
    tau_plus: Array = param(20 * ms, above=0, doc="time constant of potentiation")
    tau_minus: Array = param(20 * ms, above=0, doc="time constant of depression")
    pre_traces = {"x": "tau_plus"}
    post_traces = {"y": "tau_minus"}

    def on_post(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": self.A_plus * at["x"]}

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"weight": -self.A_minus * at["y"]}
