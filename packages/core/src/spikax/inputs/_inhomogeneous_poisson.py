"""Poisson spike trains whose rate changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from spikax._fields import param
from spikax._system import Array, Port
from spikax.inputs._poisson import PoissonProcess
from spikax.inputs._table import check_table
from spikax.units import Hz, ms


class InhomogeneousPoisson(PoissonProcess):
    """Independent Poisson trains of a rate that changes (Dayan & Abbott 2001, sec. 1.4).

        rate(t) = max(0, table(t) + input(t))

    The table is linear between its `times`, and constant before the first and after the last; its
    `rates` are (K,) for all neurons, or one column (K, N) for each. The port `rate` (Hz) takes any
    signal. What it brings to more than 50 spikes in a step ends the run as not finite. The count of
    a step has mean rate * dt, the rate taken in its middle, and carries no gradient.
    """

    times: Array = param(np.zeros(1) * ms, at_least=0, free=True, doc="times of the table, sorted")
    rates: Array = param(np.zeros(1) * Hz, free=True, doc="rate at each of these times")
    ports: Mapping[str, Port] = {"rate": Port(Hz)}

    def validate(self) -> None:
        check_table(self.times, self.rates, type(self).__name__, "rates")

    def rate_at(self, time: Array, inputs: Mapping[str, Array]) -> Array:
        table = jnp.apply_along_axis(lambda r: jnp.interp(time, self.times, r), 0, self.rates)
        return jnp.maximum(table + inputs["rate"], 0.0)

    def highest_rate(self) -> Any:
        return self.rates
