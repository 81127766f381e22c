"""The bound of an exponential upstroke."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikax.errors import ConfigError

_GROWTH = 80.0  # exp(88) is infinite in float32


def check_upstroke(model: Any, rate: Any, dt: float) -> None:
    """Raise if the upstroke outgrows floating point in one step before it reaches V_peak.

    At V it grows by exp(dt rate exp((V - V_th) / Delta_T)), `rate` being g_L / C_m.
    """
    highest = model.V_th + model.Delta_T * np.log(_GROWTH / (rate * dt))
    if np.any(model.V_peak > highest):
        raise ConfigError(
            f"{type(model).__name__}.V_peak = {np.max(model.V_peak):g} mV is out of reach of a "
            f"step of {dt:g} ms: from {np.min(highest):g} mV on the upstroke outgrows floating "
            "point. A V_peak below that moves no spike by more than a step."
        )
