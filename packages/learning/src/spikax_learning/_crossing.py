"""The leaky membrane under an exponential current, in closed form: its flow and its threshold."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Membranes(NamedTuple):
    """Neurons of x' = -x / tau_m + J, J' = -J / tau_s, each value (N,).

    x = V - V_inf with V_inf = E_L + tau_m I_e / C_m, and J = I / C_m.
    """

    tau_m: Array
    tau_s: Array
    threshold: Array
    reset: Array

    def slope(self, x: Array, J: Array) -> Array:
        """dx/dt."""
        return J - x / self.tau_m


class Flow(NamedTuple):
    """x(h) = membrane x + gain J, J(h) = synapse J: what a time h does."""

    membrane: Array
    synapse: Array
    gain: Array


def flow(m: Membranes, h: Array) -> Flow:
    """What a time h >= 0 does; accurate for time constants that are near or equal, too."""
    slow, fast = jnp.maximum(m.tau_m, m.tau_s), jnp.minimum(m.tau_m, m.tau_s)
    rate = 1 / fast - 1 / slow
    late, lost = jnp.exp(-h / slow), jnp.expm1(-h * rate)
    early = late * (1 + lost)
    slower = m.tau_m >= m.tau_s
    gain = late * jnp.where(rate > 0, -lost / jnp.where(rate > 0, rate, 1.0), h)
    return Flow(jnp.where(slower, late, early), jnp.where(slower, early, late), gain)


def moved(m: Membranes, x: Array, J: Array, h: Array) -> tuple[Array, Array]:
    """The state a time h later."""
    f = flow(m, h)
    return f.membrane * x + f.gain * J, f.synapse * J


def turning(m: Membranes, x: Array, J: Array) -> Array:
    """When x has its extremum, of which there is at most one; inf where there is none.

    x'(h) = 0 at h = -log(1 - e q) tau_s / e with q = x'(0) / J and e = 1 - tau_s / tau_m.
    """
    q = m.slope(x, J) / jnp.where(J == 0, 1.0, J)
    z = (1 - m.tau_s / m.tau_m) * q
    there = (J != 0) & (q > 0) & (z < 1)
    plain = jnp.where((z == 0) | ~there, 0.5, z)
    stretched = jnp.where(z == 0, 1.0, -jnp.log1p(-plain) / plain)
    return jnp.where(there, m.tau_s * q * stretched, jnp.inf)


def first_crossing(m: Membranes, x: Array, J: Array, horizon: Array) -> Array:
    """When x first rises through the threshold, inf where it does not up to the horizon.

    x rises from 0 to its maximum, or from its minimum on: that bracket holds the first root.
    """
    turn, rising = turning(m, x, J), m.slope(x, J) > 0
    low = jnp.where(rising, 0.0, turn)
    high = jnp.where(rising, jnp.minimum(turn, horizon), horizon)
    ahead = low <= high
    high = jnp.where(ahead, high, 0.0)
    meets = ahead & (moved(m, x, J, high)[0] >= m.threshold)
    low = jnp.where(meets, low, 0.0)
    over = meets & rising & (x >= m.threshold)
    root = _root(m, x, J, low, jnp.where(meets, high, 0.0))
    return jnp.where(over, 0.0, jnp.where(meets, root, jnp.inf))


def _root(m: Membranes, x: Array, J: Array, low: Array, high: Array) -> Array:
    """Roots by the parabola through value, slope and curvature; halves where it leaves the bracket.

    A parabola knows a maximum that hardly reaches the threshold, so few steps are needed anywhere.
    """
    eps = 4 * jnp.finfo(x.dtype).eps

    def step(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, h, i, _ = carry
        f = flow(m, h)
        reached, current = f.membrane * x + f.gain * J, f.synapse * J
        above, slope = reached - m.threshold, m.slope(reached, current)
        low, high = jnp.where(above < 0, h, low), jnp.where(above < 0, high, h)
        curvature = -slope / m.tau_m - current / m.tau_s
        new = h - 2 * above / (slope + jnp.sqrt(slope**2 - 2 * above * curvature))
        new = jnp.where((new >= low) & (new <= high), new, (low + high) / 2)
        noise = eps * (jnp.abs(m.threshold) + f.membrane * jnp.abs(x) + f.gain * jnp.abs(J))
        open_ = (jnp.abs(above) > noise) & (high - low > eps * high)
        return low, high, new, i + 1, jnp.any(open_)

    def going(carry: tuple[Array, ...]) -> Array:
        return carry[4] & (carry[3] < 60)

    start = (low, high, low, jnp.int32(0), jnp.any(high > low))
    return jax.lax.while_loop(going, step, start)[2]
