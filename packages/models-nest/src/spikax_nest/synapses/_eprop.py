"""What NEST's e-prop synapses share: parameters of their targets, and the optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp
from jax import Array, lax

from spikax import param, static
from spikax.optimizers import adam_step
from spikax.units import ms, mV
from spikax_nest.synapses._synapse import NO_BOUND, NestSynapse

DESCENT: Mapping[str, Any] = {
    "Wmax": 100.0,
    "Wmin": -100.0,
    "batch_size": 1,
    "eta": 1e-4,
    "optimize_each_step": True,
    "optimizer": "gradient_descent",
}
ADAM: Mapping[str, Any] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


class EpropRule(NestSynapse):
    """A synapse that learns by e-prop and has an optimiser of its own."""

    optimizer: str = static("gradient_descent", choices=("gradient_descent", "adam"), doc="type")
    optimize_each_step: bool = static(True, doc="whether it is called in each step, or per spike")
    batch_size: Array = param(1.0, at_least=1, doc="gradients that are averaged for an update")
    eta: Array = param(1e-4, at_least=0, doc="learning rate")
    Wmin: Array = param(-100.0, doc="lowest weight")
    Wmax: Array = param(100.0, doc="largest weight")
    beta_1: Array = param(0.9, at_least=0, below=1, doc="decay of the first moment")
    beta_2: Array = param(0.999, at_least=0, below=1, doc="decay of the second moment")
    epsilon: Array = param(1e-7, above=0, doc="what is added to the root of the second moment")
    m: Array = param(0.0, doc="first moment at the start")
    v: Array = param(0.0, doc="second moment at the start")
    recurrent: bool = static(True, doc="whether the target spikes")
    tau_m: Array = param(10 * ms, above=0, doc="membrane time constant of the target")
    adapt_beta: Array = param(0 * mV, doc="adaptation of the target's threshold")
    adapt_tau: Array = param(10 * ms, above=0, doc="its time constant")
    w_max: Any = NO_BOUND
    sees_target = ()
    post_signals = ("surrogate_due", "signal_due", "rate_due")
    pre_clocks = {"since": -1e30}
    timed = True
    of_target: ClassVar[tuple[str, ...]] = ("tau_m", "adapt_beta", "adapt_tau")
    """Parameters that are those of the target."""
    own: ClassVar[Mapping[str, float]] = {}
    """NEST's defaults of what a synapse has beside the optimiser."""

    @classmethod
    def nest_defaults(cls) -> dict[str, Any]:
        return {"optimizer": dict(DESCENT), "m": 0.0, "v": 0.0, **cls.own}

    def optimized(
        self, at: Mapping[str, Array], gradient: Array, index: Array, where: Array
    ) -> dict[str, Array]:
        """What changes where the optimiser is called, with the index of the update.

        As in NEST, an update that comes late counts the steps that it missed, with gradient 0.
        """
        total = at["total"] + gradient
        target = 1 + jnp.floor(index / self.batch_size)
        due = where & (at["done"] < target)
        one = total / self.batch_size
        if self.optimizer == "adam":
            m, v, w = self.by_adam(at, one, jnp.where(due, target, at["done"]))
        else:
            m, v, w = at["m"], at["v"], at["weight"] - self.eta * one
        w = jnp.clip(w, self.Wmin, self.Wmax)
        new = {"weight": w, "m": m, "v": v, "done": jnp.broadcast_to(target, w.shape)}
        change = {n: jnp.where(due, x - at[n], 0.0) for n, x in new.items()}
        left = jnp.where(where, total, at["total"])
        return change | {"total": jnp.where(due, 0.0, left) - at["total"]}

    def by_adam(
        self, at: Mapping[str, Array], gradient: Array, target: Array
    ) -> tuple[Array, Array, Array]:
        """Moments and weight after Adam's steps up to number `target`."""
        idle = (at["m"] == 0) & (at["v"] == 0) & (gradient == 0)
        shape = at["weight"].shape
        first = jnp.where(idle, target, at["done"]) + jnp.zeros(shape)
        given = at["m"], at["v"], at["weight"], first, gradient + jnp.zeros(shape)

        def move(now: tuple[Array, ...]) -> tuple[Array, ...]:
            m, v, w, done, g = now
            m1, v1, change = adam_step(
                m, v, g, done, self.eta, self.beta_1, self.beta_2, self.epsilon
            )
            moves = done < target
            new = (m1, v1, w + change, done + 1, jnp.zeros_like(g))
            return tuple(jnp.where(moves, a, b) for a, b in zip(new, now, strict=True))

        m, v, w, _, _ = lax.while_loop(lambda now: jnp.any(now[3] < target), move, given)
        return m, v, w


def changes(at: Mapping[str, Array], new: Mapping[str, Array]) -> dict[str, Array]:
    """New values, as what they differ by."""
    return {n: v - at[n] for n, v in new.items()}
