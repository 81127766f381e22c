"""braintrace, as a peer of the rules of spikax-learning.

The network is built from its own parts: brainpy.state's LIF, whose potential is reset at the start
of the next step, a product with all weights, its leaky readout. The gradients of a run are those of
`etrace_grad`, jitted with the setting of the states to zero.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import brainstate
import braintools
import braintrace
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainpy.state import LIF

from peers._serve import Clock, Run, serve

LATE = 1000
"""Updates after which braintrace no longer divides f of pp-prop by 1 - decay^(n + 1)."""


class Network(brainstate.nn.Module):
    """A step of the network: x and the spikes of the step before arrive, the readout is given."""

    def __init__(self, given: dict[str, Any], arrays: Any) -> None:
        super().__init__()
        recurrent = jnp.concatenate([arrays["in"], arrays["E"]])
        tau, n = given["tau"] * u.ms, arrays["E"].shape[1]
        self.cells = LIF(
            n,
            R=1.0,
            tau=tau,
            V_th=1.0,
            V_reset=0.0,
            V_rest=0.0,
            V_initializer=braintools.init.Constant(0.0),
            spk_fun=braintools.surrogate.ReluGrad(given["height"], 1.0),
            spk_reset="soft",
        )
        self.synapses = braintrace.nn.Linear(len(recurrent), n, w_init=recurrent, b_init=None)
        self.out = braintrace.nn.LeakyRateReadout(
            n,
            arrays["out"].shape[1],
            tau=given["tau_out"] * u.ms,
            w_init=jnp.asarray(arrays["out"]),
        )

    def update(self, x: Any) -> Any:
        arriving = jnp.concatenate([x, self.cells.get_spike()])
        self.cells.add_delta_input("synapses", self.synapses(arriving))
        return self.out(self.cells(0.0))


def build(task: dict[str, Any]) -> tuple[dict[str, Any], Run]:
    brainstate.environ.set(dt=1.0 * u.ms, precision=64 if task["x64"] else 32)
    arrays = np.load(task["arrays"])
    x, targets = jnp.asarray(arrays["x"]), jnp.asarray(arrays["targets"])
    net, clock = Network(task, arrays), Clock()
    options = {"decay_or_rank": float(task["decay"])} if task["rule"] == "pp_prop" else {}
    learner = braintrace.compile(net, getattr(braintrace, task["rule"]), x[0], **options)

    def loss(x: Any, target: Any) -> Any:
        return ((learner(x) - target) ** 2).sum() / 2

    @brainstate.transform.jit
    def gradient(x: Any, targets: Any) -> Any:
        brainstate.nn.reset_all_states(net)  # init_all_states would leave the learner its old ones
        learner.reset_state()
        if task.get("uncorrected"):
            learner.running_index.value = jnp.full_like(learner.running_index.value, LATE)
        return learner.etrace_grad(
            x, targets, step_fn=loss, reduction="sum", loss_output="scalar", return_value=True
        )

    first = {"graph": clock.lap()}
    for name in ("first", "second", "third"):
        found, total = jax.block_until_ready(gradient(x, targets))
        first[name] = clock.lap()
    weight = found[("synapses", "weight")]["weight"]
    n_in = len(arrays["in"])
    np.savez(
        task["found"],
        loss=total,
        **{"in": weight[:n_in], "E": weight[n_in:], "out": found[("out", "W")]},
    )

    def run() -> dict[str, Any]:
        walls = []
        for _ in range(task["repeats"]):
            clock.lap()
            jax.block_until_ready(gradient(x, targets))
            walls.append(clock.lap())
        return {"wall": min(walls)}

    packages = ", ".join(f"{name} {version(name)}" for name in ("braintrace", "brainstate", "jax"))
    return first | {"bytes": None, "version": packages}, run


if __name__ == "__main__":
    serve(build)
