"""NEST's `quantal_stp_synapse`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from spikax import param, static
from spikax.units import ms
from spikax_nest.synapses._synapse import Unbounded
from spikax_nest.synapses.tsodyks2_synapse import LONG_AGO, NEVER, left_after


class QuantalStpSynapse(Unbounded):
    """Short-term plasticity of n release sites (NEST's `quantal_stp_synapse`).

    A spike of the source, h after the last one, releases a random number of the a sites that are
    ready, each with probability u, and sends the weight as often; of none, nothing is sent:

        u <- U + u (1 - U) exp(-h / tau_fac)
        a <- a + Binomial(n - a, 1 - exp(-h / tau_rec))
        released: Binomial(a, u);  a <- a - released

    The first spike takes u and a as they are. tau_fac = 0 stands for no facilitation. The gradient
    is that of the weight alone.

    Source: Fuhrmann et al. 2002, J. Neurophysiol. 87; Loebel et al. 2009, Front. Comput. Neurosci.
    3:27; behaviour as of NEST 3.10.
    """

    U: Array = param(0.5, at_least=0, at_most=1, doc="release by a spike at rest")
    tau_rec: Array = param(800 * ms, above=0, doc="time constant of recovery")
    tau_fac: Array = param(0 * ms, at_least=0, doc="time constant of facilitation")
    n: Array = param(1.0, at_least=0, at_most=100, doc="release sites, a whole number")
    u: Array = param(0.5, at_least=0, at_most=1, doc="release probability at the start")
    a: Array = param(1.0, at_least=0, at_most=100, doc="sites that are ready at the start")
    relayed: bool = static(False, doc="whether the target counts any release as one spike")
    pre_clocks = {"since": -NEVER}
    variables = {"u": "u", "a": "a", "efficacy": "weight"}
    random = True
    drops = True

    def on_pre(self, at: Mapping[str, Array]) -> Mapping[str, Array]:
        h, u, first = at["since"], at["u"], at["since"] > LONG_AGO
        u = jnp.where(first, u, self.U + u * (1.0 - self.U) * left_after(h, self.tau_fac))
        again = jnp.where(first, 0.0, -jnp.expm1(-h / self.tau_rec))
        back, chance = binomial(at["uniform"], self.n - at["a"], again)
        ready = at["a"] + back
        released, _ = binomial(chance, ready, u)
        sent = at["weight"] * (jnp.minimum(released, 1.0) if self.relayed else released)
        after = {"u": u, "a": ready - released, "efficacy": sent}
        return {name: value - at[name] for name, value in after.items()}


def binomial(chance: Array, trials: Array, p: Array) -> tuple[Array, Array]:
    """How many trials succeed, and another chance, by inversion of one uniform number.

    Where `chance` lies within the share of its outcome is as uniform, and independent of it.
    """
    chance, trials, p = lax.stop_gradient((chance, jnp.maximum(trials, 0.0), p))
    rare = jnp.minimum(p, 1.0 - p)
    odds = rare / (1.0 - rare)

    def beyond(carry: tuple[Array, ...]) -> Array:
        k, rest, share = carry
        return (rest >= share) & (k < trials)

    def next_outcome(carry: tuple[Array, ...]) -> tuple[Array, ...]:
        k, rest, share = carry
        onward = (k + 1.0, rest - share, share * odds * (trials - k) / (k + 1.0))
        chosen = beyond(carry)
        return tuple(jnp.where(chosen, a, b) for a, b in zip(onward, carry, strict=True))

    begin: Any = (jnp.zeros_like(trials), chance, (1.0 - rare) ** trials)
    k, rest, share = lax.while_loop(lambda c: jnp.any(beyond(c)), next_outcome, begin)
    left = jnp.clip(rest / jnp.where(share > 0, share, 1.0), 0.0, 1.0)
    return jnp.where(p > 0.5, trials - k, k), left
