"""Short-term plasticity: what synapses, and a neuron that has it for all of its own, share."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from spikax.errors import ConfigError


def left_after(h: Array, tau: Array) -> Array:
    """What is left after h ms of what decays with tau; nothing where tau is 0."""
    return jnp.where(tau > 0, jnp.exp(-h / jnp.where(tau > 0, tau, 1.0)), 0.0)


class ThreeStates:
    """Resources that are ready, x, active, y, or recovering, z, of which a spike releases u x.

    dx/dt = z / tau_rec,  dy/dt = -y / tau_psc,  du/dt = -u / tau_fac,  z = 1 - x - y
    """

    U: Array
    tau_psc: Array
    tau_rec: Array
    tau_fac: Array
    x: Array
    y: Array

    def check_shares(self) -> None:
        """Raise where there is more than the whole at the start."""
        x: Any = self.x
        y: Any = self.y
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and np.any(x + y > 1):
            raise ConfigError(
                f"{type(self).__name__}.x and y sum to {np.max(x + y):g}; they are shares of one "
                "whole, at most 1."
            )

    def released(self, h: Array, x: Array, y: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """What a spike releases h ms after x, y and u were so, and these after it."""
        x, y = self.recovered(h, x, y)
        u = u * left_after(h, self.tau_fac)
        u = u + self.U * (1 - u)
        return u * x, {"x": x - u * x, "y": y + u * x, "u": u}

    def recovered(self, h: Array, x: Array, y: Array) -> tuple[Array, Array]:
        """What is ready and what is active after h ms without a spike."""
        psc, rec = jnp.exp(-h / self.tau_psc), jnp.exp(-h / self.tau_rec)
        gap = self.tau_psc - self.tau_rec
        apart = jnp.where(gap == 0, 1.0, gap)
        via_z = ((1 - psc) * self.tau_psc - (1 - rec) * self.tau_rec) / apart
        active = jnp.where(gap == 0, 1 - psc - h / self.tau_psc * psc, via_z)
        return x + active * y - jnp.expm1(-h / self.tau_rec) * (1 - x - y), y * psc
